import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Cache, type CacheOptions, createCache, defineKey } from "../../../src/cache/index.ts";

/** What another process stored, as this one meets it: another release of the code, expired, deleted. */
let redis: RedisServer;
let caches: Cache[] = [];
let names = 0;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
afterEach(async () => {
  await Promise.all(caches.map((cache) => cache.close()));
  caches = [];
});

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const key = defineKey("thing", (n: number) => [n]).of<string>();

async function two(options: CacheOptions = {}): Promise<[Cache, Cache]> {
  names += 1;
  const open = (): Cache => createCache({ name: `found ${names}`, redis: redis.url, ...options });
  caches = [open(), open()];
  for (const cache of caches) expect(await cache.shared!.ready(5_000)).toBe(true);
  return caches as [Cache, Cache];
}

async function stored(cache: Cache): Promise<void> {
  await expect.poll(() => cache.shared!.stats().fills).toBeGreaterThan(0);
}

test("a value of another release that this one's code throws at is a miss, and nobody waits for ever", async () => {
  const [old, young] = await two();
  const plain = old.key("user", (n: number) => [n]).of<object>();
  const user = young
    .key("user", (n: number) => [n])
    .of<{ items: number[] }>({ sizeOf: ({ items }) => items.length });
  await old.getOrSet(plain(1), () => ({ name: "x" }));
  await stored(old);
  expect(await young.get(user(1))).toBeUndefined();
  expect(await young.getMany([user(1)])).toEqual([undefined]);
  expect(await young.promote(user(1))).toBeUndefined();
  expect(await young.getOrSet(user(1), () => ({ items: [1] }))).toEqual({ items: [1] });
  expect(young.stats().undecodable).toBeGreaterThan(0);
});

test("a tag that this release's callers declare reaches what an older one stored without it", async () => {
  const [old, young] = await two();
  await young.getOrSet(key(9), () => "other", { tags: ["b"] });
  await old.getOrSet(key(1), () => "v1", { tags: ["a"] });
  await stored(young);
  await stored(old);
  const ask = (value: string): unknown => young.getOrSet(key(1), () => value, { tags: ["a", "b"] });
  expect(await ask("v2")).toBe("v1");
  await young.delete({ tags: ["b"] });
  expect(await ask("v3")).toBe("v3");
});

test("null is a value, also beside keys that are not here", async () => {
  const [a] = await two();
  const nullable = defineKey("nullable", (n: number) => [n]).of<string | null>();
  await a.set(nullable(1), null);
  expect(await a.getMany([nullable(1), nullable(2)])).toEqual([null, undefined]);
});

test.each(["key", "tag", "everything of its prefix"])(
  "expired by its %s, it stands in for its grace and not for one after another",
  async (by) => {
    const [a, b] = await two();
    const options = { ttlMs: 60_000, graceMs: 300, tags: ["t"] };
    await a.getOrSet(key(1), () => "v", options);
    await stored(a);
    const prefix = { prefixes: ["thing:"] };
    await a.expire(by === "key" ? key(1) : by === "tag" ? { tags: ["t"] } : prefix);
    await later(20);
    const ask = async (): Promise<unknown> =>
      b.getOrSet(key(1), () => Promise.reject(new Error("down")), options);
    expect(await ask()).toBe("v");
    await later(200);
    expect(await ask()).toBe("v");
    await later(250);
    await expect(ask()).rejects.toThrow("down");
  },
);

test.each(["key", "tag", "prefix", "clear", "key, elsewhere"])(
  "deleted (%s) while a load runs, a stale value does not stand in for its failure",
  async (by) => {
    const [a, b] = await two();
    const options = { ttlMs: 60_000, graceMs: 60_000, tags: ["t"] };
    await a.getOrSet(key(1), () => "v", options);
    await stored(a);
    await a.expire(key(1));
    const failing = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    const load = (): Promise<string> => {
      begun.resolve();
      return failing.promise;
    };
    const asked = [a, b].map(async (one) => one.getOrSet(key(1), load, options));
    await begun.promise;
    if (by === "clear") await a.clear();
    else if (by === "tag") await a.delete({ tags: ["t"] });
    else if (by === "prefix") await a.delete({ prefixes: ["thing:"] });
    else await (by === "key" ? a : b).delete(key(1));
    await later(50);
    failing.reject(new Error("down"));
    const told = await Promise.allSettled(asked);
    expect(told.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  },
);

test("what was deleted while a load waited for another process is not what it makes its value of", async () => {
  const [a, b] = await two();
  const options = { ttlMs: 60_000, graceMs: 60_000 };
  await a.getOrSet(key(1), () => "old", options);
  await stored(a);
  await a.expire(key(1));
  const slow = Promise.withResolvers<string>();
  const first = Promise.resolve(a.getOrSet(key(1), () => slow.promise, options));
  await later(30);
  const second = b.getOrSet(key(1), ({ stale }) => `${stale ?? "nothing"} and more`, options);
  await later(30);
  await b.delete(key(1));
  expect(await second).toBe("nothing and more");
  slow.resolve("late");
  await first;
  expect(await b.getOrSet(key(1), () => "none", options)).toBe("nothing and more");
});
