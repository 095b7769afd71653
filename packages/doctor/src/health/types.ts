import type { DoctorFinding, Fix, Severity } from "../finding.ts";
import type { Thresholds } from "./thresholds.ts";

/** What decides which SQL a check sends. */
export interface Server {
  /** 14 to 18, or newer. */
  readonly major: number;
  /** Schema of each extension created in this database. */
  readonly extensions: ReadonlyMap<string, string>;
}

export interface HealthContext {
  readonly server: Server;
  readonly thresholds: Thresholds;
}

/** A row of the table of checks: what to ask, what is too much, what it means, what to do. */
export interface HealthCheck<Row extends object = object> {
  /** "health/unused-index": also the id of its findings, and its anchor in docs/health-checks.md. */
  readonly id: string;
  /** What it looks at, as a heading. */
  readonly looksAt: string;
  /** What happens if it is left so. */
  readonly why: string;
  /** "statistics": only a superuser or a member of pg_monitor sees enough to judge. */
  readonly needs: "nothing" | "statistics";
  /** Thresholds that its SQL or its judgement takes. */
  readonly thresholds: readonly (keyof Thresholds)[];
  /** Undefined when it can run; otherwise why not: an extension that is not there. */
  absent?(server: Server): string | undefined;
  /**
   * One SELECT over catalogs and statistics views, the worst first, at most {@link ROWS_MAX} rows.
   * `:name` stands for a threshold, `:"name"` for the schema of an extension, as in psql.
   */
  sql(server: Server): string;
  /** Pure. */
  judge(rows: readonly Row[], context: HealthContext): Judgement;
}

/** A check of what was counted between two readings, or since the last reset. */
export interface TrafficCheck extends Pick<HealthCheck, "id" | "looksAt" | "why" | "thresholds"> {
  judge(traffic: Traffic, context: HealthContext): Judgement;
}

export interface Judgement {
  readonly verdicts: readonly Verdict[];
  /** Set when part of it could not be seen: which share was (0 to 1), and what would help. */
  readonly unseen?: { readonly share: number; readonly because: string };
}

/** A finding without what its check gives it: id and why (unless it has a better one). */
export interface Verdict {
  readonly severity: Severity;
  readonly title: string;
  readonly subject: string;
  readonly evidence: DoctorFinding["evidence"];
  readonly fix: Fix;
  readonly why?: string;
  readonly foreignKey?: ForeignKeyOf;
}

/** The key that a finding is about, so that it can be told which index serves it. */
export interface ForeignKeyOf {
  /** Oid of the referencing table. */
  readonly relation: number;
  readonly columns: readonly string[];
}

export interface HealthFinding extends DoctorFinding {
  readonly foreignKey?: ForeignKeyOf;
}

/** Rows that a check's SQL answers at most. */
export const ROWS_MAX = 100;
/** Findings of one check in a report; `CheckResult.more` counts the rest. */
export const FINDINGS_PER_CHECK_MAX = 20;

export interface CheckResult {
  readonly id: string;
  readonly looksAt: string;
  /** "not-seen" lowers the coverage; "absent" does not: there is nothing to look at. */
  readonly outcome: "clean" | "found" | "not-seen" | "absent";
  readonly findings: number;
  /** Findings beyond {@link FINDINGS_PER_CHECK_MAX}, left out. */
  readonly more: number;
  /** Of its statement, as seen from here; 0 where it needs none of its own. */
  readonly ms: number;
  /** Why it was not, or only in part, seen. */
  readonly because: string | undefined;
}

/** One reading of the counters, to be compared with a later one. */
export interface Counters {
  /** The server's clock, milliseconds since 1970. */
  readonly atMs: number;
  /** When each group was last reset, same clock; undefined when it never was. */
  readonly resetAtMs: number | undefined;
  /** When the server was started, same clock. */
  readonly startedAtMs: number;
  readonly commits: number;
  readonly rollbacks: number;
  readonly deadlocks: number;
  readonly pagesHit: number;
  readonly pagesRead: number;
  readonly tempFiles: number;
  readonly tempBytes: number;
  readonly checkpointsTimed: number;
  readonly checkpointsRequested: number;
  /** Entries evicted from pg_stat_statements; undefined where it is not there. */
  readonly statementsEvicted: number | undefined;
}

/** What was counted, over which time. */
export interface Traffic
  extends Omit<Counters, "atMs" | "resetAtMs" | "startedAtMs" | "statementsEvicted"> {
  readonly kind: "delta" | "totals";
  /**
   * Of a delta exactly; of totals since the reset, or undefined when there was none: then rates are
   * not judged, because the counters may be older than anything that the server tells.
   */
  readonly elapsedMs: number | undefined;
  readonly statementsEvicted: number | undefined;
}

/** Numbers that people ask for by name, whether or not they are findings. */
export interface HealthFigures {
  /** 0 to 1; good is above 0.9. Undefined without traffic. */
  readonly cacheHitShare: number | undefined;
  /** Index scans of all scans on tables of at least 10,000 rows; good is above 0.95. */
  readonly indexScanShare: number | undefined;
  /** Dead rows of all rows; good is below 0.05. */
  readonly deadRowShare: number | undefined;
  readonly databaseBytes: number | undefined;
  readonly connections: { readonly used: number; readonly usable: number } | undefined;
  /** Sessions of this database that wait for a lock. */
  readonly waiting: number | undefined;
  readonly deadlocks: number | undefined;
  /** The largest, at most 20. */
  readonly tables: readonly TableFigure[];
}

export interface TableFigure {
  /** Qualified and quoted where needed. */
  readonly table: string;
  /** With indexes and TOAST, as of the last vacuum or analyze. */
  readonly bytes: number;
  readonly rows: number;
  readonly deadRows: number;
  readonly sequentialScans: number;
  readonly sequentialRowsRead: number;
  readonly indexScans: number;
}

export interface HealthOptions {
  /** Deviations from `THRESHOLDS`. */
  readonly thresholds?: Partial<Thresholds>;
  /** A reading taken earlier. @default none: counters are judged since their reset */
  readonly before?: Counters;
  /** The reading to compare it with. @default taken now */
  readonly after?: Counters;
  readonly onProgress?: (progress: { step: string; done?: number; total?: number }) => void;
  readonly signal?: AbortSignal;
}

export interface Health {
  /** The worst first. */
  readonly findings: readonly HealthFinding[];
  readonly coverage: HealthCoverage;
  readonly ran: readonly CheckResult[];
  readonly figures: HealthFigures;
}

export interface HealthCoverage {
  readonly part: "health";
  /** 0 to 1: checks that could be made, of those that apply to this server. */
  readonly share: number;
  /** "health/x: why", one for each check that was not or only partly made. */
  readonly missing: readonly string[];
}

export interface Score {
  /** 0 to 100: 100 less the deductions; a critical finding caps it at 40, a warning at 85. */
  readonly value: number;
  readonly word: "healthy" | "degraded" | "critical";
  readonly deductions: readonly Deduction[];
}

export interface Deduction {
  readonly points: number;
  readonly because: string;
  readonly severity: Severity;
}
