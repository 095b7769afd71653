/** Time that statements took, in milliseconds. */
import type { QueryRecord } from "../core/trace/index.ts";

type Timed = Pick<QueryRecord, "calledMs" | "sentMs" | "endedMs">;

/** From asking to the answer, the wait for a connection included. 0 while it is under way. */
export const durationMs = ({ calledMs, endedMs }: Timed): number =>
  endedMs === 0 ? 0 : Math.max(0, endedMs - calledMs);

/** Of it, what the database took. */
export const databaseMs = ({ sentMs, endedMs }: Timed): number =>
  endedMs === 0 || sentMs === 0 ? 0 : Math.max(0, endedMs - sentMs);

/** The time in which any of them was under way: side by side counts once. */
export function underWayMs(records: readonly Timed[]): number {
  const ended = records.filter(({ endedMs }) => endedMs !== 0);
  ended.sort((a, b) => a.calledMs - b.calledMs);
  let sum = 0;
  let reached = Number.NEGATIVE_INFINITY;
  for (const { calledMs, endedMs } of ended) {
    if (endedMs <= reached) continue;
    sum += endedMs - Math.max(calledMs, reached);
    reached = endedMs;
  }
  return sum;
}

export const sumOf = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((sum, item) => sum + of(item), 0);

export const largestOf = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((largest, item) => Math.max(largest, of(item)), 0);

/** Rounded to a tenth, for people. */
export const shownMs = (ms: number): string =>
  `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
