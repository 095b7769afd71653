import type { SnapshotOptions } from "./options.ts";

/** How COPY writes, see PostgreSQL's documentation of COPY. */
export interface CopyFormat {
  /** @default "text" */
  readonly format?: "text" | "csv" | "binary";
  /** A first line with the columns' names; not in binary. @default false */
  readonly header?: boolean;
  /** One byte between columns. @default tab in text, comma in csv */
  readonly delimiter?: string;
  /** What NULL is written as. @default \N in text, nothing in csv */
  readonly null?: string;
  /** One byte around values, csv only. @default " */
  readonly quote?: string;
  /** One byte before a quote in a value, csv only. @default the quote */
  readonly escape?: string;
  /** Columns whose values are always quoted, or all; csv only. */
  readonly forceQuote?: readonly string[] | "all";
}

export interface CopyOutOptions extends CopyFormat, SnapshotOptions {
  /** Columns of a table, in this order. Not for a statement. @default all but generated ones */
  readonly columns?: readonly string[];
  /** Longest silence of the server, a connection included; time that the reader takes does not count. @default statementTimeoutMs + 1_000. Bounds 1 to 86_400_000. */
  readonly timeoutMs?: number;
  /** Ends it at the caller's wish: HST_PG_ABORTED. */
  readonly signal?: AbortSignal;
}
