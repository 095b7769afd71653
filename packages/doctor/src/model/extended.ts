import { quoteQualified } from "hasten/postgres";
import type { Relation } from "../catalog/types.ts";
import type { Target } from "../target/types.ts";
import { type Engine, sqlstateOf } from "./engine.ts";

interface ExtendedRow {
  readonly relation: number;
  readonly schema: string;
  readonly name: string;
  readonly definition: string;
  /** Names of columns by the target's attribute numbers. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Whether lists of combinations, or expressions, are among its kinds. */
  readonly more: boolean;
  /** Whether ANALYZE has filled it and this role may see that. */
  readonly visible: boolean;
  readonly inherited: boolean;
  readonly ndistinct: string | null;
  readonly dependencies: string | null;
}

/** Extended statistics copied at most. */
const EXTENDED_MAX = 2000;
/** `pg_stats_ext` tells those of a table with its children apart from this version on. */
const INHERITED_SINCE = 150000;
const NDISTINCT_MAGIC = 0xa352bfa4;
const DEPENDENCIES_MAGIC = 0xb4549a2c;
const BASIC = 1;

/** PostgreSQL 18 has functions to restore a column's statistics, not those of several. */
const CASTS = `
create cast (bytea as pg_ndistinct) without function;
create cast (bytea as pg_dependencies) without function`;

/**
 * Gives the model the numbers of different values and the dependencies that CREATE STATISTICS has
 * ANALYZE count, and answers with sentences on what it could not be given: lists of combinations, the
 * statistics of expressions, and what the role may not see.
 */
export async function copyExtended(
  target: Target,
  engine: Engine,
  relations: readonly Relation[],
): Promise<readonly string[]> {
  const rows = await target.rows<ExtendedRow>(extendedQuery(target.versionNum), [
    relations.map(({ oid }) => oid),
    EXTENDED_MAX,
  ]);
  if (rows.length === 0) return [];
  await engine.run(CASTS);
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]));
  const made = new Set<string>();
  const partial = new Set<string>();
  const hidden = new Set<string>();
  for (const row of rows) {
    const relation = byOid.get(row.relation);
    if (relation === undefined) continue;
    const name = quoteQualified([row.schema, row.name]);
    if (!row.visible) hidden.add(name);
    else if (!(await restored(engine, { row, relation, isNew: !made.has(name) })) || row.more)
      partial.add(name);
    made.add(name);
  }
  return notesOf(partial.size, hidden.size);
}

function notesOf(partial: number, hidden: number): readonly string[] {
  const objects = (count: number): string => (count === 1 ? "1 object" : `${count} objects`);
  return [
    ...(partial === 0
      ? []
      : [
          `Of extended statistics (${objects(partial)}) the model has the numbers of different values and the dependencies, not the combinations of values; those of expressions are for new indexes on them.`,
        ]),
    ...(hidden === 0
      ? []
      : [
          `Extended statistics (${objects(hidden)}) are empty or hidden from this role: the model plans without.`,
        ]),
  ];
}

async function restored(
  engine: Engine,
  one: { row: ExtendedRow; relation: Relation; isNew: boolean },
): Promise<boolean> {
  const { row, relation } = one;
  try {
    if (one.isNew) await engine.run(row.definition);
    const numbers = await engine.rows<{ name: string; number: number }>(
      "select attname as name, attnum::int as number from pg_catalog.pg_attribute where attrelid = $1::text::regclass and attnum > 0",
      [quoteQualified([relation.schema, relation.name])],
    );
    const byName = new Map(numbers.map((column) => [column.name, column.number]));
    const numberOf = (attribute: number): number =>
      attribute < 0 ? attribute : (byName.get(row.attributes[attribute] ?? "") ?? 0);
    await engine.rows(INSERT, [
      row.schema,
      row.name,
      row.inherited,
      row.ndistinct === null ? null : ndistinctBytes(row.ndistinct, numberOf),
      row.dependencies === null ? null : dependenciesBytes(row.dependencies, numberOf),
    ]);
    return true;
  } catch (error) {
    engine.throwIfEnded();
    if (sqlstateOf(error) === undefined) throw error;
    return false;
  }
}

