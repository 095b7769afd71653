/** Objects below this are PostgreSQL's own. */
const FIRST_OWN_OID = 16_384;

/**
 * Extensions whose functions, when not volatile, read nothing but their arguments. Others may run a
 * text as SQL (tablefunc, xml2) or reach files and network.
 */
const EXTENSIONS = [
  "btree_gin",
  "btree_gist",
  "citext",
  "cube",
  "earthdistance",
  "fuzzystrmatch",
  "hstore",
  "intarray",
  "isn",
  "ltree",
  "pg_trgm",
  "pgcrypto",
  "postgis",
  "seg",
  "unaccent",
  "uuid-ossp",
  "vector",
];

const LIST = EXTENSIONS.map((name) => `'${name}'`).join(", ");

/** Of an extension in the list, made by a superuser's script. */
const ofExtension = (catalog: string, oid: string, owner: string): string => `(exists (
  select from pg_depend d join pg_extension e on e.oid = d.refobjid
  where d.classid = '${catalog}'::regclass and d.objid = ${oid} and d.deptype = 'e'
    and d.refclassid = 'pg_extension'::regclass and e.extname in (${LIST}))
  and exists (select from pg_roles where oid = ${owner} and rolsuper))`;

const trusted = (p: string): string =>
  `((${p}.oid < ${FIRST_OWN_OID} or ${ofExtension("pg_proc", `${p}.oid`, `${p}.proowner`)})
  and ${p}.prolang in (select oid from pg_language where lanname in ('internal', 'c', 'sql')))`;

const WANTED = "unnest($1::text[], $2::text[]) as w(schema, name)";
const onPath = (oid: string): string =>
  `exists (select from pg_namespace n where n.oid = ${oid}
    and case when w.schema is null then n.nspname = any($3::text[]) else n.nspname = w.schema end)`;

/** array_in, domain_in and their like read a value of any type that an argument names. */
const FACTS = `p.provolatile as volatility, ${trusted("p")} as trusted,
  ('cstring'::regtype = any(p.proargtypes::oid[]) or 'internal'::regtype = any(p.proargtypes::oid[]))
    as "takesText"`;

export const FUNCTIONS: string = `select w.name, ${FACTS} from ${WANTED}
  join pg_proc p on p.proname = w.name where ${onPath("p.pronamespace")}`;

export const OPERATORS: string = `select w.name, ${FACTS} from ${WANTED}
  join pg_operator o on o.oprname = w.name join pg_proc p on p.oid = o.oprcode
  where ${onPath("o.oprnamespace")}`;

export const ATTRIBUTES: string = `select p.proname::text as name, ${FACTS} from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  where p.proname = any($1::text[]) and n.nspname = any($2::text[])
    and p.pronargs >= 1 and p.pronargs - p.pronargdefaults <= 1
    and ($3::bool or exists (select from pg_type t
      where t.oid = p.proargtypes[0] and t.typtype in ('c', 'd', 'p')))`;

export const TYPES: string = `select t.typname::text as name, t.oid::int8::float8 as oid,
    t.typtype as kind,
    t.oid < ${FIRST_OWN_OID} or ${ofExtension("pg_type", "t.oid", "t.typowner")} as trusted,
    array_to_json(array(
      select x::int8::float8 from unnest(array[t.typelem, t.typbasetype] || coalesce(r.parts, '{}')
        || array(select a.atttypid from pg_attribute a
          where a.attrelid = t.typrelid and t.typrelid <> 0 and a.attnum > 0 and not a.attisdropped
          limit 1600)) x
      where x >= ${FIRST_OWN_OID})) as parts,
    coalesce(r.canonical, false) as canonical,
    array_to_json(array(select pg_get_expr(c.conbin, 0) from pg_constraint c
      where c.contypid = t.oid and c.contype = 'c')) as checks
  from pg_type t
  left join lateral (select array_agg(g.rngsubtype) as parts, bool_or(g.rngcanonical <> 0) as canonical
    from pg_range g where t.oid in (g.rngtypid, g.rngmultitypid)) r on true
  where t.oid = any($4::oid[]) or exists (select from ${WANTED}
    where t.typname = w.name and ${onPath("t.typnamespace")})`;

const CHILDREN_MAX = 20_000;

export const RELATIONS: string = `with recursive tree(oid, name) as (
    select c.oid, w.name from ${WANTED} join pg_class c on c.relname = w.name
      where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 't', 'c') and ${onPath("c.relnamespace")}
    union
    select i.inhrelid, null from tree join pg_inherits i on i.inhparent = tree.oid
  )
  select tree.name, c.oid::int8::float8 as oid, c.relkind as kind,
    case when c.relkind = 'v' then pg_get_viewdef(c.oid) end as view,
    array_to_json(case when c.relrowsecurity then array(
      select pg_get_expr(l.polqual, l.polrelid) from pg_policy l
      where l.polrelid = c.oid and l.polqual is not null) else '{}' end) as policies,
    array_to_json(array(select distinct a.atttypid::int8::float8 from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and a.atttypid >= ${FIRST_OWN_OID})) as types,
    exists (
      select from pg_depend d
      left join pg_operator o on d.refclassid = 'pg_operator'::regclass and o.oid = d.refobjid
      join pg_proc p on p.oid = case when d.refclassid = 'pg_proc'::regclass then d.refobjid
        else o.oprcode end
      where (d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass))
        and (d.classid, d.objid) in (
          select 'pg_class'::regclass::oid, i.indexrelid from pg_index i where i.indrelid = c.oid
          union all select 'pg_class'::regclass::oid, c.oid
          union all select 'pg_constraint'::regclass::oid, k.oid from pg_constraint k
            where k.conrelid = c.oid and k.contype = 'c'
          union all select 'pg_attrdef'::regclass::oid, f.oid from pg_attrdef f
            where f.adrelid = c.oid)
        and (d.classid <> 'pg_attrdef'::regclass or p.provolatile = 'i')
        and not ${trusted("p")}) as untrusted
  from tree join pg_class c on c.oid = tree.oid limit ${CHILDREN_MAX}`;

export const CASTS: string = `select t.typname::text as name, c.castcontext = 'i' as implicit
  from pg_cast c join pg_proc p on p.oid = c.castfunc join pg_type t on t.oid = c.casttarget
  where not ${trusted("p")}`;
