import { randomBytes } from "node:crypto";
import { type Clock, systemClock } from "../../../core/clock.ts";
import { openLink, type RedisLink } from "../../../redis/index.ts";
import type { SharedTier } from "../port.ts";
import { shardCalls } from "../protocol/calls.ts";
import { spaceOf } from "../protocol/names.ts";
import { type RedisOptions, type ResolvedTier, resolveTier } from "./options.ts";
import { Tier } from "./tier.ts";

export interface TierOptions {
  /** The cache's name: caches of one name share everything. */
  readonly namespace: string;
  /** @default the system's */
  readonly clock?: Clock | undefined;
  /** Tells this tier from all others, also of the same process. @default random */
  readonly node?: string | undefined;
  /** Opens the connection of one shard. @default by `redis.source` */
  readonly link?: ((resolved: ResolvedTier, key: string) => RedisLink) | undefined;
}

/**
 * Connects in the background, for as long as it takes; never throws because Redis is away.
 * @throws HastenError HST_CACHE_OPTION, HST_REDIS_DRIVER
 */
export function openSharedTier(redis: RedisOptions, options: TierOptions): SharedTier {
  const { namespace, clock = systemClock, node = randomBytes(9).toString("base64url") } = options;
  const resolved = resolveTier(redis);
  const { shards: count, keyPrefix, logMax, marksMax, boundMs } = resolved;
  const link = options.link ?? linkOf(namespace, clock);
  const shards = Array.from({ length: count }, (_, shard) => {
    const space = spaceOf({ keyPrefix, namespace, shard, shards: count });
    const one = link(resolved, `${space}clk`);
    return {
      ...{ link: one, space, options: resolved },
      makeCalls: (redisNowMs: () => number) =>
        shardCalls({ link: one, space, logMax, marksMax, redisNowMs }),
    };
  });
  return new Tier({ cache: namespace, node, boundMs, clock, shards });
}

function linkOf(name: string, clock: Clock): (resolved: ResolvedTier, key: string) => RedisLink {
  return ({ driver, link }, key) => openLink(driver, { ...link, key, name, clock });
}
