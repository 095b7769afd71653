import type { Sql, Statement } from "../sql.ts";
import { pageError } from "./errors.ts";
import type { DriverRow } from "./page.ts";
import type { PageSpec } from "./page-spec.ts";
import { fromWhere } from "./statement.ts";

/**
 * How many rows a list has, and how far the number can be trusted. `capped`: there are more than
 * `count`; `estimated`: by the planner's statistics, never less than what was counted.
 */
export interface Total {
  readonly kind: "exact" | "capped" | "estimated";
  readonly count: number;
}

/** A total's statement, and what turns its rows into the total. */
export interface TotalQuery extends Statement {
  readonly values: readonly unknown[];
  finish(rows: readonly DriverRow[]): Total;
}

export interface TotalRequest {
  readonly filter?: Sql | undefined;
}

/** Counts exactly up to the list's `countMax`, reading at most one row more; beyond it `capped`. */
export function countQuery(spec: PageSpec<unknown>, { filter }: TotalRequest = {}): TotalQuery {
  const source = fromWhere({ from: spec.from, filter });
  return {
    text: `select count(*)::int4 as "total" from (select 1 ${source} limit ${spec.countMax + 1}) as counted`,
    values: filter?.values ?? [],
    finish(rows) {
      const counted = Number(rows[0]?.["total"]);
      if (!Number.isInteger(counted)) throw rowInvalid();
      return counted > spec.countMax
        ? { kind: "capped", count: spec.countMax }
        : { kind: "exact", count: counted };
    },
  };
}

/**
 * Asks the planner how many rows it expects; reads no table. As good as the statistics are: close
 * after ANALYZE, far off for filters on correlated columns.
 */
export function estimateQuery(spec: PageSpec<unknown>, { filter }: TotalRequest = {}): TotalQuery {
  return {
    text: `explain (format json) select 1 ${fromWhere({ from: spec.from, filter })}`,
    values: filter?.values ?? [],
    finish(rows) {
      const output = rows[0]?.["QUERY PLAN"];
      const plans = (typeof output === "string" ? JSON.parse(output) : output) as
        | readonly { readonly Plan?: { readonly "Plan Rows"?: number } }[]
        | undefined;
      const expected = plans?.[0]?.Plan?.["Plan Rows"];
      if (typeof expected !== "number") throw rowInvalid();
      return { kind: "estimated", count: Math.max(expected, spec.countMax + 1) };
    },
  };
}

const rowInvalid = (): Error =>
  pageError(
    "HST_PAGE_ROW",
    "The rows are not those of the total's statement.",
    "Pass finish() the rows the driver gave for this statement, as objects.",
  );
