/** Statements on the read-only session. One call at a time. */
export interface Session {
  /**
   * Rows of one statement with parameters, within the session's statement and lock time-outs. Types
   * are pg's defaults: int8 and numeric are strings.
   * @throws DoctorError HST_DOCTOR_STATEMENT, whose message holds a SQLSTATE and never the server's
   *   own text, which may quote data; HST_DOCTOR_TARGET when the session is gone
   */
  rows<Row extends object>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /**
   * Rows of exactly one statement by the simple protocol, which `EXPLAIN (GENERIC_PLAN)` of a text
   * with `$1` needs. The caller has made sure that it is one statement.
   */
  simple<Row extends object>(text: string): Promise<readonly Row[]>;
}

/**
 * The one read-only session on the database under diagnosis. Outside a transaction `rows` sees only
 * pg_catalog on its search path, so that no object of the database stands in for a built-in one;
 * `simple` and transactions use the role's own path.
 */
export interface Target extends Session, AsyncDisposable {
  /** `server_version_num`, for example 180004. */
  readonly versionNum: number;
  /** 14 to 18, or newer. */
  readonly major: number;
  readonly database: string;
  readonly rights: Rights;
  /** Schemas of the role's effective search path that exist, without the implicit pg_catalog. */
  readonly searchPath: readonly string[];
  /** Whether a pooler stands between: settings are then made anew in every transaction. */
  readonly pooled: boolean;
  /** Sentences for the report: an unreadable password file, a pooler, no encryption … */
  readonly notes: readonly string[];
  /**
   * `BEGIN READ ONLY` with time-outs and the role's own search path. Inside, only `tx` may be used:
   * the target's own methods wait for the end. What only plans may end by COMMIT: the server counts
   * each ROLLBACK, and a quiet database's share of them would be the doctor's own.
   * @param end default: "rollback"; a failure always rolls back
   */
  transaction<T>(work: (tx: Session) => Promise<T>, end?: TransactionEnd): Promise<T>;
  /** What the session has cost so far. */
  spent(): Spent;
}

export type TransactionEnd = "commit" | "rollback";

export interface Spent {
  readonly statements: number;
  /** Time between sending and answer, summed: an upper bound of what the server worked. */
  readonly waitedMs: number;
}

export interface Rights {
  readonly role: string;
  readonly superuser: boolean;
  /** pg_read_all_stats or pg_monitor: other sessions' statements, all of pg_stat_statements. */
  readonly statistics: boolean;
  /** pg_read_all_data: pg_stats of every table, and plain EXPLAIN of any statement. */
  readonly data: boolean;
}

/** Told while the doctor works; the command writes them to stderr. */
export interface Progress {
  readonly step: string;
  readonly done?: number;
  readonly total?: number;
}

export type OnProgress = (progress: Progress) => void;

/** `process.env`, or what a test gives in its place. */
export type Environment = Readonly<Record<string, string | undefined>>;
