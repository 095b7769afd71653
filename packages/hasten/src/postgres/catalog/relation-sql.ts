/**
 * What the catalog says about one relation, and a signature that changes when any of it does.
 *
 * Invariant: the signature and the facts come from one statement, so one snapshot. It is made of the
 * versions (xmin) of the catalog's rows: whatever DDL changes a row gives it another one, while
 * VACUUM and ANALYZE write theirs in place.
 */
import type { Coverage } from "./run.ts";
import { someLookedUp, typeParts } from "./type-sql.ts";

/** The trigger that the change log is filled by, where there is no replication. */
export const CHANGE_TRIGGER = "hasten_changes";

/** What a view's query names: its text is another one when they are renamed, and it stays the same. */
const VIEWED = `case when c.relkind = 'v' then (
  select string_agg(v.part, ',' order by v.part) from pg_rewrite r
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid cross join lateral (
    select k.oid || ':' || k.xmin || n.nspname || coalesce((
      select a.xmin::text from pg_attribute a where a.attrelid = k.oid and a.attnum = d.refobjsubid and a.attnum > 0), '')
    from pg_class k join pg_namespace n on n.oid = k.relnamespace where d.refclassid = 'pg_class'::regclass and k.oid = d.refobjid
    union all select f.oid || ':' || f.xmin || n.nspname from pg_proc f join pg_namespace n on n.oid = f.pronamespace
      where d.refclassid = 'pg_proc'::regclass and f.oid = d.refobjid
    union all select t.oid || ':' || t.xmin || n.nspname from pg_type t join pg_namespace n on n.oid = t.typnamespace
      where d.refclassid = 'pg_type'::regclass and t.oid = d.refobjid
    union all select o.oid || ':' || o.xmin || n.nspname from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
      where d.refclassid = 'pg_operator'::regclass and o.oid = d.refobjid
  ) v(part) where r.ev_class = c.oid) end`;

/** Versions of rows that belong to relation `c`, each a text. */
const PARTS = [
  "c.xmin::text",
  "(select n.nspname::text from pg_namespace n where n.oid = c.relnamespace)",
  "(select string_agg(a.xmin::text, ',' order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0)",
  "(select string_agg(i.indexrelid || ':' || i.xmin, ',' order by i.indexrelid) from pg_index i where i.indrelid = c.oid and (i.indisprimary or i.indisreplident))",
  "(select string_agg(r.oid || ':' || r.xmin, ',' order by r.oid) from pg_rewrite r where r.ev_class = c.oid)",
  "(select string_agg(h.inhrelid || ':' || h.xmin || h.inhdetachpending, ',' order by h.inhrelid) from pg_inherits h where h.inhparent = c.oid)",
  "(select string_agg(h.inhparent || ':' || h.xmin, ',' order by h.inhparent) from pg_inherits h where h.inhrelid = c.oid)",
  "(select string_agg(p.oid || ':' || p.xmin, ',' order by p.oid) from pg_policy p where p.polrelid = c.oid)",
  "(select string_agg(t.oid || ':' || t.xmin, ',' order by t.oid) from pg_trigger t where t.tgrelid = c.oid)",
  typeParts(
    "select a.atttypid from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and a.atttypid >= 16384",
  ),
  VIEWED,
  // A label in a view's condition is written as it is called now.
  typeParts(`select d.refobjid from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
    where c.relkind = 'v' and r.ev_class = c.oid and d.refclassid = 'pg_type'::regclass`),
];

const always = (): string => "true";

/** Whether changes of relation `c` reach us, by the rows that `counts`; `$1` is the publication's name. */
function coveredSql(coverage: Coverage, counts: (row: string) => string = always): string {
  switch (coverage.kind) {
    case "any":
      return "($1::text is null or true)";
    case "publication":
      return `exists (
        select from pg_publication p
        where p.pubname = $1 and ${counts("p")} and p.pubinsert and p.pubupdate and p.pubdelete and p.pubtruncate and not p.pubviaroot
        and (p.puballtables
          or exists (select from pg_publication_namespace s where s.pnpubid = p.oid and ${counts("s")} and s.pnnspid in (
            select q.relnamespace from pg_class q where q.oid = c.oid or q.oid in (select relid from pg_partition_ancestors(c.oid))))
          or exists (select from pg_publication_rel r where r.prpubid = p.oid and ${counts("r")} and (r.prrelid = c.oid or r.prrelid in (select relid from pg_partition_ancestors(c.oid)))))
        and not exists (select from pg_publication_rel r where r.prpubid = p.oid and (r.prqual is not null or r.prattrs is not null)
          and (r.prrelid = c.oid or r.prrelid in (select relid from pg_partition_ancestors(c.oid)))))`;
    case "triggers":
      return `($1::text is null and exists (
        select from pg_trigger t where t.tgrelid = c.oid and t.tgname = '${CHANGE_TRIGGER}' and t.tgenabled = 'A'))`;
    default:
      return coverage satisfies never;
  }
}

