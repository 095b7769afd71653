/** The one read-only session on the database under diagnosis. */
export interface Target extends AsyncDisposable {
  /** `server_version_num`, for example 180004. */
  readonly versionNum: number;
  /** 14 to 18, or newer. */
  readonly major: number;
  readonly database: string;
  readonly rights: Rights;
  /**
   * Rows of one statement with parameters, within the session's statement and lock time-outs.
   * @throws DoctorError HST_DOCTOR_STATEMENT, whose message holds a SQLSTATE and never the server's
   *   own text, which may quote data
   */
  rows<Row extends object>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /**
   * Rows of exactly one statement by the simple protocol, which `EXPLAIN (GENERIC_PLAN)` of a text
   * with `$1` needs. The caller has made sure that it is one statement.
   */
  simple<Row extends object>(text: string): Promise<readonly Row[]>;
  /** What the session has cost so far. */
  spent(): Spent;
}

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
