import { unjudged } from "../core/trace/index.ts";

/**
 * Runs `work` and returns what it returns; statements that it asks for, also later from what it started,
 * are counted and never judged.
 */
export function pause<T>(work: () => T): T {
  return unjudged(work);
}
