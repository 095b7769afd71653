/**
 * Acceptance 2 (FusionCache AutoRecovery): Redis is away, somebody writes, Redis returns. Both
 * processes come to the new value within a second, with no further calls; what both wrote while cut
 * off is what both read.
 */
import { type FaultyProxy, faultyProxy } from "hasten/testing";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Cache } from "../../../src/cache/index.ts";
import { inRedis, ready, Truth, twoHosts } from "./hosts.ts";

const RECOVERY_MS = 3_000;
const SETTINGS = { retryDelayMaxMs: 100, timeoutMs: 150 };
let redis: RedisServer;
let proxy: FaultyProxy;

beforeEach(async () => {
  redis = await startRedis();
  proxy = await faultyProxy({ port: redis.port });
});
afterEach(async () => {
  await proxy.close();
  await redis.stop();
});

const through = (): { readonly url: string } => ({ url: `redis://127.0.0.1:${proxy.port}` });

const WAYS = {
  "killed and started again": { away: () => redis.kill(), back: () => redis.restart() },
  "stopped in its tracks": {
    away: async () => redis.pause(),
    back: async () => redis.resume(),
  },
  "cut off": {
    away: async () => {
      proxy.mode("refuse");
      proxy.cutAll();
    },
    back: async () => proxy.mode("pass"),
  },
  "silent network": {
    away: async () => proxy.mode("black-hole"),
    back: async () => {
      proxy.mode("pass");
      proxy.cutAll();
    },
  },
} as const;

async function settled(...caches: readonly Cache[]): Promise<void> {
  for (const cache of caches) {
    await ready(cache);
    await expect.poll(() => cache.shared?.status().queued, { timeout: RECOVERY_MS }).toBe(0);
  }
}

test.each(Object.keys(WAYS) as (keyof typeof WAYS)[])(
  "Redis %s",
  { timeout: 60_000 },
  async (way) => {
    await using hosts = await twoHosts(through(), { ttlMs: 600_000 }, SETTINGS);
    const { a, b } = hosts;
    const truth = new Truth("one");
    expect(await a.getOrSet("k", truth.load)).toBe("one");
    expect(await b.getOrSet("k", truth.load)).toBe("one");
    expect(truth.loads).toBe(1);

    await WAYS[way].away();
    truth.value = "two";
    expect(await b.delete("k")).toMatchObject({ kind: "queued" });
    expect(await b.getOrSet("k", truth.load)).toBe("two");
    await WAYS[way].back();
    await settled(a, b);
    await expect.poll(() => a.peek("k"), { timeout: 1_000 }).toBeUndefined();
    expect(await inRedis(a, "k")).not.toBe("one");
    expect(await a.getOrSet("k", truth.load)).toBe("two");
    expect(await b.getOrSet("k", truth.load)).toBe("two");
  },
);

test("two processes wrote while cut off: both read the newest", { timeout: 60_000 }, async () => {
  await using hosts = await twoHosts(through(), { ttlMs: 600_000 }, SETTINGS);
  const { a, b } = hosts;
  const truth = new Truth("one");
  await a.getOrSet("k", truth.load);
  await b.getOrSet("k", truth.load);
  await WAYS["cut off"].away();
  truth.value = "by a";
  const first = await a.set("k", "by a");
  truth.value = "by b";
  const second = await b.set("k", "by b");
  expect([first.kind, second.kind]).toEqual(["queued", "queued"]);
  expect(await b.getOrSet("k", truth.load)).toBe("by b");
  await WAYS["cut off"].back();
  await settled(a, b);
  await expect.poll(() => Promise.resolve(a.getOrSet("k", truth.load))).toBe("by b");
  expect(await b.getOrSet("k", truth.load)).toBe("by b");
});
