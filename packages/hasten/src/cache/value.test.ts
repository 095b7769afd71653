import fc from "fast-check";
import { expect, test } from "vitest";
import { byReference, createCache, defineKey } from "./index.ts";
import { structured } from "./structured.ts";

const key = defineKey("thing", (id: number) => [id]).of<unknown>();
const bare = (fields: object): object => Object.assign(Object.create(null), fields);
const roundTrip = (value: unknown): unknown =>
  structured.decode(structured.encode(value).stored as never);

test("plain data is frozen in depth and shared by reference", async () => {
  const cache = createCache();
  const value = { list: [{ n: 1 }], text: "t", none: undefined, nan: Number.NaN, big: 10n };
  await cache.set(key(1), value);
  const read = cache.peek(key(1)) as typeof value;
  expect(read).toBe(value);
  expect(() => read.list.push({ n: 2 })).toThrow(TypeError);
  expect(() => {
    read.list[0]!.n = 2;
  }).toThrow(TypeError);
});

test("many objects, some of them shared or in cycles, are each frozen and counted once", async () => {
  const shared = { n: 1 };
  const list: { shared: object; back?: unknown }[] = Array.from({ length: 30 }, () => ({ shared }));
  for (const one of list) one.back = list;
  const cache = createCache();
  const id = defineKey("many", () => []).of<typeof list>()();
  await cache.set(id, list);
  const kept = cache.peek(id)!;
  expect(kept).toBe(list);
  expect([kept, ...kept, shared].every((object) => Object.isFrozen(object))).toBe(true);
  expect(cache.stats().bytes).toBeLessThan(30 * 40 + 300);
});

test("the bytes of short strings are those of their encoding", async () => {
  const cache = createCache();
  const id = defineKey("text", () => []).of<string>()();
  const bytesOf = async (text: string): Promise<number> => {
    await cache.set(id, text);
    return cache.entry(id)!.bytes;
  };
  const empty = await bytesOf("");
  for (const text of ["abc", "äöü", "x".repeat(24), "x".repeat(25), `${"x".repeat(23)}€`, "😀"])
    expect((await bytesOf(text)) - empty).toBe(Buffer.byteLength(text));
});

test("changing what was read never changes the next read", async () => {
  const cache = createCache();
  const make = () => ({
    date: new Date(5),
    map: new Map<unknown, unknown>([[{ a: 1 }, new Set([1])]]),
    bytes: Buffer.from("abc"),
    floats: new Float64Array([1, -0]),
  });
  const given = make();
  await cache.set(key(1), given);
  given.date.setTime(9);
  for (let n = 0; n < 2; n++) {
    const read = cache.peek(key(1)) as ReturnType<typeof make>;
    expect(read).toEqual(make());
    expect(Buffer.isBuffer(read.bytes)).toBe(true);
    read.date.setTime(0);
    read.map.clear();
    read.bytes.fill(0);
    read.floats[0] = 7;
  }
});

test("callers that share a load get copies of their own", async () => {
  const cache = createCache();
  const load = async () => ({ date: new Date(5) });
  const dates = await Promise.all([1, 2, 3].map(() => cache.getOrSet(key(1), load)));
  for (const value of dates) (value as { date: Date }).date.setTime(0);
  expect(cache.peek(key(1))).toEqual({ date: new Date(5) });
  expect(new Set(dates).size).toBe(3);
});

test("class instances, functions and symbols are refused before anything is frozen", async () => {
  const cache = createCache();
  class Money {
    readonly cents = 5;
  }
  class Rows extends Array<number> {}
  for (const wrong of [new Money(), () => 1, Symbol("s"), new Rows(), { [Symbol("s")]: 1 }, /x/]) {
    const holder = { fine: {}, wrong };
    await expect(cache.set(key(1), holder)).rejects.toThrow("HST_CACHE_VALUE");
    expect(Object.isFrozen(holder) || Object.isFrozen(holder.fine)).toBe(false);
  }
  await expect(cache.getOrSet(key(1), () => new Money())).rejects.toThrow("an instance of Money");
});

test("a registered codec keeps instances", async () => {
  class Money {
    readonly cents: number;
    constructor(cents: number) {
      this.cents = cents;
    }
  }
  const cache = createCache();
  const money = cache
    .key("money", (id: number) => [id])
    .of<Money>({
      codec: {
        name: "money",
        encode: (value) => ({ stored: value.cents, bytes: 8 }),
        decode: (cents: number) => new Money(cents),
      },
    });
  await cache.set(money(1), new Money(5));
  expect(cache.peek(money(1))).toEqual(new Money(5));
  expect(cache.peek(money(1))).toBeInstanceOf(Money);
  expect(() => cache.key("money", () => []).of({ codec: byReference(() => 1) })).toThrow(
    "HST_CACHE_CODEC",
  );
});

test("byReference keeps the object itself and counts what it is told", async () => {
  const cache = createCache();
  const opaque = cache.key("opaque", () => []).of<object>({ codec: byReference(() => 5_000) });
  const value = { open: () => 1 };
  await cache.set(opaque(), value);
  expect(cache.peek(opaque())).toBe(value);
  expect(Object.isFrozen(value)).toBe(false);
  expect(cache.stats().bytes).toBeGreaterThanOrEqual(5_000);
});

test("bytes are of the order of the length of the JSON", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (value) => {
      const cache = createCache();
      const prefix = 96 + "thing:".length;
      const empty = 200 + key(1).length + prefix;
      await cache.set(key(1), value);
      const bytes = cache.stats().bytes - empty;
      const json = Buffer.byteLength(JSON.stringify(value));
      expect(bytes).toBeGreaterThanOrEqual(json / 4);
      expect(bytes).toBeLessThanOrEqual(json * 8 + 16);
    }),
  );
});

test("encoding gives back every kind of value alike", () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withNullPrototype: true,
    withSparseArray: true,
    withUnicodeString: true,
  });
  fc.assert(
    fc.property(anything, (value) => {
      expect(roundTrip(value)).toStrictEqual(value);
    }),
    { numRuns: 2_000 },
  );
});

test("encoding keeps -0, lone surrogates, cycles and shared references", () => {
  expect(Object.is(roundTrip(-0), -0)).toBe(true);
  expect(roundTrip("a\ud800b")).toBe("a\ud800b");
  const loop: Record<string, unknown> = { bare: bare({ a: 1 }) };
  loop["self"] = loop;
  loop["again"] = loop["bare"];
  const copy = roundTrip(loop) as typeof loop;
  expect(copy["self"]).toBe(copy);
  expect(copy["again"]).toBe(copy["bare"]);
  expect(Object.getPrototypeOf(copy["bare"])).toBeNull();
});

test("hostile property names reach no prototype", async () => {
  const cache = createCache();
  const text = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
  const hostile = () => ({ ...JSON.parse(text), when: new Date(1), inner: JSON.parse(text) });
  await cache.set(key(1), hostile());
  const read = cache.peek(key(1)) as Record<string, object>;
  expect(Object.keys(read["inner"]!)).toEqual(["__proto__", "constructor"]);
  expect(Object.getPrototypeOf(read["inner"])).toBe(Object.prototype);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("data nested too deep to decode is refused", async () => {
  let deep: unknown = new Date();
  for (let n = 0; n < 2_000; n++) deep = [deep];
  await expect(createCache().set(key(1), deep)).rejects.toThrow("HST_CACHE_VALUE");
});
