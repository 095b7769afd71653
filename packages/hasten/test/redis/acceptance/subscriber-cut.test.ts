/**
 * Acceptance 3 (fails in bentocache and layered-loader): only the connection that brings news is cut,
 * for an instant, or goes silent without a word. What was deleted elsewhere is not served B later.
 */
import { faultyProxy } from "hasten/testing";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cache, createCache } from "../../../src/cache/index.ts";
import { BOUND_MS, ready, Truth, twoHosts } from "./hosts.ts";

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis.stop();
});

async function killBlocked(): Promise<number> {
  const list = String(await redis.command("CLIENT", "LIST"));
  const ids = list.split("\n").flatMap((line) => {
    const id = /^id=(\d+)/.exec(line)?.[1];
    return / cmd=xread/i.test(line) && id !== undefined ? [id] : [];
  });
  for (const id of ids) await redis.command("CLIENT", "KILL", "ID", id);
  return ids.length;
}

/** Every few milliseconds for as long as it may be served; the latest time at which it was. */
async function lastServedMs(cache: Cache, key: string, old: string): Promise<number> {
  const startMs = performance.now();
  let lastMs = 0;
  while (performance.now() - startMs < 2 * BOUND_MS) {
    if (cache.peek(key) === old) lastMs = performance.now() - startMs;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return lastMs;
}

test("cut for an instant while the key changes", async () => {
  await using hosts = await twoHosts(redis);
  const { a, b } = hosts;
  const truth = new Truth("one");
  await a.getOrSet("k", truth.load);
  await expect.poll(() => a.peek("k"), { interval: 2 }).toBe("one");
  await expect.poll(killBlocked).toBeGreaterThan(0);
  truth.value = "two";
  await b.delete("k");
  expect(await lastServedMs(a, "k", "one")).toBeLessThanOrEqual(BOUND_MS);
  expect(await a.getOrSet("k", truth.load)).toBe("two");
});

test("a network that went silent without a reset", { timeout: 30_000 }, async () => {
  await using proxy = await faultyProxy({ port: redis.port });
  const name = "silent";
  const redisBy = (port: number): { source: string; boundMs: number } => ({
    source: `redis://127.0.0.1:${port}`,
    boundMs: BOUND_MS,
  });
  await using a = createCache({ name, redis: redisBy(proxy.port) });
  await using b = createCache({ name, redis: redisBy(redis.port) });
  await Promise.all([ready(a), ready(b)]);
  const truth = new Truth("one");
  await a.getOrSet("k", truth.load);
  await expect.poll(() => a.peek("k"), { interval: 2 }).toBe("one");
  proxy.mode("black-hole");
  truth.value = "two";
  expect(await b.delete("k")).toEqual({ kind: "applied" });
  expect(await lastServedMs(a, "k", "one")).toBeLessThanOrEqual(BOUND_MS);
  expect(await a.getOrSet("k", truth.load)).toBe("two");
});

test("told to serve while the log is silent, it counts them as unconfirmed", async () => {
  await using proxy = await faultyProxy({ port: redis.port });
  await using a = createCache({
    name: "serving",
    redis: { source: `redis://127.0.0.1:${proxy.port}`, boundMs: 50 },
    whenUnreachable: "serve",
  });
  await ready(a);
  await a.getOrSet("k", () => "one");
  await expect.poll(() => a.peek("k"), { interval: 2 }).toBe("one");
  proxy.mode("black-hole");
  await expect.poll(() => a.shared!.log.trust.confirmed).toBe(false);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(a.peek("k")).toBe("one");
  expect(a.stats().unconfirmedServed).toBeGreaterThan(0);
});
