/**
 * From when on something is a finding, by environment: strict where nobody waits (a test), lenient
 * where a false alarm wakes somebody up (production).
 */
import type { TraceKind } from "../core/trace/index.ts";
import { optionInvalid } from "./errors.ts";

/** From when on something is a finding. Durations in milliseconds. */
export interface Thresholds {
  /** Statements of one shape from one line. 2 to 1,000. */
  readonly repeatsMin: number;
  /** Different parameters among them. 2 to 1,000. */
  readonly distinctMin: number;
  /** Time that they took together; 0 for no floor. Twice `repeatsMin` is a finding however quick. */
  readonly totalMsMin: number;
  /** Statements with the same shape and parameters. 2 to 1,000. */
  readonly duplicatesMin: number;
  /** Independent statements, one after the other. 2 to 1,000. */
  readonly serialMin: number;
  /** What running them side by side would save. */
  readonly serialSavedMsMin: number;
  /** Rows of an answer without a limit. */
  readonly unboundedRowsMin: number;
  /** Bytes of the answers to a `SELECT *`, with at least `wideRowBytesMin` to a row. */
  readonly wideBytesMin: number;
  readonly wideRowBytesMin: number;
  /** Statements of one trace; Infinity for no budget. */
  readonly statementsMax: number;
}

export type Environment = "development" | "test" | "production";

/** What differs between environments beside thresholds. */
export interface Sampling {
  /** Share of the traces that are judged, 0 to 1. */
  readonly traces: number;
  /** Call sites captured for each shape of one trace, 2 to 100. */
  readonly sites: number;
}

export const THRESHOLDS: Readonly<Record<Environment, Thresholds>> = {
  development: {
    repeatsMin: 5,
    distinctMin: 5,
    totalMsMin: 10,
    duplicatesMin: 3,
    serialMin: 3,
    serialSavedMsMin: 20,
    unboundedRowsMin: 1_000,
    wideBytesMin: 131_072,
    wideRowBytesMin: 1_024,
    statementsMax: Number.POSITIVE_INFINITY,
  },
  test: {
    repeatsMin: 3,
    distinctMin: 3,
    totalMsMin: 0,
    duplicatesMin: 2,
    serialMin: 3,
    serialSavedMsMin: 0,
    unboundedRowsMin: 1_000,
    wideBytesMin: 131_072,
    wideRowBytesMin: 1_024,
    statementsMax: Number.POSITIVE_INFINITY,
  },
  production: {
    repeatsMin: 8,
    distinctMin: 8,
    totalMsMin: 50,
    duplicatesMin: 10,
    serialMin: 4,
    serialSavedMsMin: 50,
    unboundedRowsMin: 5_000,
    wideBytesMin: 1_048_576,
    wideRowBytesMin: 1_024,
    statementsMax: 100,
  },
};

export const SAMPLING: Readonly<Record<Environment, Sampling>> = {
  development: { traces: 1, sites: 5 },
  test: { traces: 1, sites: 5 },
  production: { traces: 0.05, sites: 2 },
};

/** Jobs and scripts work through lists: what is a loop in a request is their work. */
export const JOB_FACTOR = 4;

/** What NODE_ENV says; development where it says nothing known. */
export function environmentOf(nodeEnv: string | undefined): Environment {
  if (nodeEnv === "production" || nodeEnv === "test") return nodeEnv;
  return "development";
}

const COUNTS: readonly (keyof Thresholds)[] = [
  "repeatsMin",
  "distinctMin",
  "duplicatesMin",
  "serialMin",
];
const COUNT_MAX = 1_000;

/**
 * The thresholds of an environment with some of one's own.
 * @throws HST_TRACE_OPTION for one out of its bounds or of no such name
 */
export function thresholdsFor(environment: Environment, own: Partial<Thresholds> = {}): Thresholds {
  const defaults = THRESHOLDS[environment];
  const merged: Record<string, number> = { ...defaults };
  for (const [name, value] of Object.entries(own)) {
    if (!(name in defaults)) throw optionInvalid(`thresholds.${name.slice(0, 64)}`, "left out");
    if (value === undefined) continue;
    if (typeof value !== "number" || Number.isNaN(value) || value < 0)
      throw optionInvalid(`thresholds.${name}`, "a number, at least 0");
    merged[name] = value;
  }
  for (const name of COUNTS) {
    const value = merged[name]!;
    if (!Number.isInteger(value) || value < 2 || value > COUNT_MAX)
      throw optionInvalid(`thresholds.${name}`, `a whole number from 2 to ${COUNT_MAX}`);
  }
  return merged as unknown as Thresholds;
}

/** What holds for a trace of this kind. */
export function thresholdsOf(thresholds: Thresholds, kind: TraceKind): Thresholds {
  if (kind !== "job" && kind !== "work") return thresholds;
  return {
    ...thresholds,
    repeatsMin: thresholds.repeatsMin * JOB_FACTOR,
    distinctMin: thresholds.distinctMin * JOB_FACTOR,
    duplicatesMin: thresholds.duplicatesMin * JOB_FACTOR,
    unboundedRowsMin: thresholds.unboundedRowsMin * JOB_FACTOR,
    statementsMax: thresholds.statementsMax * JOB_FACTOR,
  };
}
