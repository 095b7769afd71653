import type { Trust } from "../trust.ts";

/** What a value depends on, as far as its reads were seen. */
export interface Dependency {
  /** Of everything read: `sql:` tags and those of cached values used. At most DEPENDENCY_TAGS_MAX. */
  readonly tags: readonly string[];
  /** The sources of changes that its freshness hangs on. */
  readonly trusts: readonly Trust[];
  /** `sequence.now()` before the first read. */
  readonly seq: number;
  /** The oldest instant of which anything in it is known to be true, on both clocks. */
  readonly capturedMs: number;
  readonly capturedWallMs: number;
  /** Monotonic (`clock.nowMs()`) expiry of the shortest-lived cached value in it; Infinity if none. */
  readonly expiresAtMs: number;
  /** Why it is not known to be complete; empty means tracked. */
  readonly untracked: readonly string[];
  /** The cause will have gone with the next reads: not kept at all, rather than for its time to live. */
  readonly passing?: boolean | undefined;
  /** Why it depends on who asks, where it does: kept only under a key that tells askers apart. */
  readonly personal?: readonly string[] | undefined;
}

/** More collapse to their tables, and beyond that make the value untracked. */
export const DEPENDENCY_TAGS_MAX = 48;
