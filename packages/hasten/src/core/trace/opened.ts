/**
 * Told of each request or job whose trace is opened, so that a test can count the statements of all of
 * them: the context of a request does not cross HTTP. Costs one read of a number where nobody listens.
 */
import type { QueryLog } from "./query-log.ts";

/** A trace as it is seen from outside. */
export interface OpenedTrace {
  /** Its statements so far; undefined where there were none. */
  readonly queriesSoFar: QueryLog | undefined;
}

const listeners = new Set<(trace: OpenedTrace) => void>();

/** Calls `listener` for each trace that is opened from now on, not for those opened within another. */
export function onTraceOpened(listener: (trace: OpenedTrace) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function tellOpened(trace: OpenedTrace): void {
  if (listeners.size === 0) return;
  for (const listener of listeners) listener(trace);
}
