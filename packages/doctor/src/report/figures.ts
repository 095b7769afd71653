import type { HealthFigures } from "../health/types.ts";
import { formatBytes, formatCount, formatShare } from "./format.ts";

export interface Figure {
  readonly label: string;
  readonly value: string;
  /** What is good; undefined where there is no such line. */
  readonly goal: string | undefined;
  readonly good: boolean;
}

const HIT_GOAL = 0.9;
const INDEX_GOAL = 0.95;
const DEAD_GOAL = 0.05;
const CONNECTIONS_GOAL = 0.8;

/** The figures that are known, with what is good. */
export function figuresOf(figures: HealthFigures): readonly Figure[] {
  const { cacheHitShare: hit, indexScanShare: scans, deadRowShare: dead, connections } = figures;
  const rows: (Figure | undefined)[] = [
    above("pages from the cache", hit, HIT_GOAL),
    above("index scans on large tables", scans, INDEX_GOAL),
    dead === undefined
      ? undefined
      : {
          label: "dead rows",
          value: formatShare(dead),
          goal: `below ${formatShare(DEAD_GOAL)}`,
          good: dead < DEAD_GOAL,
        },
    connections === undefined
      ? undefined
      : {
          label: "connections",
          value: `${formatCount(connections.used)} of ${formatCount(connections.usable)}`,
          goal: `below ${formatShare(CONNECTIONS_GOAL)}`,
          good: connections.used < connections.usable * CONNECTIONS_GOAL,
        },
    plain("waiting for a lock", figures.waiting, formatCount),
    plain("deadlocks", figures.deadlocks, formatCount),
    plain("size", figures.databaseBytes, formatBytes),
  ];
  return rows.filter((row) => row !== undefined);
}

function above(label: string, share: number | undefined, goal: number): Figure | undefined {
  if (share === undefined) return undefined;
  return {
    label,
    value: formatShare(share),
    goal: `above ${formatShare(goal)}`,
    good: share > goal,
  };
}

function plain(
  label: string,
  value: number | undefined,
  format: (value: number) => string,
): Figure | undefined {
  return value === undefined
    ? undefined
    : { label, value: format(value), goal: undefined, good: true };
}
