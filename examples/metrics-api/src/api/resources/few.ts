import {
  countQuery,
  type PageRunner,
  type PageSpec,
  readTotal,
  type Sql,
  sql,
} from "hasten/postgres";
import { type ListQuery, sortOf } from "./list-query.ts";
import type { Resource } from "./resource.ts";

/** So many rows are looked up and sorted faster than an index in their order finds them all. */
export const FEW_ROWS_MAX = 5_000;
/** In the planner's units: about as many pages of a table, read one after the other. */
const COUNT_COST_MAX = 8_000;

/**
 * The planner guesses how many rows a filter leaves. Where it guesses far too many (a tag nobody has, filters that
 * exclude each other), it reads an index in page order to its end in search of them: seconds with a million rows.
 * Only one equality filter in the default order is safe, as its index has both.
 */
export function needsCounting(resource: Resource, query: ListQuery): boolean {
  const given = query as Readonly<Record<string, unknown>>;
  const names = Object.keys(resource.filters).filter((name) => given[name] !== undefined);
  if (names.length === 0) return false;
  return names.length > 1 || names.includes("tags") || !sortOf(query).endsWith("updated_at");
}

/** Whether the filter leaves few rows: counted from its own index, one row further at most. */
export async function leavesFew(
  runner: PageRunner,
  spec: PageSpec<unknown>,
  filter: Sql,
): Promise<boolean> {
  const total = await readTotal(runner, { ...spec, countMax: FEW_ROWS_MAX }, { filter });
  return total.kind === "exact";
}

/** Whether a total is cheap to count. Some filters are decided by reading rows, which lie far apart in a large table. */
export async function isCheapToCount(
  runner: PageRunner,
  spec: PageSpec<unknown>,
  filter: Sql,
): Promise<boolean> {
  const { text, values } = countQuery(spec, { filter });
  const rows = (await runner.query(`explain (format json) ${text}`, [...values])) as Explained[];
  return rows[0]!["QUERY PLAN"][0]!.Plan["Total Cost"] <= COUNT_COST_MAX;
}

interface Explained {
  readonly "QUERY PLAN": readonly { readonly Plan: { readonly "Total Cost": number } }[];
}

/** The same rows, found before they are put in order: an array has no place in the order for a plan to start from. */
export const foundFirst = (table: Sql, filter: Sql): Sql =>
  sql`id = any(array(select id from ${table} where ${filter} limit ${FEW_ROWS_MAX}))`;
