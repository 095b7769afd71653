/** What a bulk write needs to know of its table, read from the catalog of the same connection. */
import { PostgresError } from "../errors.ts";
import { quoteIdentifier, quoteQualified } from "../ident.ts";
import type { Statement } from "../sql.ts";
import type { ValueType } from "./value-text.ts";

export interface Column extends ValueType {
  readonly name: string;
  /** Of the declared type without its modifier, quoted and qualified where needed: usable in a cast. */
  readonly castType: string;
  /** The base type behind domains, likewise. */
  readonly baseType: string;
  /** With its modifier, numeric(10,2); undefined where an explicit cast would cut instead of refuse. */
  readonly roundedType: string | undefined;
  readonly notNull: boolean;
  /** A row type: unnest would make several columns of it. */
  readonly composite: boolean;
  readonly domain: boolean;
  /** Where it is not the type's own: what is equal, and what comes first, is decided by it. Quoted. */
  readonly collation: string | undefined;
  readonly generated: "computed" | "always" | "no";
}

export interface UniqueIndex {
  readonly columns: readonly string[];
  readonly constraint: string | undefined;
  readonly primary: boolean;
  /** The condition of a partial index. */
  readonly predicate: string | undefined;
  /** Columns of the key and the condition. */
  readonly uses: readonly string[];
  /** NULLS NOT DISTINCT. */
  readonly nullsEqual: boolean;
}

export interface Table {
  /** Quoted. */
  readonly sql: string;
  readonly columns: ReadonlyMap<string, Column>;
  readonly unique: readonly UniqueIndex[];
  /** How a row that was inserted is told from one that was updated. */
  readonly tellsInserted: "xmax" | "old" | "no";
  /** Its policies hold for this role: COPY cannot write to it. */
  readonly rowSecurity: boolean;
  /** This role may lock its rows, which takes the UPDATE privilege. */
  readonly lockable: boolean;
  /** The planner's estimate; 0 when never analysed. */
  readonly estimatedRows: number;
}

const CATALOG_SQL = `
with recursive rel as (
  select c.oid, c.relkind, greatest(c.reltuples, 0)::float8 as tuples
  from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass($1)
), columns as (
  select a.attnum, a.attname, a.attgenerated, a.attidentity, a.atttypid as declared, a.atttypmod, a.attnotnull, a.attcollation
  from pg_catalog.pg_attribute a, rel
  where a.attrelid = rel.oid and a.attnum > 0 and not a.attisdropped
), bases(root, oid) as (
  select distinct declared, declared from columns
  union all
  select b.root, t.typbasetype from bases b join pg_catalog.pg_type t on t.oid = b.oid
  where t.typtype = 'd'
), base as (
  select b.root, t.* from bases b join pg_catalog.pg_type t on t.oid = b.oid where t.typtype <> 'd'
), elements(root, oid) as (
  select root, typelem from base where typcategory = 'A' and typelem <> 0
  union all
  select e.root, t.typbasetype from elements e join pg_catalog.pg_type t on t.oid = e.oid
  where t.typtype = 'd'
)
select rel.relkind, rel.tuples, pg_catalog.row_security_active(rel.oid) as "rowSecurity",
  pg_catalog.has_any_column_privilege(rel.oid, 'UPDATE') as lockable,
  pg_catalog.current_setting('server_version_num')::int as version,
  (select pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', k.attname, 'generated', k.attgenerated, 'identity', k.attidentity,
      'castType', pg_catalog.format_type(k.declared, -1),
      'baseType', pg_catalog.format_type(b.oid, -1), 'oid', b.oid::int8,
      'fullType', pg_catalog.format_type(k.declared, k.atttypmod), 'notNull', k.attnotnull,
      'composite', b.typtype = 'c', 'domain', b.oid <> k.declared,
      'collation', (select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(l.collname)
        from pg_catalog.pg_collation l join pg_catalog.pg_namespace n on n.oid = l.collnamespace
        where l.oid = k.attcollation and l.oid <> b.typcollation),
      'element', e.oid::int8, 'delimiter', e.typdelim) order by k.attnum)
    from columns k join base b on b.root = k.declared
    left join (select e.root, t.oid, t.typdelim from elements e
      join pg_catalog.pg_type t on t.oid = e.oid where t.typtype <> 'd') e on e.root = k.declared
  ) as columns,
  (select pg_catalog.json_agg(pg_catalog.json_build_object(
      'columns', (select pg_catalog.json_agg(a.attname order by p.at)
        from pg_catalog.unnest(i.indkey::int2[]) with ordinality p(attnum, at)
        left join pg_catalog.pg_attribute a on a.attrelid = rel.oid and a.attnum = p.attnum
        where p.at <= i.indnkeyatts),
      'constraint', (select n.conname from pg_catalog.pg_constraint n
        where n.conindid = i.indexrelid and n.conrelid = rel.oid and n.contype in ('p', 'u') limit 1),
      'primary', i.indisprimary,
      'predicate', pg_catalog.pg_get_expr(i.indpred, i.indrelid),
      'uses', (select pg_catalog.json_agg(distinct a.attname) from pg_catalog.pg_depend d
        join pg_catalog.pg_attribute a on a.attrelid = rel.oid and a.attnum = d.refobjsubid
        where i.indpred is not null and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
          and d.objid = i.indexrelid and d.refclassid = d.classid and d.refobjid = rel.oid),
      'nullsEqual', coalesce(pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct', '') = 'true'))
    from pg_catalog.pg_index i
    where i.indrelid = rel.oid and i.indisunique and i.indimmediate and i.indisvalid
  ) as unique
from rel`;

