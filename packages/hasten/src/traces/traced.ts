import { type Clock, systemClock } from "../core/clock.ts";
import { currentTrace, inTrace, Trace, type TraceKind, traceEnded } from "../core/trace/index.ts";

export interface TracedOptions {
  /** Jobs and other work that goes through lists are judged by higher thresholds. @default "job" */
  readonly kind?: TraceKind;
  /** @default systemClock */
  readonly clock?: Clock;
}

/**
 * Runs a job or a script in a trace of its own, so that its statements are counted, attributed and
 * judged. Inside a trace it is part of that one: what it reads belongs to the answer that is being made.
 * @param name constant for the job, no id in it: findings and metrics are told under it
 */
export async function traced<T>(
  name: string,
  work: () => T | PromiseLike<T>,
  options: TracedOptions = {},
): Promise<T> {
  if (currentTrace() !== undefined) return work();
  const { kind = "job", clock = systemClock } = options;
  const trace = new Trace(clock);
  trace.name = name;
  try {
    return await inTrace(trace, work);
  } finally {
    traceEnded(trace, { kind, name, durationMs: clock.nowMs() - trace.startedMs });
  }
}
