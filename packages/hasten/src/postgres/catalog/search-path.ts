/** What `search_path` means for one role. */

export interface PathFacts {
  readonly key: string;
  readonly signature: string;
  /** Schemas that unqualified names are looked up in, in order; pg_catalog first. */
  readonly namespaces: readonly number[];
  /** Row security does not apply to the role. */
  readonly unrestricted: boolean;
}

/** The names of a `search_path` setting; undefined where it is none. */
export function parseSearchPath(setting: string): readonly string[] | undefined {
  const names: string[] = [];
  const item = /\s*(?:"((?:[^"]|"")*)"|([^\s",]+))\s*(,|$)/y;
  if (setting.trim() === "") return names;
  for (;;) {
    const match = item.exec(setting);
    if (match === null) return undefined;
    names.push(match[1]?.replaceAll('""', '"') ?? match[2]!.toLowerCase());
    if (match[3] === "") return names;
  }
}

/** The schemas named, `"$user"` replaced; a text says why it cannot be used. */
export function schemasOf(setting: string, role: string): readonly string[] | string {
  const names = parseSearchPath(setting);
  if (names === undefined) return "a search_path of an unknown form";
  if (names.includes("pg_temp")) return "pg_temp in search_path";
  if (names.indexOf("pg_catalog") > 0) return "a search_path with pg_catalog after other schemas";
  return names
    .map((name) => (name === "$user" ? role : name))
    .filter((name) => name !== "pg_catalog");
}

/** An expression over `e(role text, schemas jsonb)`: the signature of a path. */
export const PATH_SIGNATURE: string = `(
  select coalesce(string_agg(n.oid || ':' || n.xmin, ',' order by p.at), '')
  from jsonb_array_elements_text(e.schemas) with ordinality p(name, at) join pg_namespace n on n.nspname = p.name
  where has_schema_privilege(o.oid, n.oid, 'USAGE')) || coalesce('/' || o.rolsuper || o.rolbypassrls, '')`;

/** Facts of the path `$2` (JSON array of names) for the role `$1`. */
export const PATH_SQL: string = `
select json_build_object(
  'signature', ${PATH_SIGNATURE},
  'namespaces', (
    select coalesce(json_agg(n.oid::int8 order by p.at), '[]'::json)
    from jsonb_array_elements_text(e.schemas) with ordinality p(name, at) join pg_namespace n on n.nspname = p.name
    where has_schema_privilege(o.oid, n.oid, 'USAGE')),
  'unrestricted', coalesce(o.rolsuper or o.rolbypassrls, false)
)::text as row
from (select $1::text as role, $2::jsonb as schemas) e left join pg_roles o on o.rolname = e.role`;
