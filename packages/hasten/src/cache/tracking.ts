/**
 * How loads are watched, and what is kept of it.
 *
 * Invariants:
 * - A tracked load runs in a trace of its own, opened before it starts: its reads are its value's,
 *   whoever's request it was, and its capture is not older than its flight.
 * - It lands when no operation of it is under way any more, or after SETTLE_MAX_MS as untracked.
 * - What a caller used is added to the caller's trace before the caller goes on.
 * - A value hangs on a log of invalidations that was trusted before its source was read.
 */
import type { Clock } from "../core/clock.ts";
import { currentTrace, type Dependency, Trace, untraced } from "../core/trace/index.ts";
import type { Instant, Trust } from "../core/trust.ts";
import type { Fill } from "./fill.ts";
import { Guard, KEPT_UNTRACKED, NOT_ATTACHED } from "./guard.ts";
import type { LoadParts } from "./load-parts.ts";
import type { ResolvedOptions } from "./options.ts";

export const SETTLE_MAX_MS = 1_000;
export const NOT_ENDED = "a query that did not end";
export const GIVEN_UP = "a load that was given up or took too long";

/** The trace of a load that starts now; none where the cache does not track. */
export function openTrace({ tracked, clock }: ResolvedOptions): Trace | undefined {
  if (!tracked) return undefined;
  const outer = currentTrace();
  const trace = new Trace(clock, outer);
  if (outer !== undefined) trace.timing = outer.timing;
  return trace;
}

/** Waits until everything that was begun in the trace has ended, but not for ever. */
export async function settled(trace: Trace, clock: Clock): Promise<void> {
  if (trace.pending === 0) return;
  const late = Promise.withResolvers<void>();
  const timer = clock.schedule(SETTLE_MAX_MS, () => {
    trace.untracked(NOT_ENDED);
    late.resolve();
  });
  await Promise.race([trace.settled(), late.promise]);
  timer.cancel();
}

/** Runs what nobody waits for outside the trace of whoever happened to start it. */
export function inBackground(work: () => void): void {
  if (currentTrace() === undefined) work();
  else untraced(work);
}

/** Opens a fill: before its source is read, or for a trace that was open before. */
export function openFill(parts: LoadParts, key: string, trace?: Trace): Fill {
  const { fence, options } = parts;
  const fill = fence.begin(key, undefined, trace?.seq);
  const log = options.log?.trust;
  if (log === undefined) return fill;
  if (trace === undefined) trustLog(parts, fill, log);
  else {
    fill.log = log;
    fill.capturedMs = trace.startedMs;
    fill.capturedWallMs = trace.startedWallMs;
  }
  // What was told between the capture and the start of this trust may have been missed.
  if (fill.seq < log.seq) fence.void(fill);
  return fill;
}

/** It begins anew: nothing was read under it so far. */
export function renewFill(parts: LoadParts, fill: Fill): void {
  parts.fence.renew(fill);
  const log = parts.options.log?.trust;
  if (log !== undefined && log !== fill.log) trustLog(parts, fill, log);
}

/**
 * It hangs on the log since now. Where other processes write: since the log was heard of last, which
 * is what the values of this process's memory that a load may use hang on.
 */
function trustLog({ options, tier }: LoadParts, fill: Fill, log: Trust): void {
  const { clock } = options;
  const agoMs = tier !== undefined && log.confirmed ? log.ageMs() : 0;
  fill.log = log;
  fill.capturedMs = clock.nowMs() - agoMs;
  fill.capturedWallMs = clock.wallMs() - agoMs;
}

/**
 * What a value that was read under this fill hangs on; undefined where nobody looked.
 * @param found when Redis was asked, where another process read it
 */
export function guardOf(
  { identity }: LoadParts,
  fill: Fill,
  dependency: Dependency | undefined,
  found?: Instant,
): Guard | undefined {
  if (dependency === undefined) {
    if (fill.log === undefined) return undefined;
    const { seq, capturedMs, capturedWallMs } = fill;
    const untracked = KEPT_UNTRACKED;
    return new Guard({ trusts: [], seq, capturedMs, capturedWallMs, untracked }, fill.log, found);
  }
  const told = dependency.trusts.every(({ audience }) => audience?.has(identity.cache) ?? true);
  if (told) return new Guard(dependency, fill.log, found);
  const untracked = [...dependency.untracked, NOT_ATTACHED];
  return new Guard({ ...dependency, untracked }, fill.log, found);
}

/** The tags a value is kept under: its own and those of what was read for it. */
export function allTags(
  own: readonly string[],
  dependency: Dependency | undefined,
): readonly string[] {
  if (dependency === undefined || dependency.tags.length === 0) return own;
  if (own.length === 0) return dependency.tags;
  return [...new Set([...own, ...dependency.tags])];
}
