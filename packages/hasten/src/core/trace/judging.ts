/**
 * What is settled for all traces by whoever looks for findings: how many call sites are captured, and
 * which statements nobody is to judge.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** When the line of the application that asks is captured. A capture costs about 10 µs. */
export interface SiteCapture {
  /** From which statement of one shape in one trace on: 1 captures all, 2 only what repeats. */
  from: 1 | 2;
  /** For each shape of one trace. */
  max: number;
}

/** Set by those who look for findings; read at each statement. */
export const siteCapture: SiteCapture = { from: 2, max: 5 };

const paused = new AsyncLocalStorage<true>();
let used = false;

/** Statements asked for by `work`, and by what it starts, are recorded and not judged. */
export function unjudged<T>(work: () => T): T {
  used = true;
  return paused.run(true, work);
}

/** Whether the code that runs now is not to be judged. One read of a variable until `unjudged` is used. */
export const isUnjudged = (): boolean => used && paused.getStore() === true;
