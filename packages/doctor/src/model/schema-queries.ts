/** What is read of the target to build its schema again. Written for 14 to 18. */

const USER_SCHEMAS = `n.nspname not in ('pg_catalog', 'information_schema')
  and n.nspname !~ '^pg_(toast|temp_)'`;

/** Objects that an extension has brought come with the extension. */
const notOfExtension = (catalog: string, oid: string): string => `not exists (
  select from pg_catalog.pg_depend e
  where e.classid = 'pg_catalog.${catalog}'::regclass and e.objid = ${oid} and e.deptype = 'e')`;

export const SCHEMAS: string = `
select n.nspname as name from pg_catalog.pg_namespace n where ${USER_SCHEMAS} order by 1 limit 2000`;

/** Collations of users, and those of the operating system that some column has. */
export const COLLATIONS: string = `
select n.nspname as schema, c.collname as name, c.collprovider::text as provider,
  c.collprovider = 'b' or c.collprovider = 'c' and c.collcollate in ('C', 'POSIX') as is_c,
  c.collisdeterministic as deterministic
from pg_catalog.pg_collation c join pg_catalog.pg_namespace n on n.oid = c.collnamespace
where c.collprovider <> 'd' and (${USER_SCHEMAS} or c.oid in (
  select a.attcollation from pg_catalog.pg_attribute a where a.attnum > 0 and not a.attisdropped))
limit 2000`;

export const ENUMS: string = `
select n.nspname as schema, t.typname as name,
  (select json_agg(e.enumlabel order by e.enumsortorder)
    from pg_catalog.pg_enum e where e.enumtypid = t.oid) as labels
from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
where t.typtype = 'e' and ${USER_SCHEMAS} and ${notOfExtension("pg_type", "t.oid")}
limit 5000`;

/** Their checks are left out: they say nothing to the planner. */
export const DOMAINS: string = `
select n.nspname as schema, t.typname as name, format_type(t.typbasetype, t.typtypmod) as type,
  case when t.typcollation <> b.typcollation then cn.nspname end as collation_schema,
  case when t.typcollation <> b.typcollation then co.collname end as collation_name
from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
join pg_catalog.pg_type b on b.oid = t.typbasetype
left join pg_catalog.pg_collation co on co.oid = t.typcollation
left join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
where t.typtype = 'd' and ${USER_SCHEMAS} and ${notOfExtension("pg_type", "t.oid")}
limit 5000`;

export const COMPOSITES: string = `
select n.nspname as schema, t.typname as name,
  (select coalesce(json_agg(json_build_object('name', a.attname,
      'type', format_type(a.atttypid, a.atttypmod)) order by a.attnum), '[]')
    from pg_catalog.pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
from pg_catalog.pg_type t join pg_catalog.pg_class c on c.oid = t.typrelid and c.relkind = 'c'
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
where ${USER_SCHEMAS} and ${notOfExtension("pg_type", "t.oid")}
limit 5000`;

export const RANGES: string = `
select n.nspname as schema, t.typname as name, format_type(r.rngsubtype, null) as subtype,
  case when r.rngsubdiff <> 0 then (select quote_ident(fn.nspname) || '.' || quote_ident(f.proname)
    from pg_catalog.pg_proc f join pg_catalog.pg_namespace fn on fn.oid = f.pronamespace
    where f.oid = r.rngsubdiff) end as difference
from pg_catalog.pg_range r join pg_catalog.pg_type t on t.oid = r.rngtypid
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
where ${USER_SCHEMAS} and ${notOfExtension("pg_type", "t.oid")}
limit 5000`;

/** Functions of languages that the model has, without those that triggers call. */
export const FUNCTIONS: string = `
select pg_get_functiondef(p.oid) as definition
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
where p.prokind = 'f' and l.lanname in ('sql', 'plpgsql')
  and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
  and ${USER_SCHEMAS} and ${notOfExtension("pg_proc", "p.oid")}
order by p.oid limit 5000`;

export const TEXT_SEARCH: string = `
select n.nspname as schema, c.cfgname as name
from pg_catalog.pg_ts_config c join pg_catalog.pg_namespace n on n.oid = c.cfgnamespace
where ${USER_SCHEMAS} and ${notOfExtension("pg_ts_config", "c.oid")} limit 1000`;

