// Warming, watching and deleting by pattern over a real Redis that two caches share.
import { type Cache, type CacheOptions, createCache, createWarmUp, warmOne } from "hasten/cache";
import { registerCacheMetrics } from "hasten/prom-client";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { Registry } from "prom-client";
import { afterEach, beforeEach, expect, test } from "vitest";

let redis: RedisServer;
const caches: Cache[] = [];

beforeEach(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  for (const cache of caches.splice(0)) await cache.close();
  await redis.stop();
});

async function open(options: CacheOptions = {}): Promise<Cache> {
  const cache = createCache({ name: "shop", redis: redis.url, ...options });
  caches.push(cache);
  expect(await cache.shared!.ready(5_000)).toBe(true);
  return cache;
}

const userKey = (cache: Cache) => cache.key("user", (id: number) => [id]).of<string>();

test("what matches a pattern goes from Redis and from the memory of both", async () => {
  const [a, b] = [await open(), await open()];
  const key = userKey(a);
  for (let id = 0; id < 30; id++) await a.getOrSet(key(id), () => `user ${id}`);
  await a.getOrSet(key(100), () => "stays");
  for (let id = 0; id < 30; id++) await b.get(key(id));
  const last = await a.deleteMatching("user:?*", { pageSize: 10, max: 1_000 }).done();
  expect(last).toMatchObject({ done: true, stopped: false });
  expect(last.deleted).toBeGreaterThanOrEqual(31);
  for (const cache of [a, b])
    await expect.poll(() => cache.get(key(7)), { timeout: 5_000 }).toBeUndefined();
  expect(await b.getOrSet(key(7), () => "new")).toBe("new");
});

test("a pattern takes what matches it and nothing else", async () => {
  const a = await open();
  const key = userKey(a);
  for (let id = 0; id < 20; id++) await a.getOrSet(key(id), () => `user ${id}`);
  await a.deleteMatching("user:1[0-4]").done();
  const there = await a.getMany(Array.from({ length: 20 }, (_, id) => key(id)));
  expect(there.map((value, id) => (value === undefined ? id : -1)).filter((id) => id >= 0)).toEqual(
    [10, 11, 12, 13, 14],
  );
});

test("two processes warm one thing once, and both have it", async () => {
  const pair = [await open(), await open()];
  let loads = 0;
  const warmUps = pair.map((cache) =>
    createWarmUp({
      cache,
      strategies: {
        all: {
          tasks: [1, 2, 3].map((id) =>
            warmOne({
              name: `user ${id}`,
              key: userKey(cache)(id),
              load: async () => {
                loads += 1;
                await new Promise((resolve) => setTimeout(resolve, 50));
                return `user ${id}`;
              },
            }),
          ),
        },
      },
      strategy: "all",
    }),
  );
  const reports = await Promise.all(warmUps.map((warmUp) => warmUp.run().report));
  for (const warmUp of warmUps) await warmUp.close();
  expect(reports.map(({ failed, skipped }) => [failed, skipped])).toEqual([
    [[], []],
    [[], []],
  ]);
  expect(reports.map(({ done }) => done.length)).toEqual([3, 3]);
  expect(loads).toBe(3);
  for (const cache of pair) expect(cache.peek(userKey(cache)(2))).toBe("user 2");
});

test("a report, metrics and health tell of Redis, and that it went away", async () => {
  const a = await open();
  const key = userKey(a);
  await a.getOrSet(key(1), () => "x");
  await expect.poll(() => a.report().shared!.fills).toBe(1);
  const b = await open();
  expect(await b.get(key(1))).toBe("x");
  expect(b.report()).toMatchObject({
    hitRate: 1,
    memory: { hits: 0, misses: 1 },
    shared: { state: "ready", hits: 1, hitRate: 1 },
  });
  expect(b.report().shared!.readLatency.count).toBeGreaterThan(0);
  const register = new Registry();
  registerCacheMetrics(register, { caches: [b] });
  const text = await register.metrics();
  expect(text).toContain('hasten_cache_hits_total{cache="shop",tier="shared"} 1');
  expect(text).toContain('hasten_cache_tier_up{cache="shop",tier="shared"} 1');
  const health = await b.health();
  expect(health.servers).toMatchObject([
    { version: expect.stringMatching(/^\d+\./), role: "master" },
  ]);
  expect(health.findings).toEqual([]);
  await redis.command("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-random");
  expect((await b.health()).findings).toMatchObject([{ id: "memory-policy-unsuitable" }]);
  await redis.kill();
  await expect.poll(() => b.report().shared!.state, { timeout: 5_000 }).not.toBe("ready");
  await expect
    .poll(async () => (await b.health({ awayMaxMs: 100 })).findings.map(({ id }) => id), {
      timeout: 5_000,
    })
    .toContain("tier-away");
  expect((await b.health({ awayMaxMs: 0 })).healthy).toBe(false);
});
