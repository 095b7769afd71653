/**
 * Collects the statements of every trace that is opened while a function runs: a request that reaches a
 * server in this process through HTTP has a trace of its own, that no context connects with the test.
 *
 * Invariants:
 * - One at a time: what another count caused could not be told apart.
 * - A trace that was open before does not count; a statement that was asked for before the function was
 *   over does, whenever it ends.
 */
import { HastenError } from "../core/errors.ts";
import {
  inTrace,
  type OpenedTrace,
  onTraceOpened,
  type QueryLog,
  Trace,
} from "../core/trace/index.ts";
import { captureSites } from "../traces/capture-sites.ts";

/** Call sites captured for each shape: a test has the time. */
const SITES_MAX = 20;

export interface Counted<T> {
  readonly value: T;
  /** One for each trace that had statements, in the order in which they were opened. */
  readonly logs: readonly QueryLog[];
}

let counting = false;

/** @throws HST_TEST_OVERLAP when another one is under way in this process */
export async function countTraces<T>(work: () => T | PromiseLike<T>): Promise<Counted<T>> {
  if (counting) throw overlapping();
  counting = true;
  const opened: OpenedTrace[] = [];
  const stop = onTraceOpened((trace) => opened.push(trace));
  const release = captureSites({ from: 1, max: SITES_MAX });
  try {
    const value = await inTrace(new Trace(), work);
    const logs = opened.map(({ queriesSoFar }) => queriesSoFar);
    return { value, logs: logs.filter((log) => log !== undefined) };
  } finally {
    release();
    stop();
    counting = false;
  }
}

const overlapping = (): HastenError =>
  new HastenError(
    "HST_TEST_OVERLAP",
    "Two counts of queries overlap: which of them caused a statement cannot be told.",
    "Await one before the next begins (one that never ends holds up the others), and keep such tests out of test.concurrent.",
  );
