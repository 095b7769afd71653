/**
 * What a kept value's freshness hangs on besides its expiry and its invalidations.
 *
 * Invariants:
 * - Confirmed means: every trust holds for the instant of the value's capture. What is not is never
 *   served as fresh, except what hangs on a silent log only, where the cache is told to serve it.
 * - It may stand in for an error for the cache's grace, counted from when it lapsed; never where
 *   this process wrote since and the source has not passed that write.
 * - Unlike an expiry nothing is recorded: when the source confirms again, so is the value.
 */

import type { Clock } from "../core/clock.ts";
import type { Dependency } from "../core/trace/index.ts";
import type { CoherencePromise, Instant, Trust } from "../core/trust.ts";

/** Why a value that was kept without looking at its reads is not tracked. */
export const KEPT_UNTRACKED: readonly string[] = ["a cached value that was kept without tracking"];
export const NOT_ATTACHED = "the changes of its source are not applied to this cache";
const TRACKED: readonly string[] = [];
const NO_TRUSTS: readonly Trust[] = [];
const RANK: readonly CoherencePromise[] = ["stream", "triggers", "own-writes", "ttl"];

export class Guard {
  /** Of what was read. */
  readonly trusts: readonly Trust[];
  /** Of the log of invalidations, where it is another one. */
  readonly log: Trust | undefined;
  readonly seq: number;
  readonly capturedMs: number;
  readonly capturedWallMs: number;
  /** Since when the log counts: from the capture, or from when another process's value was found. */
  readonly loggedMs: number;
  readonly loggedWallMs: number;
  /** Empty means tracked. */
  readonly untracked: readonly string[];
  readonly personal: readonly string[] | undefined;
  /** Only a flight's: such a value is not kept, and what was made from it must not be either. */
  readonly passing: boolean | undefined;

  /** @param found when Redis was asked, where the value was read by another process */
  constructor(dependency: GuardedBy, log: Trust | undefined, found?: Instant) {
    // What is not tracked lives by its expiry, and its sources cannot vouch for it.
    this.trusts = dependency.untracked.length > 0 ? NO_TRUSTS : dependency.trusts;
    this.log = log !== undefined && this.trusts.includes(log) ? undefined : log;
    this.personal = dependency.personal;
    this.passing = dependency.passing;
    this.seq = dependency.seq;
    this.capturedMs = dependency.capturedMs;
    this.capturedWallMs = dependency.capturedWallMs;
    this.loggedMs = found === undefined ? dependency.capturedMs : found.monotonicMs;
    this.loggedWallMs = found === undefined ? dependency.capturedWallMs : found.wallMs;
    this.untracked = dependency.untracked.length === 0 ? TRACKED : dependency.untracked;
  }

  /** May be served as fresh as far as its sources tell. */
  get confirmed(): boolean {
    const { log } = this;
    return (log === undefined || log.holds(this.loggedMs, this.loggedWallMs)) && this.sourcesHold;
  }

  /** The same without the log. */
  get sourcesHold(): boolean {
    for (const trust of this.trusts)
      if (!trust.holds(this.capturedMs, this.capturedWallMs)) return false;
    return true;
  }

  /** This process wrote since, and its source has not passed that. */
  get doubted(): boolean {
    if (this.log?.doubts(this.loggedMs)) return true;
    return this.trusts.some((trust) => trust.doubts(this.capturedMs));
  }

  /** For how long it has not been confirmed; 0 if it is, or lapsed otherwise than by silence. */
  lapsedMs(clock: Clock): number {
    const heldMs = Math.max(clock.nowMs() - this.capturedMs, clock.wallMs() - this.capturedWallMs);
    let longestMs = 0;
    for (const trust of this.log === undefined ? this.trusts : [...this.trusts, this.log]) {
      longestMs = Math.max(longestMs, Math.min(trust.ageMs(), heldMs) - trust.boundMs);
    }
    return longestMs;
  }

  /** The weakest promise of all that it hangs on; `ttl` unless its reads are known. */
  get promise(): CoherencePromise {
    if (this.untracked.length > 0 || this.trusts.length === 0) return "ttl";
    return this.trusts.reduce(
      (weakest, { promise }) => (RANK.indexOf(promise) > RANK.indexOf(weakest) ? promise : weakest),
      RANK[0]!,
    );
  }
}

type GuardedBy = Omit<Dependency, "tags" | "expiresAtMs">;

/** What somebody used of a cache: a kept value, or what a flight brought. */
export interface Used {
  readonly tags: readonly string[];
  readonly guard: Guard | undefined;
  readonly freshUntilMs: number;
}

/** What depends on it depends on this. */
export function dependencyOf({ tags, guard, freshUntilMs }: Used): Dependency {
  if (guard === undefined) return { ...UNKNOWN, tags, expiresAtMs: freshUntilMs };
  const { trusts, log, seq, capturedMs, capturedWallMs, untracked, personal, passing } = guard;
  return {
    tags,
    trusts: log === undefined ? trusts : [...trusts, log],
    seq,
    capturedMs,
    capturedWallMs,
    expiresAtMs: freshUntilMs,
    untracked,
    personal,
    passing,
  };
}

const UNKNOWN: Omit<Dependency, "tags" | "expiresAtMs"> = {
  trusts: NO_TRUSTS,
  seq: 0,
  capturedMs: Number.NEGATIVE_INFINITY,
  capturedWallMs: Number.NEGATIVE_INFINITY,
  untracked: KEPT_UNTRACKED,
};
