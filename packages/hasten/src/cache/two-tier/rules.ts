/**
 * What keeps two tiers from storing what is outdated. Tests replace one to see that its absence is
 * noticed.
 */
import type { Capture, SharedFill, SharedTier } from "../shared/port.ts";

export interface TierRules {
  /** A flight whose value is on its way to Redis is not joined: it was read before whoever asks now. */
  readonly seals: boolean;
  /** This process's memory gets a value only once Redis stored it. */
  readonly redisFirst: boolean;
  /** What Redis refused is nobody's but that caller's whose load it was. */
  isRefused(fill: SharedFill): boolean;
  /**
   * Until everything that was in Redis when the flight looked has been applied here: its own delete
   * just before it, for one. What cannot be caught up with is refused by Redis, never wrong.
   */
  catchUp(tier: SharedTier, key: string, least: Capture): Promise<unknown> | undefined;
  /**
   * The place that Redis is to judge a fill from: everything up to it was applied here, where the
   * local fence judges it in the same turn.
   */
  capture(tier: SharedTier, key: string): Capture | undefined;
}

export const TIER_RULES: TierRules = {
  seals: true,
  redisFirst: true,
  isRefused: (fill) => fill.kind === "refused",
  catchUp(tier, key, least) {
    const applied = tier.applied(key);
    if (applied !== undefined && reaches(applied, least)) return undefined;
    return tier.caughtUp(key, least);
  },
  capture: (tier, key) => tier.applied(key),
};

function reaches(applied: Capture, least: Capture): boolean {
  return applied.epoch === least.epoch && applied.seq >= least.seq;
}
