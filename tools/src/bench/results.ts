/** One measured figure: the median over fresh runs, with its spread. */
export interface BenchRow {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

/** A promise of the project held against this run. `goal` is a comparison, for example `<= 1.3`. */
export interface BenchGoal {
  readonly name: string;
  readonly value: number;
  readonly goal: string;
  readonly met: boolean;
}

export interface BenchReport {
  readonly bench: string;
  /** What a reader types to get these numbers. */
  readonly command: string;
  readonly rows: readonly BenchRow[];
  readonly goals: readonly BenchGoal[];
  /** Printed and stored below the tables: method, caveats, what was skipped. */
  readonly notes?: readonly string[];
}

/** Four significant digits, thousands separated: enough to compare, not more than was measured. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}