const INSERT = `
insert into pg_catalog.pg_statistic_ext_data
  (stxoid, stxdinherit, stxdndistinct, stxddependencies)
select x.oid, $3::boolean, decode($4::text, 'hex')::pg_ndistinct,
  decode($5::text, 'hex')::pg_dependencies
from pg_catalog.pg_statistic_ext x join pg_catalog.pg_namespace n on n.oid = x.stxnamespace
where n.nspname = $1::text and x.stxname = $2::text`;

type NumberOf = (attribute: number) => number;

/** From `{"1, 2": 34}` to the bytes that PostgreSQL keeps, as hexadecimal text. */
export function ndistinctBytes(text: string, numberOf: NumberOf): string {
  const items = itemsOf(text).map(([key, value]) => {
    const attributes = key.split(",").map((part) => numberOf(Number(part)));
    const bytes = Buffer.alloc(12 + 2 * attributes.length);
    bytes.writeDoubleLE(value, 0);
    bytes.writeInt32LE(attributes.length, 8);
    for (const [at, number] of attributes.entries()) bytes.writeInt16LE(number, 12 + 2 * at);
    return bytes;
  });
  return serialized(NDISTINCT_MAGIC, items);
}

/** From `{"1, 2 => 3": 0.500000}` to the bytes that PostgreSQL keeps, as hexadecimal text. */
export function dependenciesBytes(text: string, numberOf: NumberOf): string {
  const items = itemsOf(text).map(([key, value]) => {
    const attributes = key.split(/,|=>/).map((part) => numberOf(Number(part)));
    const bytes = Buffer.alloc(10 + 2 * attributes.length);
    bytes.writeDoubleLE(value, 0);
    bytes.writeInt16LE(attributes.length, 8);
    for (const [at, number] of attributes.entries()) bytes.writeInt16LE(number, 10 + 2 * at);
    return bytes;
  });
  return serialized(DEPENDENCIES_MAGIC, items);
}

function serialized(magic: number, items: readonly Buffer[]): string {
  const header = Buffer.alloc(12);
  header.writeUInt32LE(magic, 0);
  header.writeUInt32LE(BASIC, 4);
  header.writeUInt32LE(items.length, 8);
  return Buffer.concat([header, ...items]).toString("hex");
}

function itemsOf(text: string): readonly (readonly [string, number])[] {
  const found: unknown = JSON.parse(text);
  if (typeof found !== "object" || found === null) return [];
  return Object.entries(found).map(([key, value]) => [key, Number(value)] as const);
}

/** `$1`: oids of tables, `$2`: most rows. */
function extendedQuery(versionNum: number): string {
  const inherited =
    versionNum >= INHERITED_SINCE
      ? "coalesce(s.inherited, false)"
      : "exists (select from pg_catalog.pg_class p where p.oid = x.stxrelid and p.relkind = 'p')";
  return `
select x.stxrelid::int8::float8 as relation, n.nspname as schema, x.stxname as name,
  pg_get_statisticsobjdef(x.oid) as definition,
  (select json_object_agg(a.attnum, a.attname) from pg_catalog.pg_attribute a
    where a.attrelid = x.stxrelid and a.attnum = any (x.stxkeys)) as attributes,
  x.stxkind && '{m,e}'::"char"[] as more, s.statistics_name is not null as visible,
  ${inherited} as inherited, s.n_distinct::text as ndistinct, s.dependencies::text as dependencies
from pg_catalog.pg_statistic_ext x join pg_catalog.pg_namespace n on n.oid = x.stxnamespace
left join pg_catalog.pg_stats_ext s
  on s.statistics_schemaname = n.nspname and s.statistics_name = x.stxname
where x.stxrelid = any ($1::oid[]) order by x.oid limit $2`;
}
