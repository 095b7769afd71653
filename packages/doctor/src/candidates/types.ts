/** An index under test. It exists in no database yet. */
export interface Candidate {
  /** Same definition, same id: the canonical text of table, method, keys, include and predicate. */
  readonly id: string;
  /** Oid of the table; of a partitioned one, the root. */
  readonly relation: number;
  readonly method: "btree" | "gin" | "gist" | "brin";
  /** At most 4. */
  readonly keys: readonly CandidateKey[];
  /** Names of payload columns, unquoted. */
  readonly include: readonly string[];
  /** Of a partial index: SQL over the table's own columns, unqualified and quoted. */
  readonly predicate: string | undefined;
  /** Why it was thought of. */
  readonly reasons: readonly CandidateReason[];
  /** Ids of the statements that asked for it. */
  readonly statements: readonly string[];
  /** An extension that must be created first. */
  readonly extension: "pg_trgm" | "btree_gin" | undefined;
}

export interface CandidateKey {
  /** Plain name of the column, unquoted; undefined for an expression. */
  readonly column: string | undefined;
  /** Ready to stand in CREATE INDEX: a quoted column, or an expression in parentheses. */
  readonly sql: string;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
  /** Named only when it is not the default, for example "text_pattern_ops", "jsonb_path_ops". */
  readonly opclass: string | undefined;
}

export type CandidateReason =
  | "equality"
  | "range"
  | "order"
  | "join"
  | "group"
  | "partial"
  | "covering"
  | "expression"
  | "pattern"
  | "jsonb"
  | "array"
  | "full-text"
  | "trigram"
  | "nearest"
  | "brin"
  | "foreign-key";

/** Candidates kept for one table at most; those of statements with the most time stay. */
export const CANDIDATES_PER_TABLE_MAX = 40;
export const KEYS_MAX = 4;

/** What a statement reads, by table: the ground from which candidates are made. */
export interface StatementFacts {
  readonly id: string;
  readonly share: number;
  readonly scans: readonly Scan[];
  /** Clauses that could not be understood, by reason; they are skipped, the statement is not. */
  readonly skipped: readonly string[];
}

/** One table of one statement, with what its conditions, joins and order ask of an index. */
export interface Scan {
  readonly relation: number;
  readonly clauses: readonly Clause[];
  /** Set when an index could give the order that the statement asks for. */
  readonly order: readonly OrderItem[];
  readonly limited: boolean;
  /** Columns grouped by or made distinct, when they are all of this table. */
  readonly grouped: readonly Term[];
  /** Columns of this table that the statement reads at all; undefined: all (`*`). */
  readonly columns: readonly string[] | undefined;
}

/** A column of the table, or an expression over its columns alone. */
export interface Term {
  readonly column: string | undefined;
  readonly sql: string;
}

export interface OrderItem {
  readonly term: Term;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export type Clause =
  /** `=`, `IN`, `= ANY`, `IS NULL`, a plain boolean column. */
  | {
      readonly kind: "equality";
      readonly term: Term;
      readonly literal: string | undefined;
      /** Of several values (`IN`, `= ANY`, OR): rows then do not come in the order of later keys. */
      readonly many?: boolean;
    }
  | { readonly kind: "range"; readonly term: Term; readonly literal: string | undefined }
  /**
   * Equality with another table's column, through which a loop could look up; `other` is 0 when
   * that is no table (the rows of a function, a materialized CTE, an aggregating subquery).
   */
  | { readonly kind: "join"; readonly term: Term; readonly other: number }
  /** LIKE 'x%', which needs byte order. */
  | { readonly kind: "prefix"; readonly term: Term }
  /** LIKE '%x%', ILIKE, ~, similarity. */
  | { readonly kind: "pattern"; readonly term: Term }
  /** ORDER BY term <-> value: the nearest first, which only GiST gives. */
  | { readonly kind: "nearest"; readonly term: Term; readonly on: "trigram" | "geometry" }
  /**
   * `@>`, `?`, `?|`, `?&`, `@@`, `@?` on jsonb; `@>`, `<@`, `&&` on arrays; `@@` on tsvector;
   * containment, overlap and the like on ranges and geometry, which GiST serves.
   */
  | {
      readonly kind: "contains";
      readonly term: Term;
      readonly on: "jsonb" | "array" | "tsvector" | "range";
      readonly operator: string;
    }
  /** A condition without a parameter that could stand in a partial index: `deleted_at is null`, `status = 'open'`. */
  | { readonly kind: "constant"; readonly sql: string; readonly columns: readonly string[] };
