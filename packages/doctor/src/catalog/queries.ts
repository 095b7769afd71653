/** What is asked of the target's catalogs. Written for 14 to 18: a column that came later is guarded. */

/** Tables and their like outside the system's schemas; temporary ones are other sessions'. */
const OURS = `c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast'`;

/**
 * Relations whose size or definition cannot be asked for without waiting. A lock taken in between
 * ends the statement by the session's lock time-out; the caller then asks again without sizes.
 */
const LOCKED = `locked as materialized (
  select relation from pg_catalog.pg_locks
  where mode = 'AccessExclusiveLock' and relation is not null
    and database = (select oid from pg_catalog.pg_database where datname = current_database())
)`;

/**
 * Tables that another session holds, or waits for, in ACCESS EXCLUSIVE mode, and all that cannot be
 * looked at without them: the rest of a partition tree, views. What PostgreSQL writes out of them (an
 * index, a view, a check) would wait.
 */
export const LOCKED_RELATIONS: string = `
with recursive ${LOCKED}, edges (a, b) as (
  select inhrelid, inhparent from pg_catalog.pg_inherits
  union all select inhparent, inhrelid from pg_catalog.pg_inherits
  union all select d.refobjid, r.ev_class from pg_catalog.pg_rewrite r
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass
      and d.objid = r.oid and d.refclassid = 'pg_catalog.pg_class'::regclass
), closed (oid) as (
  select relation from locked union select e.b from closed c join edges e on e.a = c.oid
)
select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as name,
  c.oid in (select relation from locked) as direct
from closed join pg_catalog.pg_class c on c.oid = closed.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and ${OURS}
order by n.nspname, c.relname`;

export const SETTINGS = `
select name, current_setting(name) as setting from pg_catalog.pg_settings
where category like 'Query Tuning%'
  or name in ('work_mem', 'hash_mem_multiplier', 'max_parallel_workers_per_gather', 'TimeZone',
    'DateStyle', 'IntervalStyle', 'default_text_search_config', 'block_size', 'server_encoding')
  or name like 'jit%'`;

export const EXTENSIONS = `
select e.extname as name, e.extversion as version, n.nspname as schema
from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace`;

export const AVAILABLE = "select name::text as name from pg_catalog.pg_available_extensions";

/** The version decides which columns tell the provider. */
export function databaseQuery(versionNum: number): string {
  const isC =
    versionNum >= 150000
      ? `case d.datlocprovider when 'b' then true when 'c' then d.datcollate in ('C', 'POSIX')
           else false end`
      : "d.datcollate in ('C', 'POSIX')";
  return `
select ${isC} as collation_is_c,
  (extract(epoch from now() - s.stats_reset) * 1000)::float8 as counters_ms
from pg_catalog.pg_database d
left join pg_catalog.pg_stat_database s on s.datid = d.oid
where d.datname = current_database()`;
}

/** `$1`: most relations read; the largest are kept. */
export const RELATIONS: string = `
select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as name, c.relkind::text as kind,
  c.relispartition as partition, c.relpages::float8 as pages, c.reltuples::float8 as rows,
  c.relallvisible::float8 as all_visible,
  (select option_value::int from pg_catalog.pg_options_to_table(c.reloptions)
    where option_name = 'fillfactor') as fillfactor,
  has_table_privilege(c.oid, 'SELECT') and has_schema_privilege(n.oid, 'USAGE') as readable,
  coalesce((select array_agg(i.inhparent::int8::float8 order by i.inhseqno)
    from pg_catalog.pg_inherits i where i.inhrelid = c.oid), '{}') as parents,
  coalesce(s.seq_scan, 0)::float8 as seq_scan, coalesce(s.seq_tup_read, 0)::float8 as seq_read,
  coalesce(s.idx_scan, 0)::float8 as idx_scan, coalesce(s.n_tup_ins, 0)::float8 as inserted,
  coalesce(s.n_tup_upd, 0)::float8 as updated, coalesce(s.n_tup_hot_upd, 0)::float8 as hot,
  coalesce(s.n_tup_del, 0)::float8 as deleted, coalesce(s.n_live_tup, 0)::float8 as live,
  coalesce(s.n_dead_tup, 0)::float8 as dead, count(*) over ()::float8 as total
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_stat_all_tables s on s.relid = c.oid
where c.relkind in ('r', 'p', 'v', 'm', 'f') and ${OURS}
order by c.relpages desc, c.oid
limit $1`;

