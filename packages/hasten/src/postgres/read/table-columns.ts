import type { Core } from "../core.ts";
import { PostgresError } from "../errors.ts";
import { executeOn } from "../execute.ts";
import { quoteQualified } from "../ident.ts";
import type { ColumnType } from "../pages/column-type.ts";
import { sql } from "../sql.ts";

/** One column of a table, as the catalog has it. */
export interface TableColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
}

export interface TableShape {
  readonly columns: readonly TableColumn[];
  /** The columns of the primary key in its order; empty without one. */
  readonly key: readonly string[];
}

interface CatalogColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  readonly inKey: number | null;
}

const TYPES: Readonly<Record<string, ColumnType>> = {
  int2: "int",
  int4: "int",
  int8: "bigint",
  numeric: "numeric",
  float4: "float8",
  float8: "float8",
  text: "text",
  varchar: "text",
  uuid: "uuid",
  bool: "bool",
  date: "date",
  timestamp: "timestamp",
  timestamptz: "timestamptz",
  json: "json",
  jsonb: "json",
};

/**
 * The columns of a table, view or materialised view, and its primary key.
 * @throws HST_PG_SQL when there is none of that name
 */
export async function tableShape(
  core: Core,
  table: readonly string[],
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<TableShape> {
  const { rows } = await executeOn<CatalogColumn>(core, catalogStatement(table), {
    ...options,
    idempotent: true,
  });
  if (rows.length === 0) throw noTable();
  const inKey = rows.filter((row) => row.inKey !== null).sort((a, b) => a.inKey! - b.inKey!);
  return {
    columns: rows.map(({ name, type, notNull }) => ({
      name,
      type: TYPES[type] ?? "other",
      nullable: !notNull,
    })),
    key: inKey.map((row) => row.name),
  };
}

/** A domain counts as what it is made of. */
const catalogStatement = (table: readonly string[]) => sql`
  select a.attname::text as name, a.attnotnull as "notNull",
    case t.typtype when 'd' then (
      with recursive made(oid) as (
        select t.typbasetype
        union all
        select b.typbasetype from pg_catalog.pg_type b join made on b.oid = made.oid
        where b.typtype = 'd')
      select b.typname::text from pg_catalog.pg_type b join made on b.oid = made.oid
      where b.typtype <> 'd')
    else t.typname::text end as type,
    (select k.at::int from pg_catalog.pg_index i
      cross join lateral unnest(i.indkey::int2[]) with ordinality as k(number, at)
      where i.indrelid = a.attrelid and i.indisprimary and k.number = a.attnum) as "inKey"
  from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
  where a.attrelid = pg_catalog.to_regclass(${quoteQualified(table)})
    and a.attnum > 0 and not a.attisdropped
  order by a.attnum`;

const noTable = (): PostgresError =>
  new PostgresError("HST_PG_SQL", {
    message: "There is no table or view of that name in the search path.",
    fix: 'Pass its exact name, as ["schema", "table"] where the search path does not have it.',
  });
