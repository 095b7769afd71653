import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonical } from "./canonical.ts";

const inputs = fc.anything({
  key: fc.string({ unit: fc.constantFrom(...'ab,=:{}[]"\\\ud800'), maxLength: 4 }),
  values: [
    fc.string({ unit: fc.constantFrom(...'a1n,=:{}[]()"\\\ud800'), maxLength: 6 }),
    fc.integer({ min: -2, max: 12 }),
    fc.double(),
    fc.boolean(),
    fc.bigInt({ min: -3n, max: 12n }),
    fc.constantFrom(null, undefined, -0, 0),
    fc.uint8Array({ maxLength: 3 }),
  ],
  withDate: true,
  withMap: true,
  withSet: true,
  maxDepth: 3,
});

/** The same, built in another order. */
function shuffled(value: unknown): unknown {
  if (value instanceof Map)
    return new Map([...value].reverse().map(([key, one]) => [shuffled(key), shuffled(one)]));
  if (value instanceof Set) return new Set([...value].reverse().map(shuffled));
  if (Array.isArray(value)) return value.map(shuffled);
  if (
    typeof value === "object" &&
    value !== null &&
    !(value instanceof Date || ArrayBuffer.isView(value))
  ) {
    const copy = {};
    for (const [name, one] of Object.entries(value as object).reverse())
      Object.defineProperty(copy, name, {
        value: shuffled(one),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    return copy;
  }
  return value;
}

test("different inputs have different texts, equal ones the same", () => {
  fc.assert(
    fc.property(inputs, inputs, (a, b) => {
      expect(canonical(a) === canonical(b)).toBe(isDeepStrictEqual(a, b));
    }),
    { numRuns: 3_000 },
  );
});

test("the order in which something was built does not count", () => {
  fc.assert(
    fc.property(inputs, (value) => {
      expect(canonical(shuffled(value))).toBe(canonical(value));
    }),
    { numRuns: 2_000 },
  );
});

test("short inputs stay readable", () => {
  expect(canonical({ to: "Rome", nights: 3, on: new Date(0), rooms: [1n, true] })).toBe(
    '{"nights"=3,"on"=Date(0),"rooms"=[1n,true],"to"="Rome"}',
  );
});

class Money {}
const ring: unknown[] = [];
ring.push(ring);
const holes = new Array<number>(2);

test.each([
  ["a function", { run: () => 1 }],
  ["a symbol", [Symbol("x")]],
  ["a symbol property", { [Symbol("x")]: 1 }],
  ["an instance", { price: new Money() }],
  ["a URL", new URL("http://localhost")],
  ["a ring", ring],
  ["holes", holes],
  ["too many bytes", new Uint8Array(100_001)],
  ["too many values", Array.from({ length: 100_001 }, () => 1)],
])("%s is refused", (_name, value) => {
  expect(() => canonical(value)).toThrow("HST_CACHE_INPUTS");
});

test("an object without prototype is as good as one with", () => {
  expect(canonical(Object.assign(Object.create(null), { a: 1 }))).toBe(canonical({ a: 1 }));
  const hostile = JSON.parse('{"__proto__":{"a":1}}');
  expect(canonical(hostile)).toBe('{"__proto__"={"a"=1}}');
});
