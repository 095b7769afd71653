import type { KeyRing } from "../pages/key-ring.ts";
import type { SortItem } from "../pages/options.ts";
import type { Sql } from "../sql.ts";
import type { Rows } from "./row-stream.ts";

export interface TableStreamOptions {
  /** The order: columns, `-` before one for descending, or with NULLs placed. The key is appended where it leaves ties. @default the primary key */
  readonly by?: readonly SortItem[];
  /** Columns without NULL that no two rows share, where the table has no primary key (a view). @default the primary key */
  readonly key?: readonly string[];
  /** Columns wanted; those of the key come too. @default all */
  readonly columns?: readonly string[];
  /** The condition rows must meet. A position works only with the same one. */
  readonly where?: Sql;
  /** Stands for `where` in positions, where its values change between runs (the time). */
  readonly whereId?: string;
  /** A `position` of an earlier stream: begins right after that row. */
  readonly after?: string;
  /** Reads the same order from its end. @default "forward" */
  readonly direction?: "forward" | "backward";
  /** Rows of one statement. Up to twice as many are in memory. @default 1_000. Bounds 1 to 10_000. */
  readonly rowsPerPage?: number;
  /** Longest time for one page, a connection included. @default statementTimeoutMs + 1_000. Bounds 1 to 86_400_000. */
  readonly timeoutMs?: number;
  /** Ends the stream at the caller's wish: HST_PG_ABORTED. */
  readonly signal?: AbortSignal;
  /** Signs positions, where they go through hands that could change them. @default a checksum only */
  readonly keys?: KeyRing;
}

/** Rows of a table, page by page, that can be gone on with after any row. */
export interface TableRows<R> extends Rows<R> {
  /** Right after the last row handed out, for `after` of a later stream: plain text. Undefined before the first row. */
  readonly position: string | undefined;
}
