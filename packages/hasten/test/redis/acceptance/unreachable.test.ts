/**
 * Acceptance 6 (cacheable #1202/#1208/#1268, keyv #1496/#1554, nestjs #797): Redis is unreachable at
 * the start, lost, slow (accepts, never answers), read-only, full. Calls end within the hard time-out;
 * hits in memory take no time; loads stay under their cap; the state is visible; nothing is leaked, and
 * the process ends by itself (`../link/process.test.ts`, `../tier/processes.test.ts`).
 */
import { faultyProxy } from "hasten/testing";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cache, createCache } from "../../../src/cache/index.ts";
import { ready } from "./hosts.ts";

const HARD_MS = 150;
/** After a bare timer of the same time, which is late where the machine is busy. */
const LATE_MS = 60;
const LOADS_MAX = 5;
const CALLS = 200;

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis.stop();
});

const over = (source: string): Cache =>
  createCache({
    name: "unreachable",
    hardTimeoutMs: HARD_MS,
    loadsMax: LOADS_MAX,
    drainMs: 0,
    redis: { source, timeoutMs: 50, connectTimeoutMs: 500, retryDelayMaxMs: 50 },
  });

/** So many calls at once of loads that take a while: how long the slowest took, and how many ran. */
async function busy(
  cache: Cache,
): Promise<{ slowestMs: number; timerMs: number; mostLoads: number }> {
  let loads = 0;
  let mostLoads = 0;
  const load = async (): Promise<string> => {
    loads += 1;
    mostLoads = Math.max(mostLoads, loads);
    await new Promise((resolve) => setTimeout(resolve, 20));
    loads -= 1;
    return "value";
  };
  const beganMs = performance.now();
  let timerMs = 0;
  const timer = new Promise((resolve) => setTimeout(resolve, HARD_MS)).then(() => {
    timerMs = performance.now() - beganMs;
  });
  const took = await Promise.all(
    Array.from({ length: CALLS }, async (_, at) => {
      const outcome = await Promise.resolve(cache.getOrSet(`busy:${at}`, load)).catch(
        (error: { readonly code?: string }) => error.code,
      );
      expect(["value", "HST_CACHE_TIMEOUT"]).toContain(outcome);
      return performance.now() - beganMs;
    }),
  );
  await timer;
  return { slowestMs: Math.max(...took), timerMs, mostLoads };
}

async function holds(cache: Cache): Promise<void> {
  const { slowestMs, timerMs, mostLoads } = await busy(cache);
  expect(slowestMs).toBeLessThan(timerMs + LATE_MS);
  expect(mostLoads).toBeLessThanOrEqual(LOADS_MAX);
  const outcome = await cache.delete("k");
  expect(["applied", "queued"]).toContain(outcome.kind);
  expect(await cache.get("nothing")).toBeUndefined();
}

test("unreachable at the start, then there", { timeout: 30_000 }, async () => {
  await using proxy = await faultyProxy({ port: redis.port });
  proxy.mode("refuse");
  await using cache = over(`redis://127.0.0.1:${proxy.port}`);
  await holds(cache);
  expect(cache.shared!.status()).toMatchObject({ state: "connecting" });
  proxy.mode("pass");
  await ready(cache);
});

test.each(["refuse", "black-hole"] as const)(
  "lost (%s), and there again",
  { timeout: 30_000 },
  async (mode) => {
    await using proxy = await faultyProxy({ port: redis.port });
    await using cache = over(`redis://127.0.0.1:${proxy.port}`);
    await ready(cache);
    await cache.getOrSet("k", () => "here");
    await expect.poll(() => cache.peek("k"), { interval: 2 }).toBe("here");
    proxy.mode(mode);
    if (mode === "refuse") proxy.cutAll();
    const startMs = performance.now();
    expect(cache.getOrSet("k", () => "loaded")).toBe("here");
    expect(performance.now() - startMs).toBeLessThan(5);
    await expect.poll(() => cache.shared!.status().state, { interval: 5 }).not.toBe("ready");
    expect(cache.shared!.usable).toBe(false);
    await holds(cache);
    proxy.mode("pass");
    proxy.cutAll();
    await ready(cache);
    await expect.poll(() => cache.shared!.status().queued).toBe(0);
    expect(proxy.open).toBeLessThanOrEqual(3);
  },
);

test("read-only by permission, and full", { timeout: 30_000 }, async () => {
  await using cache = over(redis.url);
  await ready(cache);
  await redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
  await redis.command("CONFIG", "SET", "maxmemory", "1");
  await holds(cache);
  await redis.command("CONFIG", "SET", "maxmemory", "0");
  await ready(cache);
  await redis.command("CONFIG", "SET", "min-replicas-to-write", "1");
  await holds(cache);
  await redis.command("CONFIG", "SET", "min-replicas-to-write", "0");
  await ready(cache);
});
