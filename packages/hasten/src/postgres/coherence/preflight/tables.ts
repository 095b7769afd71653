import type { Run } from "../direct.ts";

/** One table that rows are kept in, or a partitioned one above them. */
export interface TableFacts {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  /** Partitioned: keeps no rows itself. */
  readonly root: boolean;
  /** UPDATE and DELETE of it may be published. */
  readonly identity: boolean;
  /** A generated column is in its identity: from PostgreSQL 18 on it may not be published so. */
  readonly generatedIdentity: boolean;
  readonly published: boolean;
  /** The publication leaves out some of its rows or columns. */
  readonly filtered: boolean;
  /** The change log's trigger is on it, and enabled always. */
  readonly triggered: boolean;
  /** This role owns it, and so may publish it and put triggers on it. */
  readonly owned: boolean;
}

const TABLES_MAX = 100_000;

const GENERATED_IDENTITY = `(current_setting('server_version_num')::int >= 180000 and exists (
    select from pg_attribute a where a.attrelid = c.oid and a.attgenerated <> '' and not a.attisdropped
      and (c.relreplident = 'f' or exists (select from pg_index i where i.indrelid = c.oid
        and case c.relreplident when 'd' then i.indisprimary else i.indisreplident end and a.attnum = any(i.indkey)))))`;

/** Permanent tables outside the catalogs and hasten's own schema. Views and temporary ones are not published. */
const TABLES = `
select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as table, c.relkind = 'p' as root,
  ${GENERATED_IDENTITY} as "generatedIdentity",
  not ${GENERATED_IDENTITY} and case c.relreplident
    when 'f' then true
    when 'd' then exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary
      and i.indisvalid and i.indimmediate)
    when 'i' then exists (select from pg_index i where i.indrelid = c.oid and i.indisreplident
      and i.indisvalid and i.indimmediate)
    else false
  end as identity,
  p.tablename is not null as published,
  p.tablename is not null and (p.rowfilter is not null or p.narrowed) as filtered,
  exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'hasten_changes'
    and t.tgenabled = 'A') as triggered,
  pg_has_role(c.relowner, 'usage') as owned
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join (
  select schemaname, tablename, rowfilter, cardinality(attnames) < (
      select count(*) from pg_attribute a where a.attrelid = format('%I.%I', schemaname, tablename)::regclass
        and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as narrowed
  from pg_publication_tables where pubname = $1
) p on p.schemaname = n.nspname and p.tablename = c.relname
where c.relkind in ('r', 'p') and c.relpersistence = 'p'
  and n.nspname not in ('pg_catalog', 'information_schema', 'hasten') and n.nspname !~ '^pg_'
order by n.nspname, c.relname limit ${TABLES_MAX}`;

/** Before PostgreSQL 15 publications had neither row filters nor column lists. */
const TABLES_14 = TABLES.replace("p.rowfilter is not null or p.narrowed", "false").replace(
  /rowfilter, cardinality[\s\S]*? as narrowed/,
  "null",
);

export async function readTables(run: Run, publication: string): Promise<readonly TableFacts[]> {
  const [version] = await run("select current_setting('server_version_num')::int as number");
  const text = Number(version?.["number"]) >= 150_000 ? TABLES : TABLES_14;
  return (await run(text, [publication])) as unknown as readonly TableFacts[];
}

/** `schema.table` as PostgreSQL would write it in a report. */
export const nameOf = ({ schema, table }: TableFacts): string => `${schema}.${table}`;
