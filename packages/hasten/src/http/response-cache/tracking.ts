/**
 * Learns what the answer of one handler depends on.
 *
 * Invariants:
 * - The handler runs in a trace of its own, opened just before it: those who waited for a flight
 *   that was voided begin anew, and are not void by a capture from before the invalidation.
 * - What was read for the request before it (an authentication) counts, and is judged from the
 *   capture of the request's own trace.
 * - Known to be complete only when nothing is under way in either; the wait is bounded.
 * - Fails closed: without a trace from before everything that reads, or with another request's in
 *   its place, the answer is untracked.
 * - Whatever either trace sees after the store voids it.
 */
import type { FillToken } from "../../cache/index.ts";
import { currentTrace, type Dependency, inTrace, Trace } from "../../core/trace/index.ts";
import { requestTrace } from "../request-trace.ts";
import { isTracked, together } from "./dependency.ts";
import type { Engine } from "./engine.ts";
import type { ExtendedRequest } from "./reads.ts";

export const NOT_MOUNTED = "requests() is not mounted before it: what middleware read is not known";
export const CONTEXT_LOST = "middleware before it lost the asynchronous context";
export const NESTED = "one cached route runs inside another";
export const NOT_ATTACHED = "the changes of its source are not applied to this cache: see attach()";
export const NOT_ENDED = "a query did not end with the answer";

export interface Tracking {
  /** The trace of the handler. */
  readonly trace: Trace;
  /** When the first thing can have been read. Monotonic. */
  readonly startedMs: number;
  /** Runs the handler. */
  run(handler: () => void): void;
  /** Whether everything read so far is understood; "passing": it was not, and will not be kept. */
  soFar(): "tracked" | "untracked" | "passing";
  /** When nothing is under way any more, or was for too long. Undefined if that is now. */
  settled(): Promise<void> | undefined;
  /** What it depends on. Call it once, at the end. */
  dependency(): Dependency;
  /** Whether what was read before the handler has been invalidated since. */
  outdated(): boolean;
  /** It is stored now; `onLate` is called if more is read after all. */
  close(onLate: () => void): void;
  release(): void;
}

/** Traces in which handlers of cached routes run. */
const ofHandlers = new WeakSet<Trace>();

export function track(engine: Engine, req: ExtendedRequest): Tracking {
  const { clock } = engine.options;
  const [current, own] = [currentTrace(), requestTrace(req)];
  const doubt = doubtAbout(current, own);
  // A trace that is another request's says nothing about this one.
  const before = doubt === CONTEXT_LOST ? [own] : [...new Set([own, current])];
  const earlier = before.filter((trace) => trace !== undefined);
  const tokens = earlier.map((trace) => openEarlier(engine, trace));
  const trace = new Trace(clock, earlier[0]);
  trace.timing = earlier[0]?.timing;
  ofHandlers.add(trace);
  if (doubt !== undefined) trace.untracked(doubt);
  if (doubt === NESTED) current?.untracked(NESTED);
  const all = [trace, ...earlier];
  return {
    trace,
    startedMs: Math.min(...all.map((read) => read.startedMs)),
    run: (handler) => inTrace(trace, handler),
    soFar() {
      if (isPending(all)) return "tracked";
      const dependency = gathered(engine, new Trace(clock), all);
      if (isTracked(dependency)) return "tracked";
      return dependency.passing === true ? "passing" : "untracked";
    },
    settled: () => (isPending(all) ? settle(engine, all) : undefined),
    dependency: () => gathered(engine, trace, earlier),
    outdated: () => earlier.some((read, at) => isOutdated(tokens[at]!, read)),
    close(onLate) {
      // The outer route waits for what is late in its own.
      for (const read of doubt === NESTED ? [trace] : all) read.close(onLate);
    },
    release() {
      for (const token of tokens) token.release();
    },
  };
}

function gathered({ cache }: Engine, first: Trace, others: readonly Trace[]): Dependency {
  const dependency = together(first, others);
  const told = dependency.trusts.every(({ audience }) => audience?.has(cache) ?? true);
  if (told) return dependency;
  return { ...dependency, untracked: [...dependency.untracked, NOT_ATTACHED] };
}

/** Its own key is never invalidated: only what was read counts. */
function openEarlier({ cache, options }: Engine, trace: Trace): FillToken {
  return cache.begin(`${options.name}-earlier`, { trace });
}

function isOutdated(token: FillToken, trace: Trace): boolean {
  const { tags } = trace.dependency();
  return tags.length > 0 && token.voided(tags);
}

function doubtAbout(current: Trace | undefined, own: Trace | undefined): string | undefined {
  if (current !== undefined && ofHandlers.has(current)) return NESTED;
  if (own === undefined) return current === undefined ? NOT_MOUNTED : undefined;
  return own === current ? undefined : CONTEXT_LOST;
}

function isPending(traces: readonly Trace[]): boolean {
  return traces.some((trace) => trace.pending > 0);
}

/** Several times: a query may begin when another ends. */
async function settle(engine: Engine, traces: readonly Trace[]): Promise<void> {
  const { clock, settleMs } = engine.options;
  const late = Promise.withResolvers<void>();
  let over = false;
  const timer = clock.schedule(settleMs, () => {
    over = true;
    late.resolve();
  });
  while (!over && isPending(traces)) {
    await Promise.race([Promise.all(traces.map((trace) => trace.settled())), late.promise]);
  }
  timer.cancel();
  if (over) traces[0]?.untracked(NOT_ENDED);
}
