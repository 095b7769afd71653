/**
 * When a statement has become slower than it used to be.
 *
 * Invariants:
 * - One window proves nothing: it takes WINDOWS_IN_A_ROW of at least CALLS_MIN calls each.
 * - More calls of the same duration are no regression, and rarer ones neither.
 * - Said once when it begins and once when it is over.
 */
import type { Usual } from "./baseline.ts";
import type { WindowStats } from "./tally.ts";

export const CALLS_MIN = 20;
export const WINDOWS_IN_A_ROW = 2;
const SLOWER = 1.5;
const OVER = 1.2;
const DEVIATIONS = 3;

/** A statement is slower than usual. Durations in milliseconds. */
export interface Regression {
  readonly statement: string;
  readonly database: string;
  /** Wall clock of the first slow window. */
  readonly sinceMs: number;
  readonly usual: Usual;
  /** Mean of the newest window. */
  readonly meanMs: number;
  /** meanMs in terms of the usual one. */
  readonly times: number;
}

/** How one statement stands. */
export type Standing =
  | { readonly kind: "usual" }
  | { readonly kind: "suspect"; readonly windows: number; readonly sinceMs: number }
  | { readonly kind: "slower"; readonly sinceMs: number };

export const USUAL: Standing = { kind: "usual" };

/** The mean from which on a window of `count` calls is slow. */
export function slowFromMs(usual: Usual, count: number): number {
  return Math.max(
    usual.meanMs * SLOWER,
    usual.meanMs + (DEVIATIONS * usual.deviationMs) / Math.sqrt(count),
  );
}

/** How it stands after this window. One of too few calls says nothing, but ends a row of slow ones. */
export function judge(before: Standing, window: WindowStats, usual: Usual | undefined): Standing {
  const { count, fromMs } = window;
  if (usual === undefined || count < CALLS_MIN) return before.kind === "suspect" ? USUAL : before;
  const meanMs = window.totalMs / count;
  if (before.kind === "slower") return meanMs < usual.meanMs * OVER ? USUAL : before;
  if (meanMs <= slowFromMs(usual, count)) return USUAL;
  const windows = before.kind === "suspect" ? before.windows + 1 : 1;
  const sinceMs = before.kind === "suspect" ? before.sinceMs : fromMs;
  return windows >= WINDOWS_IN_A_ROW
    ? { kind: "slower", sinceMs }
    : { kind: "suspect", windows, sinceMs };
}
