/** What the catalog says about names of functions, operators, types and casts. */

import { someLookedUp, typeParts } from "./type-sql.ts";

/** Objects from here on were made by users and extensions. */
export const FIRST_USER_OID = 16_384;

export interface FunctionFacts {
  readonly oid: number;
  readonly namespace: number;
  readonly arguments: number;
  readonly defaults: number;
  readonly variadic: boolean;
  /** `i`, `s` or `v`; of an aggregate the worst of the functions it is made of. */
  readonly volatility: string;
  /** Its first argument takes a whole row: `x.name` calls it. */
  readonly takesRow: boolean;
  /** Its source may change the session: set_config, SET, temporary tables, dynamic SQL. */
  readonly changesSession: boolean;
}

export interface CastFacts {
  readonly oid: number;
  readonly immutable: boolean;
  /** Its function is no C: it may call others. */
  readonly mayCall: boolean;
}

export interface OperatorFacts extends CastFacts {
  /** Both sides are built-in types or enums: it may be taken where the built-in one was. */
  readonly onPlainTypes: boolean;
}

export interface NameFacts<F> {
  readonly name: string;
  readonly signature: string;
  readonly recent: boolean;
  readonly found: readonly F[];
}

/** Whether any of these is newer than transaction `$2`; what cannot be told is. */
const recent = (rows: string): string =>
  `$2::text is null or coalesce((select min(age(v.xmin)) <= age($2::text::xid) from (${rows}) v), false)`;

/** Expressions over `e(name text)`: signatures of what users made of that name. */
export const FUNCTION_SIGNATURE: string = `(select coalesce(md5(string_agg(p.oid || ':' || p.xmin || n.nspname, ',' order by p.oid)), '')
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where p.proname = e.name and p.oid >= ${FIRST_USER_OID})`;

export const OPERATOR_SIGNATURE: string = `(select coalesce(md5(string_agg(o.oid || ':' || o.xmin || ':' || coalesce(f.xmin::text, '') || n.nspname, ',' order by o.oid)), '')
  from pg_operator o join pg_namespace n on n.oid = o.oprnamespace left join pg_proc f on f.oid = o.oprcode where o.oprname = e.name and o.oid >= ${FIRST_USER_OID})`;

export const TYPE_SIGNATURE: string = `(select coalesce(md5(string_agg(t.oid || ':' || t.xmin || n.nspname
    || coalesce(${typeParts("select t.oid")}, ''), ',' order by t.oid)), '')
  from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typname = e.name and t.oid >= ${FIRST_USER_OID})`;

export const CAST_SIGNATURE: string = `(select coalesce(md5(string_agg(k.oid || ':' || k.xmin || ':' || coalesce(f.xmin::text, ''), ',' order by k.oid)), '')
  from pg_cast k left join pg_proc f on f.oid = k.castfunc where k.oid >= ${FIRST_USER_OID})`;

/** How texts are taken apart for searching: a function that does so is IMMUTABLE by name only. */
export const SEARCH_SIGNATURE: string = `(select md5(string_agg(v.part, ',' order by v.part)) from (
  select 'c' || c.oid || ':' || c.xmin || n.nspname from pg_ts_config c join pg_namespace n on n.oid = c.cfgnamespace
  union all select 'd' || d.oid || ':' || d.xmin || n.nspname from pg_ts_dict d join pg_namespace n on n.oid = d.dictnamespace
  union all select 'm' || m.mapcfg || ':' || m.maptokentype || ':' || m.mapseqno || ':' || m.xmin from pg_ts_config_map m) v(part))`;

/** All functions of users: those that are called may call others. */
export const ALL_FUNCTIONS_SIGNATURE: string = `(select coalesce(md5(string_agg(p.oid || ':' || p.xmin, ',' order by p.oid)), '')
  from pg_proc p where p.oid >= ${FIRST_USER_OID})`;

const VOLATILITY = `coalesce((
  select case when count(*) = 0 then null when bool_or(m.provolatile = 'v') then 'v' when bool_or(m.provolatile = 's') then 's' else 'i' end
  from pg_aggregate a join pg_proc m on m.oid in (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
    a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
  where a.aggfnoid = p.oid and p.oid >= ${FIRST_USER_OID}), p.provolatile::text)`;

const CHANGES_SESSION = `p.oid >= ${FIRST_USER_OID} and p.provolatile = 'v' and (coalesce(p.prosrc, '')
  ~* '(set_config|search_path|\\mset\\s+(local|session|role|time)|pg_temp|\\mtemp(orary)?\\M|\\mexecute\\M|\\mdiscard\\M|\\mreset\\M)'
  or p.prosqlbody is not null and pg_get_function_sqlbody(p.oid) ~* 'set_config')`;

