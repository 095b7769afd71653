import { DoctorError } from "../errors.ts";
import type { Target } from "../target/types.ts";
import { sumPartitions } from "./partitions.ts";
import {
  AVAILABLE,
  COLUMNS,
  databaseQuery,
  EXTENSIONS,
  FOREIGN_KEYS,
  indexesQuery,
  LOCKED_RELATIONS,
  NUMBERS,
  RELATIONS,
  SETTINGS,
  VIEWS,
} from "./queries.ts";
import {
  type BareRelation,
  type ColumnRow,
  type ForeignKeyRow,
  type IndexRow,
  indexFrom,
  type NumbersRow,
  numbersFrom,
  type RelationRow,
  relationFrom,
} from "./rows.ts";
import type { Catalog, Column, ForeignKey, Relation } from "./types.ts";

/** Relations read at most: of more, those with the most pages. */
export const RELATIONS_MAX = 10_000;
/** A view whose text is longer is not looked into. */
export const VIEW_CHARS_MAX = 100_000;

const LOCK_NOT_AVAILABLE = "55P03";

/**
 * Reads the schema, its sizes, counters and planner settings: eleven statements, no value of data.
 *
 * Of a partitioned table, `pages`, `rows`, `allVisiblePages` and `activity` are sums over its leaf
 * partitions; its `rows` are -1 when no leaf was ever analysed. What another session has locked
 * against reading is left out. When that comes in between, a view has no `viewText`, and an index
 * the size of `relpages`.
 *
 * @throws DoctorError HST_DOCTOR_STATEMENT
 */
export async function readCatalog(target: Target): Promise<Catalog> {
  const [database] = await target.rows<{
    collation_is_c: boolean;
    counters_ms: number | null;
  }>(databaseQuery(target.versionNum));
  const extensions = await target.rows<{ name: string; version: string; schema: string }>(
    EXTENSIONS,
  );
  const available = await target.rows<{ name: string }>(AVAILABLE);
  const settings = await target.rows<{ name: string; setting: string }>(SETTINGS);
  const found = await target.rows<RelationRow>(RELATIONS, [RELATIONS_MAX]);
  const locked = await target.rows<LockedRow>(LOCKED_RELATIONS);
  const unread = new Set(locked.map(({ oid }) => oid));
  return {
    versionNum: target.versionNum,
    major: target.major,
    database: target.database,
    collationIsC: database?.collation_is_c ?? false,
    searchPath: target.searchPath,
    extensions: new Map(extensions.map(({ name, version, schema }) => [name, { version, schema }])),
    available: new Set(available.map(({ name }) => name)),
    settings: Object.fromEntries(settings.map(({ name, setting }) => [name, setting])),
    relations: await readRelations(
      target,
      found.filter(({ oid }) => !unread.has(oid)).map(relationFrom),
    ),
    locked: locked.filter(({ direct }) => direct).map(({ schema, name }) => `${schema}.${name}`),
    leftOut: Math.max(0, (found[0]?.total ?? 0) - found.length),
    countersMs: database?.counters_ms ?? undefined,
  };
}

interface LockedRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly direct: boolean;
}

async function readRelations(
  target: Target,
  bare: readonly BareRelation[],
): Promise<readonly Relation[]> {
  const oids = bare.map(({ oid }) => oid);
  const summed = sumPartitions(bare);
  const columns = await readColumns(target, summed);
  const indexes = Map.groupBy(await readIndexes(target, oids), ({ relation }) => relation);
  const keys = Map.groupBy(
    await target.rows<ForeignKeyRow>(FOREIGN_KEYS, [oids]),
    ({ relation }) => relation,
  );
  const views = new Map(
    (await readViews(target, oids)).map(({ oid, text }) => [oid, text ?? undefined]),
  );
  return summed.map((relation) => ({
    ...relation,
    columns: columns.get(relation.oid) ?? [],
    indexes: (indexes.get(relation.oid) ?? []).map(indexFrom),
    foreignKeys: (keys.get(relation.oid) ?? []).map(foreignKeyFrom),
    viewText: views.get(relation.oid),
  }));
}

async function readColumns(
  target: Target,
  relations: readonly BareRelation[],
): Promise<ReadonlyMap<number, readonly Column[]>> {
  const rows = await target.rows<ColumnRow>(COLUMNS, [relations.map(({ oid }) => oid)]);
  const statistics = await target.rows<NumbersRow>(NUMBERS);
  const numbers = new Map(statistics.map((row) => [numbersKey(row), row]));
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]));
  const columns = new Map<number, Column[]>();
  for (const row of rows) {
    const relation = byOid.get(row.relation);
    if (relation === undefined) continue;
    const found = numbers.get(
      numbersKey({
        schema: relation.schema,
        table: relation.name,
        column: row.name,
        inherited: relation.kind === "partitioned",
      }),
    );
    const list = columns.get(row.relation) ?? [];
    list.push(columnFrom(row, found === undefined ? undefined : numbersFrom(found, relation.rows)));
    columns.set(row.relation, list);
  }
  return columns;
}

function numbersKey(row: Pick<NumbersRow, "schema" | "table" | "column" | "inherited">): string {
  return [row.schema, row.table, row.column, row.inherited ? "inherited" : "own"].join("\0");
}

function columnFrom(row: ColumnRow, numbers: Column["numbers"]): Column {
  return {
    number: row.number,
    name: row.name,
    type: row.type,
    baseType: row.base ?? "",
    category: row.category ?? "",
    notNull: row.not_null,
    collation:
      row.collation_schema === null || row.collation_name === null
        ? undefined
        : { schema: row.collation_schema, name: row.collation_name, isC: row.collation_is_c },
    numbers,
  };
}

function foreignKeyFrom(row: ForeignKeyRow): ForeignKey {
  return {
    name: row.name,
    columns: row.columns ?? [],
    references: row.references,
    referencedColumns: row.referenced ?? [],
    validated: row.validated,
  };
}

async function readIndexes(target: Target, oids: readonly number[]): Promise<readonly IndexRow[]> {
  try {
    return await target.rows<IndexRow>(indexesQuery(target.versionNum, true), [oids]);
  } catch (error) {
    if (!isLocked(error)) throw error;
    return await target.rows<IndexRow>(indexesQuery(target.versionNum, false), [oids]);
  }
}

async function readViews(
  target: Target,
  oids: readonly number[],
): Promise<readonly { readonly oid: number; readonly text: string | null }[]> {
  try {
    return await target.rows(VIEWS, [oids, VIEW_CHARS_MAX]);
  } catch (error) {
    if (!isLocked(error)) throw error;
    return [];
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof DoctorError && error.sqlstate === LOCK_NOT_AVAILABLE;
}
