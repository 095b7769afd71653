/**
 * Acceptance 7 (IdentityCache's caveat, cacheable's counters): any key of Redis vanishes at any step of
 * a load and an invalidation. No read gets what an acknowledged invalidation took. Every interleaving
 * is explored by `../model`; real processes are in `../chaos`.
 */
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Truth, twoHosts } from "./hosts.ts";

const STEPS = [
  "before the load",
  "during the load",
  "after the invalidation",
  "after the load",
] as const;
const VICTIMS = [
  "clk",
  "log",
  "m0",
  "m1",
  "t:tag",
  "p:user:",
  "e:user:1",
  "l:user:1",
  "everything",
];
const KEY = "user:1";
const OPTIONS = { tags: ["tag"] } as const;

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis.stop();
});

describe.each(VICTIMS)("%s gone", (victim) => {
  describe.each(STEPS)("%s", (when) => {
    test.each(["delete key", "delete tag", "expire tag"] as const)("%s", async (how) => {
      await using hosts = await twoHosts(redis);
      const { a, b } = hosts;
      const lose = async (step: (typeof STEPS)[number]): Promise<void> => {
        if (step !== when) return;
        if (victim === "everything") await redis.command("FLUSHALL");
        else await redis.command("DEL", `hasten:1:{${a.name}}:${victim}`);
      };
      const truth = new Truth("old");
      await lose("before the load");
      const held = truth.holdNext();
      const first = Promise.resolve(a.getOrSet(KEY, truth.load, OPTIONS));
      await held;
      await lose("during the load");
      truth.value = "new";
      if (how === "delete key") await b.delete(KEY);
      else if (how === "delete tag") await b.delete({ tags: ["tag"] });
      else await b.expire({ tags: ["tag"] });
      await lose("after the invalidation");
      truth.release();
      expect(await first).toBe("old");
      await lose("after the load");
      expect(await b.getOrSet(KEY, truth.load, OPTIONS)).toBe("new");
      // A's own memory has it at most B; it heard of the invalidation, or of the loss.
      await expect
        .poll(() => Promise.resolve(a.getOrSet(KEY, truth.load, OPTIONS)), { timeout: 1_000 })
        .toBe("new");
      expect(await b.getOrSet(KEY, truth.load, OPTIONS)).toBe("new");
    });
  });
});
