import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Cache, type CacheOptions, createCache, defineKey } from "../../../src/cache/index.ts";
import { leaseName, spaceOf } from "../../../src/cache/shared/protocol/names.ts";

/** `createCache({ redis })` over a real server; what only time and many callers show. */
const key = defineKey("thing", (n: number) => [n]).of<string>();
const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let redis: RedisServer;
let caches: Cache[] = [];

beforeEach(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  redis.resume();
  await Promise.all(caches.map((cache) => cache.close()));
  caches = [];
  await redis.stop();
});

async function open(options: CacheOptions = {}, wait = true): Promise<Cache> {
  const settings = { source: redis.url, retryDelayMaxMs: 100, timeoutMs: 100 };
  const cache = createCache({ name: "real", redis: settings, drainMs: 200, ...options });
  caches.push(cache);
  if (wait) expect(await cache.shared!.ready(5_000)).toBe(true);
  return cache;
}

test("ten thousand callers in two processes' caches run one load", async () => {
  const [a, b] = [await open(), await open()];
  let loads = 0;
  const load = async (): Promise<string> => {
    loads += 1;
    await later(50);
    return "v";
  };
  const answers = Array.from({ length: 10_000 }, (_, n) =>
    (n % 2 === 0 ? a : b).getOrSet(key(1), load),
  );
  expect(new Set(await Promise.all(answers))).toEqual(new Set(["v"]));
  expect(loads).toBe(1);
});

test("a load that fails in one is taken over by the other", async () => {
  const [a, b] = [await open(), await open()];
  const first = Promise.resolve(
    a.getOrSet(key(1), async () => {
      await later(50);
      throw new Error("down");
    }),
  ).catch((error: Error) => error.message);
  await later(20);
  const second = b.getOrSet(key(1), () => "by b");
  expect(await Promise.all([first, second])).toEqual(["down", "by b"]);
});

test("the lease of a process that died ends, and who waited loads", async () => {
  const a = await open();
  const space = spaceOf({ keyPrefix: "hasten:", namespace: "real", shard: 0, shards: 1 });
  const lease = `${space}${leaseName(key(1))}`;
  await redis.command("HSET", lease, "h", "a dead process");
  await redis.command("PEXPIRE", lease, "400");
  const begun = performance.now();
  expect(await a.getOrSet(key(1), () => "v")).toBe("v");
  const tookMs = performance.now() - begun;
  expect(tookMs).toBeGreaterThan(300);
  expect(tookMs).toBeLessThan(3_000);
});

test("a server that is stopped in its tracks: deadlines hold, and reads never fail", async () => {
  const a = await open({ hardTimeoutMs: 40 });
  await a.getOrSet(key(1), () => "old");
  redis.pause();
  const begun = performance.now();
  await expect(
    Promise.resolve(a.getOrSet(key(2), () => later(500).then(() => "v"))),
  ).rejects.toMatchObject({ code: "HST_CACHE_TIMEOUT" });
  expect(performance.now() - begun).toBeLessThan(40 + 10 + 30);
  await later(200);
  expect(await a.getOrSet(key(3), () => "w")).toBe("w");
  expect(await a.get(key(9))).toBeUndefined();
  expect(await a.delete(key(1))).toMatchObject({ kind: "queued" });
});

test("killed and started again: what was deleted meanwhile is not given again", async () => {
  const [a, b] = [await open(), await open()];
  await a.getOrSet(key(1), () => "old", { tags: ["t"] });
  await expect.poll(() => b.get(key(1))).toBe("old");
  await redis.kill();
  expect(await b.delete({ tags: ["t"] })).toMatchObject({ kind: "queued" });
  expect(await b.getOrSet(key(1), () => "new", { tags: ["t"] })).toBe("new");
  await redis.restart();
  await expect.poll(() => a.shared!.usable && b.shared!.usable, { timeout: 5_000 }).toBe(true);
  await expect.poll(() => b.shared!.status().queued, { timeout: 5_000 }).toBe(0);
  await later(600);
  expect(await a.getOrSet(key(1), () => "new", { tags: ["t"] })).toBe("new");
});

test("never there: it answers by itself, and closes", async () => {
  await redis.kill();
  const a = await open({}, false);
  expect(await a.getOrSet(key(1), () => "v")).toBe("v");
  expect(a.peek(key(1))).toBe("v");
  expect(a.stats().shared?.hits).toBe(0);
  await redis.restart();
});

test("what one deletes everywhere no other gives as fresh", async () => {
  const [a, b] = [await open(), await open()];
  await a.getOrSet(key(1), () => "old");
  await b.get(key(1));
  const keepAlive = setInterval(() => {}, 1_000);
  expect(await a.delete(key(1), { everywhere: true })).toEqual({ kind: "applied" });
  clearInterval(keepAlive);
  expect(b.peek(key(1))).toBeUndefined();
});

test("values above the limit travel compressed, and come back as they were", async () => {
  const text = "the same words again and again ".repeat(8_000);
  const written = async (compressAboveBytes?: number): Promise<number> => {
    const redis_ = { source: redis.url, compressAboveBytes };
    const name = `compressed-${compressAboveBytes}`;
    const a = await open({ name, redis: redis_ });
    await a.getOrSet(key(1), () => text);
    await expect.poll(() => a.shared!.stats().fills, { timeout: 2_000 }).toBe(1);
    const b = await open({ name, redis: redis_ });
    expect(await b.getOrSet(key(1), () => "another")).toBe(text);
    return a.shared!.stats().bytesWritten;
  };
  expect(await written()).toBeLessThan(text.length / 10);
  expect(await written(1_000_000)).toBeGreaterThan(text.length);
});
