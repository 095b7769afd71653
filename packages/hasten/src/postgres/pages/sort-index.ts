import type { IndexColumn } from "../indexes/spec.ts";
import { trustedSql } from "../sql.ts";
import type { ResolvedColumn } from "./columns.ts";
import { pageError } from "./errors.ts";
import { defaultNulls } from "./order.ts";
import type { PageSpec } from "./page-spec.ts";
import { sortNamed } from "./sorts.ts";

/** The index that serves a sort, forward and backward. */
export interface SortIndex {
  /** For `db.indexes.ensure({ table, columns })`. */
  readonly columns: readonly IndexColumn[];
  /** What goes between the parentheses of CREATE INDEX. */
  readonly text: string;
}

/**
 * The columns of the index that serves a sort: in its order, with its NULLS placement, expressions
 * and collations. Columns a filter always compares for equality go first, as the filter has them.
 * @throws ProblemError 400 `unknown-sort`; HST_PAGE_COLUMN for an unknown column in `equal`
 */
export function sortIndex(
  spec: PageSpec<unknown>,
  sort: string,
  options: { readonly equal?: readonly string[] } = {},
): SortIndex {
  const { order } = sortNamed(spec.sorts, sort, spec.sortNames);
  const equal = (options.equal ?? []).map((name) => {
    const column = spec.columns.get(name);
    if (column === undefined) throw columnUnknown(name);
    return { text: column.sql, column: source(column) };
  });
  const sorted = order
    .filter((column) => !options.equal?.includes(column.name))
    .map(({ name, sql, direction, nulls, nullable }) => {
      const column = spec.columns.get(name)!;
      const collation = sql === column.sql ? {} : { collation: "C" };
      const placed = nullable && nulls !== defaultNulls(direction) ? { nulls } : {};
      const words = [
        sql,
        direction === "desc" ? " desc" : "",
        placed.nulls ? ` nulls ${nulls}` : "",
      ];
      return {
        text: words.join(""),
        column: { ...source(column), ...collation, direction, ...placed },
      };
    });
  const all = [...equal, ...sorted];
  return { columns: all.map((one) => one.column), text: all.map((one) => one.text).join(", ") };
}

const source = ({ name, sql, alias }: ResolvedColumn): IndexColumn =>
  sql === alias ? { column: name } : { expression: trustedSql(sql) };

const columnUnknown = (name: string): Error =>
  pageError("HST_PAGE_COLUMN", `No column is named ${name}.`, "Name a column of the list.");
