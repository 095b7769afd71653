import type { AdviceResult } from "../choose/types.ts";
import type { DoctorFinding } from "../finding.ts";
import type { Deduction, HealthFigures, Score } from "../health/types.ts";
import type { PlanReport } from "../plans/types.ts";
import type { Rights, Spent } from "../target/types.ts";
import type { Workload, WorkStatement } from "../workload/types.ts";

export type { Deduction, Score };

/** Name and version of the JSON form; a change that breaks readers raises the number. */
export const REPORT_SCHEMA = "hasten-doctor/1";

/** Everything that was found, ready to be rendered. Holds no value from data or statistics. */
export interface Report {
  readonly schema: typeof REPORT_SCHEMA;
  /** ISO 8601, UTC. */
  readonly generatedAt: string;
  readonly durationMs: number;
  /** Undefined when a plan was looked at without its database. */
  readonly target: ReportTarget | undefined;
  readonly score: Score;
  /** What could be looked at, part by part. */
  readonly coverage: readonly Coverage[];
  /** SQL that would let this role see the rest. */
  readonly grants: readonly string[];
  readonly workload: WorkloadReport;
  /** Undefined when `--only` left indexes out. */
  readonly indexes: AdviceResult | undefined;
  /** Numbers that people ask for by name; undefined when health was left out or could not be seen. */
  readonly figures: HealthFigures | undefined;
  /** Of health checks and plans, the worst first. */
  readonly findings: readonly DoctorFinding[];
  /** Plans of the heaviest statements, or of `--explain`. */
  readonly plans: readonly PlanReport[];
  readonly notes: readonly string[];
}

export interface ReportTarget {
  readonly database: string;
  /** For example "18.4". */
  readonly version: string;
  readonly rights: Rights;
  /** What this run cost the server. */
  readonly spent: Spent;
}

export interface WorkloadReport
  extends Pick<Workload, "source" | "window" | "shareSeen" | "unreadable" | "notes"> {
  /** Statements by id, without their literals: what everything else refers to. */
  readonly statements: readonly Omit<WorkStatement, "planText">[];
  /** Ids: the 20 slowest by mean, the most frequent, those with the most blocks read. */
  readonly slowest: readonly string[];
  readonly mostFrequent: readonly string[];
  readonly mostIo: readonly string[];
  /** A statement whose mean is above this is slow. */
  readonly slowMs: number;
}

export interface Coverage {
  readonly part: "health" | "indexes" | "plans" | "statements";
  /** 0 to 1; what could not be seen is not counted as healthy. */
  readonly share: number;
  readonly missing: readonly string[];
}