/** Of the whole publication, looked at once for all relations; triggers are among each one's parts. */
export const PUBLICATION = `(select p.xmin || '/' || coalesce((
    select string_agg(r.oid || ':' || r.xmin, ',' order by r.oid) from pg_publication_rel r where r.prpubid = p.oid), '')
  || '/' || coalesce((
    select string_agg(s.oid || ':' || s.xmin, ',' order by s.oid) from pg_publication_namespace s where s.pnpubid = p.oid), '')
  from pg_publication p where p.pubname = $1::text)`;

/** An expression: the signature of relation `c`. */
export function signatureSql(): string {
  return `md5(array[${PARTS.join(",\n")}, ${PUBLICATION}]::text)`;
}

/** Rows older than transaction `$4`, where there is one. */
const settled = (row: string): string =>
  `($4::text is null or age(${row}.xmin) > age($4::text::xid))`;

/** Whether any of its rows is newer than transaction `$3`; what cannot be told is. */
const RECENT = `$3::text is null or (
  select min(age(v.xmin)) <= age($3::text::xid) from (
    select c.xmin union all
    select a.xmin from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 union all
    select r.xmin from pg_rewrite r where r.ev_class = c.oid union all
    select h.xmin from pg_inherits h where h.inhrelid = c.oid or h.inhparent = c.oid union all
    select p.xmin from pg_policy p where p.polrelid = c.oid
  ) v)`;

/** Whether both the old and the new row of a change tell column `a` of relation `c`. */
export const IDENTITY = `(a.attgenerated = '' and case c.relreplident
  when 'f' then true
  when 'n' then false
  else exists (select from pg_index i where i.indrelid = c.oid
    and (case when c.relreplident = 'd' then i.indisprimary else i.indisreplident end)
    and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1])) end)`;

const COLUMNS = `(
  select coalesce(json_agg(json_build_object(
    'name', a.attname,
    'type', case when t.typtype = 'e' then 'enum' when t.typnamespace = 11 then t.typname else '' end,
    'deterministic', coalesce((select o.collisdeterministic from pg_collation o where o.oid = a.attcollation), true),
    'enumName', case when t.typtype = 'e' then t.typname end,
    'looksUp', ${someLookedUp("select t.oid")},
    'identity', ${IDENTITY}
  ) order by a.attnum), '[]'::json)
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`;

/** The oid, once every name in a text that is made of it is written with its schema. */
const QUALIFIED =
  "case when set_config('search_path', 'pg_catalog', true) is not null then c.oid end";

/** Facts of the relations in `$2` (an array's text): one JSON text each. */
export function relationsSql(coverage: Coverage): string {
  return `
select json_build_object(
  'oid', c.oid::int8,
  'signature', ${signatureSql()},
  'recent', ${RECENT},
  'schema', n.nspname,
  'name', c.relname,
  'kind', c.relkind,
  'persistence', c.relpersistence,
  'rowSecurity', c.relrowsecurity,
  'forced', c.relforcerowsecurity,
  'owner', pg_get_userbyid(c.relowner),
  'covered', ${coveredSql(coverage)},
  'settled', ($4::text is null) or ${coveredSql(coverage, settled)},
  'columns', ${COLUMNS},
  'parents', (select coalesce(json_agg(h.inhparent::int8), '[]'::json) from pg_inherits h where h.inhrelid = c.oid),
  'children', (select coalesce(json_agg(h.inhrelid::int8), '[]'::json) from pg_inherits h where h.inhparent = c.oid),
  'referencing', (select coalesce(json_agg(distinct f.conrelid::int8), '[]'::json) from pg_constraint f
    where f.contype = 'f' and f.confrelid = c.oid and (f.confdeltype in ('c','n','d') or f.confupdtype in ('c','n','d'))),
  'referencedBy', (select coalesce(json_agg(distinct f.conrelid::int8), '[]'::json) from pg_constraint f
    where f.contype = 'f' and f.confrelid = c.oid),
  'firesMore', exists (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal and t.tgname <> '${CHANGE_TRIGGER}')
    or (c.relkind <> 'v' and c.relkind <> 'm' and c.relhasrules)
    or exists (select from pg_depend d join pg_proc f on f.oid = d.refobjid
      where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_proc'::regclass and f.provolatile = 'v' and f.oid >= 16384
      and d.objid in (select x.oid from pg_attrdef x where x.adrelid = c.oid)),
  'definition', case when c.relkind = 'v' then pg_get_viewdef(${QUALIFIED}) end
)::text as row
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = any($2::text::oid[])`;
}
