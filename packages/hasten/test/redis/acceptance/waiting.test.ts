/**
 * Acceptance 4 (IdentityCache cache_fetcher): who waits for another process's load gets a value that
 * was loaded after what it has seen invalidated; a load that fails, or a process that dies, frees it;
 * a dead Redis or source ends in an error or a stale value within the time-out.
 */
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Cache } from "../../../src/cache/index.ts";
import { Truth, twoHosts } from "./hosts.ts";

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis.stop();
});

test("the key is deleted while somebody waits, and taken again: it never gets the first one's value", async () => {
  await using hosts = await twoHosts(redis);
  const { a, b } = hosts;
  const truth = new Truth("first");
  const held = truth.holdNext();
  const leader = Promise.resolve(a.getOrSet("k", truth.load));
  await held;
  const waiter = Promise.resolve(b.getOrSet("k", truth.load));
  await expect.poll(() => b.shared!.stats().leaseWaits).toBeGreaterThan(0);
  truth.value = "second";
  await a.delete("k");
  const again = Promise.resolve(a.getOrSet("k", truth.load));
  expect(await waiter).toBe("second");
  expect(await again).toBe("second");
  truth.release();
  expect(await leader).toBe("first");
  expect(await b.getOrSet("k", truth.load)).toBe("second");
});

test("the holder's load fails: who waits goes on at once", async () => {
  await using hosts = await twoHosts(redis, {}, { leaseMs: 10_000 });
  const { a, b } = hosts;
  const failing = Promise.withResolvers<string>();
  const leader = Promise.resolve(a.getOrSet("k", () => failing.promise)).catch(String);
  await expect.poll(() => redis.command("EXISTS", `hasten:1:{${a.name}}:l:k`)).toBe(1);
  const waiter = Promise.resolve(b.getOrSet("k", () => "from b"));
  await expect.poll(() => b.shared!.stats().leaseWaits).toBeGreaterThan(0);
  const startMs = performance.now();
  failing.reject(new Error("source is down"));
  expect(await leader).toContain("source is down");
  expect(await waiter).toBe("from b");
  expect(performance.now() - startMs).toBeLessThan(5_000);
});

test("the holder dies: the end of its lease frees who waits", async () => {
  await using hosts = await twoHosts(redis);
  const lease = `hasten:1:{${hosts.a.name}}:l:k`;
  await redis.command("HSET", lease, "h", "a process that is gone");
  await redis.command("PEXPIRE", lease, "300");
  const startMs = performance.now();
  expect(await hosts.b.getOrSet("k", () => "from b")).toBe("from b");
  expect(performance.now() - startMs).toBeGreaterThan(100);
  expect(performance.now() - startMs).toBeLessThan(5_000);
});

/** The number of the latest invalidation that this process knows of. */
async function newest({ shared }: Cache): Promise<number> {
  const read = await shared!.read("nothing");
  return read.kind === "unavailable" ? 0 : read.capture.seq;
}

test("the source hangs: stale where there is something, else an error, within the time-out", async () => {
  await using hosts = await twoHosts(redis, { drainMs: 0 });
  const { a, b } = hosts;
  await a.set("graced", "old", { graceMs: 60_000 });
  await a.expire("graced");
  // What is heard while a found value waits to stand in voids it.
  const heard = (): number => b.shared!.applied("graced")?.seq ?? 0;
  await expect.poll(heard).toBeGreaterThanOrEqual(await newest(a));
  const never = (): Promise<string> => new Promise(() => undefined);
  const deadline = { hardTimeoutMs: 80 };
  void Promise.resolve(a.getOrSet("graced", never)).catch(() => undefined);
  void Promise.resolve(a.getOrSet("bare", never)).catch(() => undefined);
  expect(await b.getOrSet("graced", never, { ...deadline, graceMs: 60_000 })).toBe("old");
  await expect(b.getOrSet("bare", never, deadline)).rejects.toMatchObject({
    code: "HST_CACHE_TIMEOUT",
  });
});

test("Redis hangs: the load goes on without it", async () => {
  const own = await startRedis();
  try {
    await using hosts = await twoHosts(own, {}, { timeoutMs: 100 });
    own.pause();
    const startMs = performance.now();
    expect(await hosts.a.getOrSet("k", () => "loaded", { hardTimeoutMs: 2_000 })).toBe("loaded");
    expect(performance.now() - startMs).toBeLessThan(1_000);
    own.resume();
  } finally {
    own.resume();
    await own.stop();
  }
});