/** `$1`: oids of tables; with all that they inherit from, are split into, refer to, or show. */
export const CLOSURE = `
with recursive edges (a, b) as (
  select inhrelid, inhparent from pg_catalog.pg_inherits
  union all select inhparent, inhrelid from pg_catalog.pg_inherits
  union all select r.ev_class, d.refobjid from pg_catalog.pg_rewrite r
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass
      and d.objid = r.oid and d.refclassid = 'pg_catalog.pg_class'::regclass
      and d.refobjid <> r.ev_class
), closed (oid) as (
  select unnest($1::oid[]) union select e.b from closed c join edges e on e.a = c.oid
)
select oid::int8::float8 as oid from closed`;

/** `$1`: oids of tables. */
export const TABLES = `
select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as name, c.relkind::text as kind,
  c.relispartition as partition, am.amname as method,
  pg_get_expr(c.relpartbound, c.oid) as bound,
  case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end as key,
  (select coalesce(json_agg(json_build_array(pn.nspname, p.relname) order by i.inhseqno), '[]')
    from pg_catalog.pg_inherits i join pg_catalog.pg_class p on p.oid = i.inhparent
    join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
    where i.inhrelid = c.oid) as parents,
  (select coalesce(json_agg(json_build_object('name', a.attname,
      'type', format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull and not exists (
        select from pg_catalog.pg_constraint v where v.conrelid = c.oid and v.contype = 'n'
          and not v.convalidated and v.conkey = array[a.attnum]),
      'collation', case when a.attcollation <> t.typcollation
        then json_build_array(cn.nspname, co.collname) end,
      'generated', nullif(a.attgenerated::text, ''),
      'expression', case when a.attgenerated <> '' then pg_get_expr(d.adbin, d.adrelid) end
    ) order by a.attnum), '[]')
    from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_catalog.pg_collation co on co.oid = a.attcollation
    left join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  row_security_active(c.oid) as hidden,
  (select o.option_value::int from pg_catalog.pg_options_to_table(c.reloptions) o
    where o.option_name = 'fillfactor') as fillfactor
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_am am on am.oid = c.relam
where c.oid = any ($1::oid[]) and c.relkind in ('r', 'p', 'm', 'f')
order by c.oid`;

/** `$1`: oids of views; conditions from outside are kept out of those. */
export const BARRIERS = `
select c.oid::int8::float8 as oid from pg_catalog.pg_class c
cross join lateral pg_catalog.pg_options_to_table(c.reloptions) o
where c.oid = any ($1::oid[]) and c.relkind = 'v'
  and o.option_name = 'security_barrier' and o.option_value::boolean`;

/** `$1`: oids of tables. Keys, exclusions and checks; foreign keys come apart, they need the others. */
export const CONSTRAINTS = `
select k.conrelid::int8::float8 as relation, k.conname as name, k.contype::text as type,
  k.conindid::int8::float8 as index, k.confrelid::int8::float8 as references,
  pg_get_constraintdef(k.oid) as definition
from pg_catalog.pg_constraint k
where k.conrelid = any ($1::oid[]) and k.contype in ('p', 'u', 'x', 'c', 'f')
  and (k.contype <> 'f' or k.conparentid = 0) and (k.contype <> 'c' or k.conislocal)
order by k.oid`;

/**
 * `$1`: oids of relations. Sizes are those of the files, which is what the planner looks at; of a
 * relation that is locked against reading, `relpages`.
 */
export function sizesQuery(exact: boolean): string {
  const blocks = exact
    ? `case when l.relation is null
         then pg_relation_size(c.oid) / current_setting('block_size')::int else c.relpages end`
    : "c.relpages";
  return `
with locked as materialized (
  select relation from pg_catalog.pg_locks
  where mode = 'AccessExclusiveLock' and relation is not null
    and database = (select oid from pg_catalog.pg_database where datname = current_database())
)
select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as name,
  c.relpages::float8 as pages, c.reltuples::float8 as rows, c.relallvisible::float8 as visible,
  (case when c.relkind in ('r', 'm', 'i') then ${blocks} else 0 end)::float8 as blocks
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join locked l on l.relation = c.oid
where c.oid = any ($1::oid[])`;
}
