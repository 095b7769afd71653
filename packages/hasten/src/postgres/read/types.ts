import type { Statement } from "../sql.ts";
import type { CopyOutOptions } from "./copy-options.ts";
import type { CopyOut } from "./copy-out.ts";
import type { CopySource } from "./copy-statement.ts";
import type { StreamOptions } from "./options.ts";
import type { Rows } from "./row-stream.ts";
import type { TableRows, TableStreamOptions } from "./table-options.ts";

/** Reading many rows: what a database offers for it. */
export interface Reads {
  /**
   * The rows of one statement through a server-side cursor, in constant memory: for await, `break`
   * and `return()` give the connection back. All rows are of one snapshot, which is held until the
   * last one came: see the limits in the options. Nothing is sent before the first row is asked for.
   * @throws HST_PG_SQL, HST_PG_VALUE, HST_PG_OPTION at once; from the iteration HST_PG_SNAPSHOT,
   * HST_PG_TIMEOUT, HST_PG_ABORTED and what `query` throws
   */
  stream<R = Record<string, unknown>>(statement: Statement, options?: StreamOptions): Rows<R>;
  /**
   * The rows of a table in an order, page by page by key: no connection and no snapshot is held
   * between pages, and `position` goes on after any row, in another process too. A row that is there
   * throughout comes exactly once; one that is changed, inserted or deleted meanwhile may or may not.
   * @throws HST_PG_OPTION, HST_PAGE_SORT for an order that the table does not have, from the iteration;
   * and what `query` throws
   */
  streamTable<R = Record<string, unknown>>(
    table: string | readonly string[],
    options?: TableStreamOptions,
  ): TableRows<R>;
  /**
   * COPY … TO STDOUT of a table or a statement: the fastest way out, as a Readable of bytes in chunks
   * that do not end with a row. The values of a statement are put into its text as literals that
   * cannot end early. Ending it before its end costs the connection.
   * @throws HST_PG_SQL, HST_PG_VALUE, HST_PG_OPTION at once; as its error what `stream` throws
   */
  copyOut(source: CopySource, options?: CopyOutOptions): CopyOut;
  /**
   * One statement for each item, pipelined 100 to a round trip: the rows of each, in the items' order.
   * For reads: a batch whose connection died is sent again. Each statement is its own transaction.
   * @throws HST_PG_OPTION at once; from the iteration what `query` throws, where a statement was refused
   * with its number as `index`
   */
  batchQuery<S, R = Record<string, unknown>>(
    items: Iterable<S> | AsyncIterable<S>,
    build: (item: S) => Statement,
    options?: BatchQueryOptions,
  ): Rows<readonly R[]>;
}

export interface BatchQueryOptions {
  /** Statements sent together, in one round trip. The answers of up to twice as many are in memory. @default 100. Bounds 1 to 1_000. */
  readonly batchSize?: number;
  /** Longest time for one batch, a connection included. @default statementTimeoutMs + 1_000. Bounds 1 to 86_400_000. */
  readonly timeoutMs?: number;
  /** Ends it at the caller's wish: HST_PG_ABORTED. */
  readonly signal?: AbortSignal;
}

/** Reading many rows inside a transaction. */
export interface TxReads {
  /**
   * The rows of one query through a cursor of the transaction. Other statements of the transaction
   * may run between two rows; what they change does not show in it.
   * @throws HST_PG_SQL, HST_PG_VALUE, HST_PG_OPTION at once; from the iteration what `query` throws
   */
  stream<R = Record<string, unknown>>(statement: Statement, options?: TxStreamOptions): Rows<R>;
}

export interface TxStreamOptions {
  /** Rows of one read. @default 1_000. Bounds 1 to 100_000. */
  readonly rowsPerRead?: number;
  /** Longest time for one read. @default as for every statement of the transaction */
  readonly timeoutMs?: number;
  /** Ends the stream at the caller's wish; while the server reads, the transaction with it: HST_PG_ABORTED. */
  readonly signal?: AbortSignal;
}
