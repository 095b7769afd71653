/** One query that tells which of the things in use are no longer what they were. Usually none. */
import {
  ALL_FUNCTIONS_SIGNATURE,
  CAST_SIGNATURE,
  FUNCTION_SIGNATURE,
  OPERATOR_SIGNATURE,
  SEARCH_SIGNATURE,
  TYPE_SIGNATURE,
} from "./name-sql.ts";
import { PUBLICATION, signatureSql } from "./relation-sql.ts";
import { PATH_SIGNATURE } from "./search-path.ts";

/** What was true when it was looked up. */
export interface Expected {
  readonly relations: readonly { readonly key: string; readonly signature: string }[];
  readonly paths: readonly {
    readonly key: string;
    readonly role: string;
    readonly schemas: readonly string[];
    readonly signature: string;
  }[];
  /** Which relation a name means in these schemas. */
  readonly resolutions: readonly {
    readonly key: string;
    readonly namespaces: readonly number[];
    readonly name: string;
    readonly relation: number | null;
  }[];
  readonly functions: readonly NamedSignature[];
  readonly operators: readonly NamedSignature[];
  readonly types: readonly NamedSignature[];
  readonly casts: readonly NamedSignature[];
  readonly allFunctions: readonly NamedSignature[];
  readonly search: readonly NamedSignature[];
}

interface NamedSignature {
  readonly name: string;
  readonly signature: string;
}

export type ExpectedKind = keyof Expected;

/** An expression over `e(namespaces jsonb, name text)`: the relation that the name means. */
export const RESOLVED: string = `(
  select c.oid::int8 from jsonb_array_elements_text(e.namespaces) with ordinality p(oid, at)
  join pg_class c on c.relnamespace = p.oid::oid and c.relname = e.name order by p.at limit 1)`;

export const RESOLVE_SQL: string = `
select json_build_object('name', e.name, 'relation', ${RESOLVED})::text as row
from jsonb_to_recordset($1::jsonb) e(namespaces jsonb, name text)`;

/** The oid of each schema named in `$1`, in order; null where there is none. */
export const SCHEMAS_SQL: string = `
select json_build_object('name', e.name, 'oid', (select n.oid::int8 from pg_namespace n where n.nspname = e.name))::text as row
from jsonb_array_elements_text($1::jsonb) e(name)`;

export function pollSql(): string {
  const named = (kind: ExpectedKind, signature: string): string => `
select '${kind}', e.name from jsonb_to_recordset($2::jsonb->'${kind}') e(name text, signature text)
where e.signature is distinct from ${signature}`;
  return `
select 'since' as kind, (pg_snapshot_xmin(pg_current_snapshot())::text::numeric % 4294967296)::text as key
union all
select 'next', (pg_snapshot_xmax(pg_current_snapshot())::text::numeric % 4294967296)::text
union all
select 'publication', coalesce(${PUBLICATION}, '')
union all
select 'relations', e.key from jsonb_to_recordset($2::jsonb->'relations') e(key text, signature text)
left join pg_class c on c.oid = e.key::oid
where e.signature is distinct from (case when c.oid is not null then ${signatureSql()} end)
union all
select 'paths', e.key from jsonb_to_recordset($2::jsonb->'paths') e(key text, role text, schemas jsonb, signature text)
left join pg_roles o on o.rolname = e.role
where e.signature is distinct from ${PATH_SIGNATURE}
union all
select 'resolutions', e.key from jsonb_to_recordset($2::jsonb->'resolutions') e(key text, namespaces jsonb, name text, relation int8)
where e.relation is distinct from ${RESOLVED}
union all ${named("functions", FUNCTION_SIGNATURE)}
union all ${named("operators", OPERATOR_SIGNATURE)}
union all ${named("types", TYPE_SIGNATURE)}
union all ${named("casts", CAST_SIGNATURE)}
union all ${named("allFunctions", ALL_FUNCTIONS_SIGNATURE)}
union all ${named("search", SEARCH_SIGNATURE)}`;
}
