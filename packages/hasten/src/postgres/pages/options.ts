import type { Sql } from "../sql.ts";
import type { ColumnType } from "./column-type.ts";
import type { KeyRing } from "./key-ring.ts";
import type { NullsPlacement, SortDirection } from "./order.ts";

/** A column, or an expression, that a list may show or be sorted by. */
export interface PageColumn {
  /** Its PostgreSQL type: how its values travel in cursors. `json` and `other` cannot be sorted by. */
  readonly type: ColumnType;
  /** The expression, without parameters: sql`(document ->> 'name')`. @default the column of that name */
  readonly sql?: Sql;
  /**
   * Whether it can be NULL. Saying false of a column that can be loses rows; true of one that
   * cannot only costs a longer statement. @default true, false for the columns of `key`
   */
  readonly nullable?: boolean;
  /** Whether no two rows have the same value and none is NULL: it then ends a sort. @default false */
  readonly unique?: boolean;
  /** Whether it is shown and may be named in `fields`. @default true */
  readonly select?: boolean;
  /**
   * Collation a text column is sorted by. `C` sorts by code point and never changes; `column` takes
   * the column's own, which an upgrade of the operating system or of ICU may reorder. @default "C"
   */
  readonly collation?: "C" | "column";
}

/** One part of a sort: a column, `-` before it for descending, or with its NULLs placed. */
export type SortItem =
  | string
  | {
      readonly column: string;
      /** @default "asc" */
      readonly direction?: SortDirection;
      /** @default "last" when ascending, "first" when descending, as in PostgreSQL */
      readonly nulls?: NullsPlacement;
    };

/** What a paged list is made of: everything a request can choose from, and nothing else. */
export interface PageOptions {
  /** A table's name, or SQL without parameters: sql`orders join customers using (customer_id)`. */
  readonly from: string | Sql;
  /** What may be selected and sorted by. A name with dots puts the value in a nested object. */
  readonly columns: Readonly<Record<string, PageColumn>>;
  /** The primary key: always selected, appended to sorts that would leave ties. */
  readonly key: readonly string[];
  /**
   * Sorts by name. A request may put `-` before a name to read a sort from its end (an index serves
   * both); a sort declared under the name with `-` wins. @default the key, named `key`
   */
  readonly sorts?: Readonly<Record<string, readonly SortItem[]>>;
  /** The sort of a request that names none. @default the first of `sorts` */
  readonly sortDefault?: string;
  /** Rows on a page: what a request without a limit gets, and the most it can ask for (1 to 10,000). */
  readonly limit?: { readonly default?: number; readonly max?: number };
  /** Most rows a numbered page may skip. 0 to 10,000,000. @default 50_000 */
  readonly offsetMax?: number;
  /** Rows counted exactly; above it a total is capped or estimated. 0 to 10,000,000. @default 10_000 */
  readonly countMax?: number;
  /** Most names in `fields`. 1 to 1,000. @default 64 */
  readonly fieldsMax?: number;
  /** How cursors are signed. Without it the list has numbered pages only. */
  readonly cursor?: CursorOptions;
}

export interface CursorOptions {
  /** Keys that sign and check cursors, or a function that gives them when first needed. */
  readonly keys: KeyRing | (() => KeyRing);
  /** Milliseconds a cursor works. 1,000 and up. @default no end */
  readonly ttlMs?: number;
  /** Longest cursor made or read, in characters. 256 to 65,536. @default 4_096 */
  readonly lengthMax?: number;
  /** Wall clock in milliseconds. @default Date.now */
  readonly wallMs?: () => number;
}
