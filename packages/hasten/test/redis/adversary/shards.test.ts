import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { assembleCache } from "../../../src/cache/cache.ts";
import { type Cache, defineKey } from "../../../src/cache/index.ts";
import { LOAD_RULES } from "../../../src/cache/load-parts.ts";
import { shardOf } from "../../../src/cache/shared/protocol/names.ts";
import { openSharedTier } from "../../../src/cache/shared/tier/index.ts";
import { openLink, type RedisLink } from "../../../src/redis/index.ts";

/** Shards are invalidated one after another: what is made of both in between. */
const key = defineKey("thing", (n: number) => [n]).of<string>();
const keysOf = (shard: number): number =>
  [1, 2, 3, 4, 5, 6, 7, 8, 9].find((n) => shardOf(key(n), 2) === shard)!;
/** The second shard is told of invalidations from then on. */
const told = Promise.withResolvers<void>();
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

/** @param slow whose second shard is told of invalidations late */
function open(slow = false): Cache {
  const settings = { source: redis.url, shards: 2 };
  const tier = openSharedTier(settings, {
    namespace: "sharded",
    link: ({ driver, link }, clk) => {
      const one = openLink(driver, { ...link, key: clk });
      return slow && clk.includes("#1") ? late(one) : one;
    },
  });
  return assembleCache({ name: "sharded" }, LOAD_RULES, tier);
}

function late(link: RedisLink): RedisLink {
  return new Proxy(link, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name !== "script") return member.bind(target);
      const script: RedisLink["script"] = async (one, keys, values) => {
        if (one.name === "invalidate") await told.promise;
        return await target.script(one, keys, values);
      };
      return script;
    },
  });
}

test("what is composed of a shard that was told already and one that was not is gone when both were", async () => {
  await using a = open(true);
  await using b = open();
  await using c = open();
  for (const cache of [a, b, c]) expect(await cache.shared!.ready(5_000)).toBe(true);
  const [outer, inner] = [key(keysOf(0)), key(keysOf(1))];
  let source = "old";
  const options = { tags: ["t"] };
  const readInner = async (cache: Cache): Promise<string> =>
    cache.getOrSet(inner, () => source, options);
  const readOuter = async (cache: Cache): Promise<string> =>
    cache.getOrSet(outer, async () => `made of ${await readInner(cache)}`, options);
  await readInner(b);
  await expect.poll(() => b.shared!.stats().fills).toBe(1);

  source = "new";
  const deleted = a.delete({ tags: ["t"] });
  await expect.poll(() => b.peek(inner)).toBeUndefined();
  // The other shard does not know yet.
  expect(await readOuter(b)).toBe("made of old");
  await expect.poll(() => b.shared!.stats().fills).toBe(2);
  told.resolve();
  await deleted;
  await expect.poll(async () => (await c.shared!.read(outer, options.tags)).kind).toBe("absent");
  expect(await readOuter(c)).toBe("made of new");
});
