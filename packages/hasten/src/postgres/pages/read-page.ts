import { type PageRequest, pageQuery } from "./keyset.ts";
import { type OffsetPage, type OffsetRequest, offsetQuery } from "./offset.ts";
import type { DriverRow, Page } from "./page.ts";
import type { PageSpec } from "./page-spec.ts";
import { countQuery, estimateQuery, type Total, type TotalRequest } from "./total.ts";

/** What runs a statement: a `pg` pool or client as it is, or two lines around any other driver. */
export interface PageRunner {
  query(text: string, values: unknown[]): Promise<unknown>;
}

/**
 * Reads a page by cursor: one statement, and a small second one only when the row the
 * cursor was taken from has gone or moved since.
 * @throws as {@link pageQuery} does, and what the driver throws
 */
export async function readPage<Row>(
  runner: PageRunner,
  spec: PageSpec<Row>,
  request: PageRequest = {},
): Promise<Page<Row>> {
  const query = pageQuery(spec, request);
  const rows = await rowsOf(runner, query.text, query.values);
  const other = query.otherSide(rows);
  if (other === undefined) return query.finish(rows);
  return query.finish(rows, await rowsOf(runner, other.text, other.values ?? []));
}

/** Reads a page by number in one statement. @throws as {@link offsetQuery} does, and the driver */
export async function readOffsetPage<Row>(
  runner: PageRunner,
  spec: PageSpec<Row>,
  request: OffsetRequest = {},
): Promise<OffsetPage<Row>> {
  const query = offsetQuery(spec, request);
  return query.finish(await rowsOf(runner, query.text, query.values));
}

/**
 * Counts a list: exactly up to its `countMax`; beyond that `capped`, or with
 * `beyond: "estimate"` by the planner's statistics in a second statement.
 */
export async function readTotal(
  runner: PageRunner,
  spec: PageSpec<unknown>,
  request: TotalRequest & { readonly beyond?: "cap" | "estimate" } = {},
): Promise<Total> {
  const count = countQuery(spec, request);
  const total = count.finish(await rowsOf(runner, count.text, count.values));
  if (total.kind === "exact" || request.beyond !== "estimate") return total;
  const estimate = estimateQuery(spec, request);
  return estimate.finish(await rowsOf(runner, estimate.text, estimate.values));
}

async function rowsOf(
  runner: PageRunner,
  text: string,
  values: readonly unknown[],
): Promise<readonly DriverRow[]> {
  const result = await runner.query(text, [...values]);
  const rows = Array.isArray(result) ? result : (result as { readonly rows: unknown }).rows;
  return rows as readonly DriverRow[];
}
