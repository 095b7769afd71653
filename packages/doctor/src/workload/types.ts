/** One statement of the workload, summed over the window. Never holds a value of a parameter. */
export interface WorkStatement {
  /** Stable between runs: the queryid, or a fingerprint of a file's statement. */
  readonly id: string;
  /** What reports show: constants are parameters (`$1`) or `?`. */
  readonly text: string;
  /**
   * What is parsed and planned: the same text, except that a statement of `--queries` keeps its
   * literals here, in memory only.
   */
  readonly planText: string;
  readonly calls: number;
  readonly totalMs: number;
  readonly meanMs: number;
  /** Longest call; undefined over a delta, where the counters do not tell it. */
  readonly maxMs: number | undefined;
  readonly rows: number;
  readonly blocksHit: number;
  readonly blocksRead: number;
  readonly tempBlocksWritten: number;
  readonly walBytes: number;
  /** Share of the workload's whole time, 0 to 1. Of a file: equal shares. */
  readonly share: number;
}

export type WorkloadSource = "pg_stat_statements" | "file" | "none";

/** What the numbers span. */
export type Window =
  /** Since the counters were last reset; `sinceMs` is how long that is, where it is known. */
  | { readonly kind: "totals"; readonly sinceMs: number | undefined }
  /** Between two snapshots. */
  | { readonly kind: "delta"; readonly sinceMs: number }
  /** A file says nothing of time. */
  | { readonly kind: "file" };

export interface Workload {
  readonly source: WorkloadSource;
  readonly window: Window;
  /** Ordered by total time, at most {@link STATEMENTS_MAX}. */
  readonly statements: readonly WorkStatement[];
  /** Of the whole workload's time, how much these statements stand for, 0 to 1. */
  readonly shareSeen: number;
  /** Statements that could not be read: hidden texts of other roles, cut ones. */
  readonly unreadable: number;
  /** Sentences for the report: no extension, evicted entries, counters reset in between. */
  readonly notes: readonly string[];
}

/** Statements analysed for indexes at most: those with the most time, up to 95 % of it. */
export const STATEMENTS_MAX = 300;