export const catalogOf = (table: string | readonly string[]): Statement => ({
  text: CATALOG_SQL,
  values: [quotedTable(table)],
});

export const quotedTable = (table: string | readonly string[]): string =>
  typeof table === "string" ? quoteIdentifier(table) : quoteQualified(table);

interface CatalogRow {
  readonly relkind: string;
  readonly version: number;
  readonly rowSecurity: boolean;
  readonly lockable: boolean;
  readonly tuples: number;
  readonly columns: readonly CatalogColumn[] | null;
  readonly unique:
    | readonly {
        readonly columns: readonly (string | null)[];
        readonly constraint: string | null;
        readonly primary: boolean;
        readonly predicate: string | null;
        readonly uses: readonly string[] | null;
        readonly nullsEqual: boolean;
      }[]
    | null;
}

interface CatalogColumn {
  readonly name: string;
  readonly generated: string;
  readonly identity: string;
  readonly castType: string;
  readonly baseType: string;
  readonly fullType: string;
  readonly notNull: boolean;
  readonly composite: boolean;
  readonly domain: boolean;
  readonly collation: string | null;
  readonly oid: number;
  readonly element: number | null;
  readonly delimiter: string | null;
}

/** @throws HST_PG_BULK when there is no such table, or it is none that rows can be copied to. */
export function tableOf(table: string | readonly string[], answer: unknown): Table {
  const row = answer as CatalogRow | undefined;
  const sql = quotedTable(table);
  if (row === undefined)
    throw bulkRefused(
      `There is no table ${sql}.`,
      'Name the schema apart: bulk(["sales", "orders"]).',
    );
  if (row.relkind !== "r" && row.relkind !== "p")
    throw bulkRefused(`${sql} is no table.`, "Write to the table behind the view.");
  const columns = new Map((row.columns ?? []).map((one) => [one.name, columnOf(one)]));
  const unique = (row.unique ?? []).flatMap((index) =>
    index.columns.every((name) => name !== null)
      ? [
          {
            columns: index.columns as readonly string[],
            constraint: index.constraint ?? undefined,
            primary: index.primary,
            predicate: index.predicate ?? undefined,
            uses: index.uses ?? [],
            nullsEqual: index.nullsEqual,
          },
        ]
      : [],
  );
  // Through a partitioned table's root xmax cannot be read; OLD came with PostgreSQL 18.
  const tellsInserted = row.relkind === "r" ? "xmax" : row.version >= 180_000 ? "old" : "no";
  const { rowSecurity, lockable, tuples: estimatedRows } = row;
  return { sql, columns, unique, tellsInserted, rowSecurity, lockable, estimatedRows };
}

/** Assigning to these rounds, as an explicit cast does: numeric, and what has a time of day. */
const ROUNDED: ReadonlySet<number> = new Set([1083, 1114, 1184, 1186, 1266, 1700]);

function columnOf(one: CatalogColumn): Column {
  const element =
    one.element === null
      ? undefined
      : { oid: Number(one.element), delimiter: one.delimiter ?? "," };
  return {
    name: one.name,
    castType: one.castType,
    baseType: one.baseType,
    oid: Number(one.oid),
    element,
    roundedType: ROUNDED.has(Number(one.oid)) ? one.fullType : undefined,
    notNull: one.notNull,
    composite: one.composite,
    domain: one.domain,
    collation: one.collation ?? undefined,
    generated: one.generated !== "" ? "computed" : one.identity === "a" ? "always" : "no",
  };
}

export const bulkRefused = (message: string, fix: string): PostgresError =>
  new PostgresError("HST_PG_BULK", { message, fix });
