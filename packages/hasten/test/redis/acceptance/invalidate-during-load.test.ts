/**
 * Acceptance 1 (FusionCache #535/#625/#628, layered-loader remoteInvalidation.spec, Caffeine #193):
 * a load has read the old value; it is invalidated; the load ends. The next read, begun before the
 * load ends or after, loads and gets the new value, and neither tier holds the old one. 40 cells.
 */
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cache } from "../../../src/cache/index.ts";
import { inRedis, Truth, twoHosts } from "./hosts.ts";

const KEY = "user:7:name";
const TAG = "user-7";
const OPTIONS = { tags: [TAG], ttlMs: 60_000 } as const;

const INVALIDATIONS = {
  "delete key": (cache: Cache) => cache.delete(KEY),
  "delete tag": (cache: Cache) => cache.delete({ tags: [TAG] }),
  "delete prefix": (cache: Cache) => cache.delete({ prefixes: ["user:7:"] }),
  clear: (cache: Cache) => cache.clear(),
  set: (cache: Cache) => cache.set(KEY, "new", OPTIONS),
} as const;

/** Each starts a load that reads the old value and is held there; gives what its caller gets. */
const LOADS = {
  "foreground load": (cache: Cache, truth: Truth) =>
    Promise.resolve(cache.getOrSet(KEY, truth.load, OPTIONS)),
  "background refresh": async (cache: Cache, truth: Truth) => {
    await cache.set(KEY, "older", { ...OPTIONS, graceMs: 60_000 });
    await cache.expire(KEY);
    return await cache.getOrSet(KEY, truth.load, { ...OPTIONS, graceMs: 60_000, softTimeoutMs: 0 });
  },
  "timed-out factory finishing late": (cache: Cache, truth: Truth) =>
    Promise.resolve(cache.getOrSet(KEY, truth.load, { ...OPTIONS, hardTimeoutMs: 60 })),
  "batch load": async (cache: Cache, truth: Truth) => {
    const batch = async (keys: readonly string[]): Promise<string[]> => {
      const value = await truth.load();
      return keys.map(() => value);
    };
    const [first] = await cache.getOrSetMany([KEY, "other"], batch, OPTIONS);
    return first;
  },
} as const;

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis.stop();
});

describe.each(Object.keys(INVALIDATIONS) as (keyof typeof INVALIDATIONS)[])("%s", (how) => {
  describe.each(Object.keys(LOADS) as (keyof typeof LOADS)[])("during a %s", (what) => {
    test.each(["the same node", "the other node"] as const)("on %s", async (where) => {
      await using hosts = await twoHosts(redis);
      const { a, b } = hosts;
      const truth = new Truth("old");
      const held = truth.holdNext();
      const first = LOADS[what](a, truth).catch((error: unknown) => error);
      await held;
      if (what === "timed-out factory finishing late")
        expect(await first).toMatchObject({ code: "HST_CACHE_TIMEOUT" });

      truth.value = "new";
      expect(await INVALIDATIONS[how](where === "the same node" ? a : b)).toEqual({
        kind: "applied",
      });
      const early = Promise.resolve(a.getOrSet(KEY, truth.load, OPTIONS));
      truth.release();
      expect(["old", "older", "new"]).toContain(
        what === "timed-out factory finishing late" ? "old" : await first,
      );
      expect(await early).toBe("new");

      expect(await a.getOrSet(KEY, truth.load, OPTIONS)).toBe("new");
      expect(await b.getOrSet(KEY, truth.load, OPTIONS)).toBe("new");
      if (how !== "set") expect(truth.loads).toBeGreaterThan(1);
      expect([undefined, "new"]).toContain(a.peek(KEY));
      expect(await inRedis(a, KEY)).toBe("new");
      expect(await inRedis(b, KEY)).toBe("new");
    });
  });
});
