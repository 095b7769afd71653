import type { PlanContext, RelationFacts } from "./types.ts";

/** Runs one statement with parameters: `Target.rows`, or a client's query. */
export type Rows = <Row extends object>(
  text: string,
  values: readonly unknown[],
) => Promise<readonly Row[]>;

/** A table by its names in a plan; without `VERBOSE` a plan tells no schema. */
export interface RelationName {
  readonly schema: string | undefined;
  readonly name: string;
}

export interface NamedFacts extends RelationFacts {
  readonly schema: string;
  readonly name: string;
}

/** Tables of one plan looked up at most; a plan over more partitions is judged by the first. */
export const RELATIONS_MAX = 500;

/**
 * A partition has the key of all its ancestors. A table that was never analysed has no row count in
 * the catalog, so the counter stands in.
 */
const FACTS = `
select n.nspname as schema, c.relname as name,
  case when c.reltuples < 0 then coalesce(s.n_live_tup, 0) else c.reltuples end::float8 as rows,
  coalesce(s.n_mod_since_analyze, 0)::float8 as "modifiedSinceAnalyze",
  coalesce(s.last_analyze, s.last_autoanalyze) is not null as analyzed,
  (select array_agg(distinct a.attname::text)
     from pg_catalog.pg_partition_ancestors(c.oid) as up(relid)
     join pg_catalog.pg_partitioned_table p on p.partrelid = up.relid
     cross join unnest(p.partattrs::int2[]) as key(attnum)
     join pg_catalog.pg_attribute a on a.attrelid = up.relid and a.attnum = key.attnum
  ) as "partitionKey",
  coalesce((select array_agg(distinct a.attname::text)
     from pg_catalog.pg_index i
     join pg_catalog.pg_class x on x.oid = i.indexrelid
     join pg_catalog.pg_am m on m.oid = x.relam and m.amname = 'btree'
     join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
     where i.indrelid = c.oid and i.indisvalid), '{}') as "indexedColumns",
  (select jsonb_object_agg(a.attname, t.typname)
     from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as "columnTypes"
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_stat_all_tables s on s.relid = c.oid
join unnest($1::text[], $2::text[]) as wanted(schema, name)
  on wanted.name = c.relname and (wanted.schema is null or wanted.schema = n.nspname)
where c.relkind in ('r', 'p', 'm') and n.nspname !~ '^pg_(catalog|toast)'
order by pg_catalog.pg_table_is_visible(c.oid) desc, n.nspname = 'public' desc, n.nspname
limit ${2 * RELATIONS_MAX}`;

interface FactsRow extends Omit<NamedFacts, "partitionKey"> {
  readonly partitionKey: readonly string[] | null;
}

/** What the catalog knows of these tables; one statement, names and numbers only. */
export async function readFacts(
  rows: Rows,
  wanted: readonly RelationName[],
): Promise<readonly NamedFacts[]> {
  const asked = wanted.slice(0, RELATIONS_MAX);
  if (asked.length === 0) return [];
  const found = await rows<FactsRow>(FACTS, [
    asked.map((relation) => relation.schema ?? null),
    asked.map((relation) => relation.name),
  ]);
  return found.map((row) => ({ ...row, partitionKey: row.partitionKey ?? undefined }));
}

/** What the rules ask: a name without a schema is the first table of that name. */
export function contextOf(major: number | undefined, facts: readonly NamedFacts[]): PlanContext {
  const relation = (schema: string | undefined, name: string): NamedFacts | undefined =>
    facts.find((it) => it.name === name && (schema === undefined || it.schema === schema));
  return { major, relation };
}
