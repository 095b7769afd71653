/**
 * Since when the meaning of a text is known here.
 *
 * A meaning is read from the catalog of the primary. A replica may be behind the statement that gave it
 * that meaning: only once the source of changes is confirmed from a later instant on does its position
 * lie past it.
 */
import type { Trust } from "../../core/trust.ts";
import type { ReadAnalysis } from "../statements/analysis.ts";

const sinceMs = new WeakMap<ReadAnalysis, number>();

/** Whether what is confirmed now was confirmed after the meaning was first met. */
export function isSettled(analysis: ReadAnalysis, trust: Trust, nowMs: number): boolean {
  const met = sinceMs.get(analysis);
  if (met === undefined) {
    sinceMs.set(analysis, nowMs);
    return false;
  }
  return nowMs - trust.ageMs() > met;
}
