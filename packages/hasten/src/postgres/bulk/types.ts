/** What `bulk` takes and gives; see docs/bulk.md. */

/** Rows to write: objects by column name, or arrays with `columns`. */
export type BulkRow = object | readonly unknown[];
export type BulkRows = Iterable<BulkRow> | AsyncIterable<BulkRow>;

/** How rows travel: array parameters of one statement, or COPY. */
export type BulkMethod = "unnest" | "copy";

/** What has been written so far; given after each chunk. */
export interface BulkProgress {
  /** Rows taken from the input and answered for by the server. */
  readonly rows: number;
  /** Their bytes as sent. */
  readonly bytes: number;
  readonly rowsPerSecond: number;
  /** Rows whose transaction is committed. */
  readonly committedRows: number;
}

/** Options of every bulk write. */
export interface BulkOptions {
  /** Columns to write. Needed for rows that are arrays. @default the keys of the first row */
  readonly columns?: readonly string[];
  /** "one": all rows or none. "chunks": every chunk is committed by itself. Inside `tx` always "one". @default "one" */
  readonly transaction?: "one" | "chunks";
  /** Rows of a chunk that is committed by itself, and of one COPY. @default 50_000. Bounds 1 to 1_000_000. */
  readonly chunkRows?: number;
  /** How rows travel. @default "unnest" up to 5,000 rows and 4 MiB, else "copy" */
  readonly method?: BulkMethod;
  /** Longest time for each statement; waiting for rows does not count. @default statementTimeoutMs + 1_000, and for the statement that merges staged rows 1 s more for each 20,000 of them. Bounds 1 to 86_400_000. */
  readonly timeoutMs?: number;
  /** Gives up: what is not committed is rolled back. */
  readonly signal?: AbortSignal;
  /** Called after each chunk; awaited. What it throws ends the write. */
  readonly onProgress?: (progress: BulkProgress) => unknown;
  /** Columns to give back of each row written (for deletes: as they were); needs `onReturned`. Sends by "unnest". */
  readonly returning?: readonly string[];
  /** Takes the rows of one statement, at most 5,000; awaited. In "chunks" after their COMMIT. */
  readonly onReturned?: (rows: readonly Readonly<Record<string, unknown>>[]) => unknown;
}

export interface InsertOptions extends BulkOptions {
  /** Values for columns GENERATED ALWAYS AS IDENTITY. @default refused */
  readonly identity?: "override";
}

export interface UpsertOptions extends InsertOptions {
  /** Columns of the unique index that decides, or the name of a constraint. @default the primary key */
  readonly on?: readonly string[] | string;
  /** Columns to change where the row exists; none = leave it. @default all others given */
  readonly update?: readonly string[];
}

export interface UpdateOptions extends BulkOptions {
  /** Columns that find the row. @default the primary key */
  readonly on?: readonly string[];
}

/** Deletes read only the columns of `on`. */
export type DeleteOptions = UpdateOptions;

export interface BulkResult {
  /** Rows read from the input. */
  readonly rows: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** Rows that changed nothing: equal to what was there, without a row to change, or followed by a row with the same key. */
  readonly unchanged: number;
  /** Transactions in "chunks", else 1. */
  readonly chunks: number;
  readonly statements: number;
  readonly bytes: number;
  readonly method: BulkMethod;
  readonly durationMs: number;
  readonly rowsPerSecond: number;
}

/** What a failed bulk write left behind. */
export interface BulkOutcome {
  /** Position in the input of the row that was refused, from 0, where it could be found. */
  readonly row: number | undefined;
  /** The column it was refused for, where PostgreSQL said so. */
  readonly column: string | undefined;
  /** The rows among which it is: from `from` up to but not including `to`. */
  readonly rows: { readonly from: number; readonly to: number } | undefined;
  /** Rows of the input whose transaction is committed. 0 with transaction "one". */
  readonly committedRows: number;
  /** Rows after those, whose COMMIT got no answer: committed or not, nobody knows. */
  readonly unknownRows: number;
}

/** Writes many rows to one table. */
export interface BulkTable {
  /** @throws PostgresError, with {@link BulkOutcome} by `bulkOutcome(error)` */
  insert(rows: BulkRows, options?: InsertOptions): Promise<BulkResult>;
  /** Inserts, or changes the row that has the same key; of rows with the same key the last wins. */
  upsert(rows: BulkRows, options?: UpsertOptions): Promise<BulkResult>;
  /** Sets the columns given, in the rows found by key. Rows that are not there are not made. */
  update(rows: BulkRows, options?: UpdateOptions): Promise<BulkResult>;
  delete(rows: BulkRows, options?: DeleteOptions): Promise<BulkResult>;
}

/** What offers bulk writes: a database, or a transaction of one. */
export interface BulkTables {
  /** Many rows of one table, see docs/bulk.md. A schema: `["sales", "orders"]`. */
  bulk(table: string | readonly string[]): BulkTable;
}

const outcomes = new WeakMap<object, BulkOutcome>();

/** What is known of a bulk write that failed with this error; undefined for any other error. */
export const bulkOutcome = (error: unknown): BulkOutcome | undefined =>
  outcomes.get(error as object);

/** Internal: says it of an error. */
export function withOutcome<E extends object>(error: E, outcome: BulkOutcome): E {
  outcomes.set(error, outcome);
  return error;
}