/** `$1`: oids of the relations. */
export const COLUMNS = `
with recursive base (oid, base) as (
  select t.oid, t.oid from pg_catalog.pg_type t where t.typtype <> 'd'
  union all
  select d.oid, b.base from base b join pg_catalog.pg_type d
    on d.typbasetype = b.oid and d.typtype = 'd'
)
select a.attrelid::int8::float8 as relation, a.attnum::int as number, a.attname as name,
  format_type(a.atttypid, a.atttypmod) as type, bt.typname as base, bt.typcategory::text as category,
  a.attnotnull as not_null,
  case when a.attcollation <> t.typcollation then cn.nspname end as collation_schema,
  case when a.attcollation <> t.typcollation then co.collname end as collation_name,
  coalesce(co.collprovider = 'b'
    or co.collprovider = 'c' and co.collcollate in ('C', 'POSIX'), false) as collation_is_c
from pg_catalog.pg_attribute a
join pg_catalog.pg_type t on t.oid = a.atttypid
left join base b on b.oid = a.atttypid
left join pg_catalog.pg_type bt on bt.oid = b.base
left join pg_catalog.pg_collation co on co.oid = a.attcollation
left join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
where a.attnum > 0 and not a.attisdropped and a.attrelid = any ($1::oid[])
order by a.attrelid, a.attnum`;

/** Nothing of it is a value: shares, widths and counts only. */
export const NUMBERS = `
select s.schemaname as schema, s.tablename as table, s.attname as column, s.inherited,
  s.null_frac::float8 as null_share, s.avg_width::float8 as width, s.n_distinct::float8 as distinct,
  s.correlation::float8 as correlation, s.most_common_freqs[1]::float8 as top_share
from pg_catalog.pg_stats s
where s.schemaname not in ('pg_catalog', 'information_schema')`;

/** `$1`: oids of the relations; `sizes` false where a lock stands in the way of asking for them. */
export function indexesQuery(versionNum: number, sizes: boolean): string {
  const bytes = sizes
    ? `case when l.relation is null then pg_relation_size(c.oid)
        else c.relpages * current_setting('block_size')::int8 end`
    : "c.relpages * current_setting('block_size')::int8";
  const lastScan =
    versionNum >= 160000
      ? "(extract(epoch from now() - s.last_idx_scan) * 1000)::float8"
      : "null::float8";
  return `
with ${LOCKED}
select i.indrelid::int8::float8 as relation, c.oid::int8::float8 as oid, c.relname as name,
  am.amname as method, i.indisunique as unique, i.indisprimary as primary, i.indisvalid as valid,
  i.indisexclusion as exclusion, i.indisreplident as replident, k.conname as constraint,
  pg_get_expr(i.indpred, i.indrelid) as predicate, pg_get_indexdef(c.oid) as definition,
  c.relpages::float8 as pages, c.reltuples::float8 as rows, (${bytes})::float8 as bytes,
  coalesce(s.idx_scan, 0)::float8 as scans, ${lastScan} as last_scan,
  h.inhparent::int8::float8 as parent,
  (select json_agg(json_build_object('column', a.attname,
      'expression', case when p.attnum = 0 then pg_get_indexdef(c.oid, p.at::int, false) end,
      'option', i.indoption[p.at - 1], 'opclass', o.opcname, 'default', o.opcdefault) order by p.at)
    from unnest(i.indkey) with ordinality p (attnum, at)
    left join pg_catalog.pg_attribute a
      on a.attrelid = i.indrelid and a.attnum = p.attnum and p.attnum <> 0
    left join pg_catalog.pg_opclass o on o.oid = i.indclass[p.at - 1]
    where p.at <= i.indnkeyatts) as keys,
  (select coalesce(json_agg(a.attname order by p.at), '[]')
    from unnest(i.indkey) with ordinality p (attnum, at)
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = p.attnum
    where p.at > i.indnkeyatts) as include
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_am am on am.oid = c.relam
left join pg_catalog.pg_inherits h on h.inhrelid = c.oid
left join pg_catalog.pg_constraint k on k.conindid = c.oid and k.contype in ('p', 'u', 'x')
left join pg_catalog.pg_stat_all_indexes s on s.indexrelid = c.oid
left join locked l on l.relation = c.oid
where i.indrelid = any ($1::oid[]) and i.indislive
order by c.oid`;
}

/** `$1`: oids. Of the copies that partitioning makes, those of other tables are kept. */
export const FOREIGN_KEYS = `
select k.conrelid::int8::float8 as relation, k.conname as name,
  k.confrelid::int8::float8 as references, k.convalidated as validated,
  (select json_agg(a.attname order by p.at) from unnest(k.conkey) with ordinality p (attnum, at)
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = p.attnum) as columns,
  (select json_agg(a.attname order by p.at) from unnest(k.confkey) with ordinality p (attnum, at)
    join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = p.attnum)
    as referenced
from pg_catalog.pg_constraint k
left join pg_catalog.pg_constraint above on above.oid = k.conparentid
where k.contype = 'f' and k.conrelid = any ($1::oid[])
  and above.conrelid is distinct from k.conrelid
order by k.conrelid, k.conname`;

/** `$1`: oids; `$2`: longest text that is of use. */
export const VIEWS: string = `
with ${LOCKED}
select v.oid, case when length(v.text) <= $2 then v.text end as text
from (
  select c.oid::int8::float8 as oid, pg_get_viewdef(c.oid) as text
  from pg_catalog.pg_class c left join locked l on l.relation = c.oid
  where c.relkind in ('v', 'm') and l.relation is null and c.oid = any ($1::oid[])
) v`;