export const FUNCTIONS_SQL: string = `
select json_build_object('name', e.name, 'signature', ${FUNCTION_SIGNATURE},
  'recent', ${recent(`select p.xmin from pg_proc p where p.proname = e.name and p.oid >= ${FIRST_USER_OID}`)},
  'found', (select coalesce(json_agg(json_build_object(
    'oid', p.oid::int8, 'namespace', p.pronamespace::int8, 'arguments', p.pronargs, 'defaults', p.pronargdefaults,
    'variadic', p.provariadic <> 0, 'volatility', ${VOLATILITY},
    'takesRow', p.pronargs > 0 and exists (select from pg_type t where t.oid = p.proargtypes[0]
      and (t.typtype in ('c', 'd') or t.typname in ('record', 'any', 'anyelement', 'anynonarray', 'anycompatible', 'anycompatiblenonarray'))),
    'changesSession', ${CHANGES_SESSION}
  )), '[]'::json) from pg_proc p where p.proname = e.name)
)::text as row from jsonb_array_elements_text($1::jsonb) e(name)`;

const MAY_CALL = `exists (select from pg_language l where l.oid = f.prolang and l.lanname not in ('c', 'internal'))`;

const PLAIN_TYPE = (oid: string): string =>
  `exists (select from pg_type t where t.oid = ${oid} and (t.oid < ${FIRST_USER_OID} or t.typtype = 'e'))`;

/** Operators that users made. */
export const OPERATORS_SQL: string = `
select json_build_object('name', e.name, 'signature', ${OPERATOR_SIGNATURE},
  'recent', ${recent(`select o.xmin from pg_operator o where o.oprname = e.name and o.oid >= ${FIRST_USER_OID}`)},
  'found', (select coalesce(json_agg(json_build_object('oid', o.oid::int8,
      'immutable', f.provolatile is not distinct from 'i', 'mayCall', ${MAY_CALL},
      'onPlainTypes', ${PLAIN_TYPE("o.oprleft")} and ${PLAIN_TYPE("o.oprright")})), '[]'::json)
    from pg_operator o left join pg_proc f on f.oid = o.oprcode
    where o.oprname = e.name and o.oid >= ${FIRST_USER_OID})
)::text as row from jsonb_array_elements_text($1::jsonb) e(name)`;

/** A type that users made: refused if reading its text may look something up. */
export const TYPES_SQL: string = `
select json_build_object('name', e.name, 'signature', ${TYPE_SIGNATURE},
  'recent', ${recent(`select t.xmin from pg_type t where t.typname = e.name and t.oid >= ${FIRST_USER_OID}`)},
  'found', (select coalesce(json_agg(t.oid::int8), '[]'::json) from pg_type t left join pg_proc f on f.oid = t.typinput
    where t.typname = e.name and t.oid >= ${FIRST_USER_OID}
    and ((f.oid >= ${FIRST_USER_OID} and f.provolatile <> 'i')
      or ${someLookedUp("select t.oid")}))
)::text as row from jsonb_array_elements_text($1::jsonb) e(name)`;

/** Casts that users made with functions: they happen unseen. */
export const CASTS_SQL: string = `
select json_build_object('name', e.name, 'signature', ${CAST_SIGNATURE},
  'recent', ${recent(`select k.xmin from pg_cast k where k.oid >= ${FIRST_USER_OID}`)},
  'found', (select coalesce(json_agg(json_build_object('oid', k.oid::int8,
      'immutable', f.provolatile = 'i', 'mayCall', ${MAY_CALL})), '[]'::json)
    from pg_cast k join pg_proc f on f.oid = k.castfunc where k.oid >= ${FIRST_USER_OID})
)::text as row from jsonb_array_elements_text($1::jsonb) e(name)`;

export const SEARCH_SQL: string = `
select json_build_object('name', e.name, 'signature', ${SEARCH_SIGNATURE}, 'recent', false, 'found', '[]'::json
)::text as row from jsonb_array_elements_text($1::jsonb) e(name), (select $2::text) unused`;

export const ALL_FUNCTIONS_SQL: string = `
select json_build_object('name', e.name, 'signature', ${ALL_FUNCTIONS_SIGNATURE}, 'recent', false, 'found', '[]'::json
)::text as row from jsonb_array_elements_text($1::jsonb) e(name), (select $2::text) unused`;
