import fc from "fast-check";
import { expect, test } from "vitest";
import { prefixesOf } from "./fence.ts";
import {
  allUsersKey,
  apiResponseKey,
  defineKey,
  queryResultKey,
  rateLimitKey,
  userKey,
} from "./index.ts";

const text = defineKey("t", (...segments: string[]) => segments).of<string>();

test("different segments give different keys, whatever characters they hold", () => {
  const nasty = fc.string({
    unit: fc.constantFrom("a", ":", "%", "3", "A", "*", "{", "\n", "\ud800", "\udc00", "u"),
  });
  const list = fc.array(nasty, { maxLength: 4 });
  fc.assert(
    fc.property(list, list, (a, b) => {
      expect(text(...a) === text(...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
    { numRuns: 5_000 },
  );
});

test("a segment never changes which prefixes a key lies under", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (segment) => {
      expect(prefixesOf(text(segment, "x"))).toEqual(["t:", `${text(segment)}:`]);
    }),
  );
  expect(prefixesOf("a:b:c:d:e:f")).toEqual(["a:", "a:b:", "a:b:c:", "a:b:c:d:"]);
});

test("keys read well and say what is wrong with a segment", () => {
  expect(defineKey("user", (id: number) => [id]).of<string>()(7)).toBe("user:7");
  expect(() => text(undefined as never)).toThrow("HST_CACHE_KEY");
  expect(() => text("x".repeat(3_000))).toThrow("HST_CACHE_KEY");
  expect(() => defineKey("a:b", () => [])).toThrow("HST_CACHE_KEY");
  expect(() => text.prefix("a", "b", "c", "d")).toThrow("HST_CACHE_PREFIX");
});

test("the standard keys tell apart what differs and nothing else", () => {
  expect(userKey(7)).toBe("user:7");
  expect(allUsersKey()).toBe("users");
  expect(rateLimitKey("2001:db8::1")).toBe("rate-limit:2001%3Adb8%3A%3A1");
  expect(apiResponseKey("/a", { b: "1", a: "2" })).toBe(
    apiResponseKey("/a", new URLSearchParams("a=2&b=1")),
  );
  expect(apiResponseKey("/a", { a: "1" })).not.toBe(apiResponseKey("/a", { a: "2" }));
  expect(apiResponseKey("/a", { a: "x".repeat(5_000) }).length).toBeLessThan(100);
  const keys = [
    queryResultKey("select $1", [1]),
    queryResultKey("select $1", ["1"]),
    queryResultKey("select $1", [new Date(1)]),
    queryResultKey("select $1", []),
    queryResultKey("select  $1", [1]),
  ];
  expect(new Set(keys).size).toBe(5);
  expect(queryResultKey("select $1", [1])).toBe(keys[0]);
});
