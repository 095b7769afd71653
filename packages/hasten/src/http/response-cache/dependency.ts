/**
 * What a stored answer depends on, and whether that still lets it be served as fresh.
 *
 * Invariants:
 * - Tracked: as long as every trust holds for the instant its reads began. Untracked: by time only.
 * - Variants under one key share one entry, which is dropped by the tags of any. A variant whose
 *   tags do not fit beside the others is left out, never its tags.
 */
import type { Clock } from "../../core/clock.ts";
import { type Dependency, NOTHING_READ, TOO_MANY_TAGS, Trace } from "../../core/trace/index.ts";
import type { CoherencePromise } from "../../core/trust.ts";

export function isTracked(dependency: Dependency): boolean {
  return dependency.untracked.length === 0;
}

/** Whether it may be served as fresh now, as far as its sources of changes tell. */
export function holds(dependency: Dependency | undefined): boolean {
  if (dependency === undefined || !isTracked(dependency)) return true;
  const { capturedMs, capturedWallMs } = dependency;
  for (const trust of dependency.trusts) {
    if (!trust.holds(capturedMs, capturedWallMs)) return false;
  }
  return true;
}

/**
 * For how long its sources have not confirmed it, in milliseconds; 0 while they do, infinite where
 * this process wrote since and they have not passed that: then it may not even replace an error.
 */
export function unconfirmedForMs(dependency: Dependency | undefined, clock: Clock): number {
  if (dependency === undefined || !isTracked(dependency)) return 0;
  const { capturedMs, capturedWallMs } = dependency;
  const sinceCaptureMs = Math.max(clock.nowMs() - capturedMs, clock.wallMs() - capturedWallMs);
  let longestMs = 0;
  for (const trust of dependency.trusts) {
    if (trust.holds(capturedMs, capturedWallMs)) continue;
    if (trust.doubts(capturedMs)) return Number.POSITIVE_INFINITY;
    longestMs = Math.max(longestMs, Math.min(trust.ageMs(), sinceCaptureMs) - trust.boundMs);
  }
  return longestMs;
}

const WORST_FIRST: readonly CoherencePromise[] = ["ttl", "own-writes", "triggers", "stream"];

/** How its changes are learnt, as `Cache-Status` says it; "" where nothing was tracked at all. */
export type TrackedAs = CoherencePromise | "untracked" | "";

export function trackedAs(dependency: Dependency | undefined): TrackedAs {
  if (dependency === undefined) return "";
  if (!isTracked(dependency)) return "untracked";
  const promises = new Set(dependency.trusts.map((trust) => trust.promise));
  return WORST_FIRST.find((promise) => promises.has(promise)) ?? "ttl";
}

/**
 * What all of them read, gathered in the first, from whose start it is judged: what the others read
 * is judged apart. An empty one does not count, unless all are.
 */
export function together(first: Trace, others: readonly Trace[]): Dependency {
  for (const other of others) {
    const dependency = other.dependency();
    const untracked = dependency.untracked.filter((cause) => cause !== NOTHING_READ);
    first.include({ ...dependency, untracked });
  }
  return first.dependency();
}

/**
 * What an entry depends on that holds several variants, or undefined if that is too much for one.
 * Untracked if one of them is: each variant is asked for itself whether it holds.
 */
export function joined(
  newest: Dependency,
  older: readonly Dependency[],
  clock: Clock,
): Dependency | undefined {
  if (older.length === 0) return newest;
  const trace = new Trace(clock);
  for (const dependency of [newest, ...older]) trace.include(dependency);
  const all = trace.dependency();
  if (all.untracked.includes(TOO_MANY_TAGS) && !newest.untracked.includes(TOO_MANY_TAGS)) {
    return undefined;
  }
  return { ...all, seq: newest.seq, expiresAtMs: newest.expiresAtMs };
}
