/** From when on something is a finding. Durations in milliseconds. */
export interface Thresholds {
  /** Statements of one shape from one site. */
  readonly repeatsMin: number;
  /** Different parameters among them. */
  readonly distinctMin: number;
  /** Time that they took together; 0 for no floor. */
  readonly totalMsMin: number;
  /** Statements with the same shape and parameters. */
  readonly duplicatesMin: number;
  /** Independent statements, one after the other. */
  readonly serialMin: number;
  /** What running them side by side would save. */
  readonly serialSavedMsMin: number;
  /** Rows of an answer without a limit. */
  readonly unboundedRowsMin: number;
  /** Statements of one trace: a warning in production, off elsewhere. */
  readonly statementsMax: number;
}

export type Environment = "development" | "test" | "production";
