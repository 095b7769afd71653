import { pageError } from "./errors.ts";
import { defaultNulls } from "./order.ts";
import type { PageSpec } from "./page-spec.ts";
import { sortNamed } from "./sorts.ts";

/** One column of the index a sort needs. */
export interface SortIndexColumn {
  readonly name: string;
  /** The column or the parenthesised expression, with its collation. */
  readonly sql: string;
  readonly direction: "asc" | "desc";
  /** Undefined where PostgreSQL's own placement is meant. */
  readonly nulls: "first" | "last" | undefined;
}

/** The index that serves a sort, forward and backward. */
export interface SortIndex {
  readonly columns: readonly SortIndexColumn[];
  /** What goes between the parentheses of CREATE INDEX. */
  readonly text: string;
}

/**
 * The columns of the index that serves a sort: in its order, with its NULLS placement, expressions
 * and collations. Columns a filter always compares for equality go first.
 * @throws ProblemError 400 `unknown-sort`; HST_PAGE_COLUMN for an unknown column in `equal`
 */
export function sortIndex(
  spec: PageSpec<unknown>,
  sort: string,
  options: { readonly equal?: readonly string[] } = {},
): SortIndex {
  const { order } = sortNamed(spec.sorts, sort, spec.sortNames);
  const equal = (options.equal ?? []).map((name): SortIndexColumn => {
    const column = spec.columns.get(name);
    if (column === undefined)
      throw pageError(
        "HST_PAGE_COLUMN",
        `No column is named ${name}.`,
        "Name a column of the list.",
      );
    return { name, sql: column.sql, direction: "asc", nulls: undefined };
  });
  const sorted = order
    .filter((column) => !options.equal?.includes(column.name))
    .map(({ name, sql, direction, nulls, nullable }): SortIndexColumn => {
      const stated = nullable && nulls !== defaultNulls(direction) ? nulls : undefined;
      return { name, sql, direction, nulls: stated };
    });
  const columns = [...equal, ...sorted];
  return { columns, text: columns.map(itemText).join(", ") };
}

function itemText({ sql, direction, nulls }: SortIndexColumn): string {
  const placed = nulls === undefined ? "" : ` nulls ${nulls}`;
  return direction === "asc" ? `${sql}${placed}` : `${sql} desc${placed}`;
}
