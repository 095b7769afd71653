/**
 * What statements' meanings hang on, in one text: it changes when anything does that users made.
 *
 * Invariants:
 * - It covers at least what the catalog's own signatures cover (`catalog/`): relations with columns,
 *   keys, views, inheritance, policies and triggers; names of functions, operators, types, casts;
 *   search paths, roles and their memberships; the publication.
 * - Temporary tables, indexes, and what VACUUM, ANALYZE and TRUNCATE write change nothing of it:
 *   relations count by what they are, the rows about them by their versions (xmin).
 * - Sums of hashes: the order of rows does not matter, and no row is sent.
 */
import { IDENTITY, PUBLICATION } from "../catalog/relation-sql.ts";

const USERS = 16_384;

/** `row` lists values: no text is made of them. */
const hashed = (row: string): string =>
  `count(*) || ':' || coalesce(sum(hash_record_extended(row(${row}), 0)), 0)`;

const versioned = (catalog: string, where = `x.oid >= ${USERS}`): string =>
  `(select ${hashed("x.oid, x.xmin")} from ${catalog} x where ${where})`;

/** Relations that statements name, and composite types. */
const KINDS = "('r', 'p', 'v', 'm', 'f', 'S', 'c')";
const LASTING = `c.relpersistence <> 't' and c.relkind in ${KINDS} and c.oid >= ${USERS}`;

const RELATION = `c.oid, c.relname, c.relnamespace, c.relkind, c.relpersistence, c.relreplident,
  c.relrowsecurity, c.relforcerowsecurity, c.relowner, c.relhasrules, c.relispartition, c.relacl::text`;

/** Rows of a catalog that belong to such a relation. */
const of = (catalog: string, relation: string): string =>
  `(select ${hashed("x.oid, x.xmin")} from ${catalog} x join pg_class c on c.oid = x.${relation} where ${LASTING})`;

const PARTS = [
  `(select ${hashed(RELATION)} from pg_class c where ${LASTING})`,
  // Most rows are here. New ones have later versions than all before: a sum of them tells, too.
  `(select count(*) || ':' || coalesce(sum(x.xmin::text::int8), 0) from pg_attribute x
    join pg_class c on c.oid = x.attrelid where x.attnum > 0 and ${LASTING} and c.relkind <> 'S')`,
  of("pg_rewrite", "ev_class"),
  of("pg_policy", "polrelid"),
  of("pg_trigger", "tgrelid"),
  of("pg_constraint", "conrelid"),
  of("pg_attrdef", "adrelid"),
  `(select ${hashed("x.inhrelid, x.inhparent, x.xmin, x.inhdetachpending")} from pg_inherits x
    join pg_class c on c.oid = x.inhparent where ${LASTING})`,
  `(select ${hashed("x.indexrelid, x.xmin")} from pg_index x join pg_class c on c.oid = x.indrelid
    where (x.indisprimary or x.indisreplident) and ${LASTING})`,
  versioned(
    "pg_namespace",
    `x.oid >= ${USERS} and x.nspname !~ '^pg_(toast_)?temp_' or x.nspname = 'public'`,
  ),
  versioned("pg_proc"),
  `(select ${hashed("x.aggfnoid::oid, x.xmin")} from pg_aggregate x where x.aggfnoid >= ${USERS})`,
  versioned("pg_operator"),
  versioned("pg_cast"),
  `(select ${hashed("x.oid, x.xmin")} from pg_type x join pg_namespace n on n.oid = x.typnamespace
    where x.oid >= ${USERS} and n.nspname !~ '^pg_(toast_)?temp_')`,
  versioned("pg_enum"),
  versioned("pg_collation"),
  `(select ${hashed("x.rngtypid, x.xmin")} from pg_range x where x.rngtypid >= ${USERS})`,
  versioned("pg_ts_config", "true"),
  versioned("pg_ts_dict", "true"),
  `(select ${hashed("x.mapcfg, x.maptokentype, x.mapseqno, x.xmin")} from pg_ts_config_map x)`,
  `(select ${hashed("x.oid, x.rolname, x.rolsuper, x.rolbypassrls, x.rolinherit")} from pg_roles x)`,
  `(select ${hashed("x.roleid, x.member, x.xmin")} from pg_auth_members x)`,
  `coalesce(${PUBLICATION}, '')`,
];

/** `$1` is the publication's name. One row with `schema`. */
export const SCHEMA_SQL: string = `select md5(array[${PARTS.join(",\n")}]::text) as schema`;

const COLUMNS = `(
  select coalesce(json_agg(json_build_object(
    'name', a.attname,
    'type', case when t.typtype = 'e' then 'enum' else t.typname end,
    'deterministic', coalesce((select o.collisdeterministic from pg_collation o where o.oid = a.attcollation), true),
    'enumName', case when t.typtype = 'e' then t.typname end,
    'looksUp', false,
    'identity', ${IDENTITY})), '[]'::json)
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and (t.typnamespace = 11 or t.typtype = 'e'))`;

/** Every table whose changes the stream may tell, as JSON: `ToldTable`. */
export const TABLES_SQL: string = `select json_build_object(
  'oid', c.oid::int8,
  'schema', n.nspname,
  'table', c.relname,
  'stored', c.relkind = 'r',
  'children', (select coalesce(json_agg(h.inhrelid::int8), '[]'::json) from pg_inherits h where h.inhparent = c.oid),
  'columns', ${COLUMNS})::text as row
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and c.relpersistence = 'p' and c.oid >= ${USERS}`;
