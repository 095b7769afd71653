import type { Sql } from "../sql.ts";
import { encodeCursor } from "./cursor.ts";
import { pageProblem } from "./errors.ts";
import { selectFields } from "./fields.ts";
import { cursorRules } from "./keyset.ts";
import { clampLimit, type LimitInput, numberOf } from "./limit.ts";
import { type DriverRow, keysOf, rowShape } from "./page.ts";
import type { PageSpec } from "./page-spec.ts";
import { sortNamed } from "./sorts.ts";
import { scanText } from "./statement.ts";

/** What one request wants of a list by page number. */
export interface OffsetRequest {
  readonly sort?: string | undefined;
  readonly filter?: Sql | undefined;
  /** As in a page by cursor; used for the cursor that goes on from here. */
  readonly filterId?: string | undefined;
  /** From 1; what is lower or not a number is 1. */
  readonly page?: number | string | undefined;
  readonly limit?: LimitInput;
  readonly fields?: readonly string[] | undefined;
}

/** A page by number. */
export interface OffsetPage<Row = Record<string, unknown>> {
  readonly rows: readonly Row[];
  readonly page: number;
  readonly limit: number;
  readonly hasNext: boolean;
  readonly hasPrev: boolean;
  /** The cursor that goes on after this page, for lists with cursor keys; there when `hasNext`. */
  readonly next?: string;
}

/** The statement of a page by number, and what turns its rows into the page. */
export interface OffsetQuery<Row> {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly page: number;
  readonly limit: number;
  readonly fieldsId: string;
  finish(rows: readonly DriverRow[]): OffsetPage<Row>;
}

/**
 * Builds the statement of a page by number. Its cost grows with the rows skipped, and rows that
 * come or go on earlier pages shift it: cursors have neither fault.
 * @throws ProblemError 400 `offset-too-deep` beyond the list's `offsetMax`, `unknown-sort`,
 * `unknown-field`
 */
export function offsetQuery<Row>(
  spec: PageSpec<Row>,
  request: OffsetRequest = {},
): OffsetQuery<Row> {
  const limit = clampLimit(request.limit, spec.limit);
  const page = Math.max(1, Math.trunc(numberOf(request.page)) || 1);
  const offset = (page - 1) * limit;
  if (offset > spec.offsetMax) throw tooDeep(spec, limit);
  const { order } = sortNamed(spec.sorts, request.sort ?? spec.sortDefault, spec.sortNames);
  const { columns, id } = selectFields(spec, request.fields);
  const source = { from: spec.from, filter: request.filter };
  const shape = rowShape(columns) as (row: DriverRow) => Row;
  const cursorAfter = (row: DriverRow): { next?: string } => {
    if (spec.cursor === undefined) return {};
    const keys = keysOf(row, order);
    const position = { direction: "forward", keys, inclusive: false } as const;
    return { next: encodeCursor(position, cursorRules(spec, request)) };
  };
  // Of a table a key finds its row; of other SQL it might run the whole of it once more.
  const key =
    spec.table === undefined ? undefined : spec.key.map((name) => spec.columns.get(name)!);
  return {
    text: scanText({ source, columns, order, rowsMax: limit + 1, branches: [], offset, key }),
    values: request.filter?.values ?? [],
    page,
    limit,
    fieldsId: id,
    finish(rows) {
      const hasNext = rows.length > limit;
      const kept = rows.slice(0, limit);
      const next = hasNext ? cursorAfter(kept.at(-1)!) : {};
      return { rows: kept.map(shape), page, limit, hasNext, hasPrev: page > 1, ...next };
    },
  };
}

function tooDeep(spec: PageSpec<unknown>, limit: number): Error {
  const pageMax = Math.floor(spec.offsetMax / limit) + 1;
  return pageProblem(
    "offset-too-deep",
    `Page numbers end at ${pageMax} with ${limit} rows a page. Go on with the cursor of a page.`,
    { pageMax },
  );
}
