import type { Catalog, Relation } from "../catalog/types.ts";
import { DoctorError } from "../errors.ts";
import { loadParser } from "../parse/parse.ts";
import type { OnProgress, Target } from "../target/types.ts";
import { copySchema, type Missing } from "./build.ts";
import { type Engine, modelFailed } from "./engine.ts";
import { openEngine } from "./engine-open.ts";
import { readExpressions } from "./expressions.ts";
import { copyExtended } from "./extended.ts";
import { plannerOf } from "./planner.ts";
import { sizeRelations } from "./relations.ts";
import { indexName } from "./schema-steps.ts";
import { type ColumnStatistics, readSizes, readStatistics, restoreColumn } from "./statistics.ts";
import type { Planner } from "./types.ts";

export interface ModelOptions {
  /**
   * Where the booted template of PostgreSQL is kept between runs (39 MB, holds nothing of any
   * target). Default: `hasten-doctor` in the user's cache directory.
   */
  readonly cacheDir?: string;
  /** Oids of the relations that will be planned with. Default: all of the catalog. */
  readonly tables?: readonly number[];
  readonly onProgress?: OnProgress;
  /** Ends the opening and also the model later, whatever it is doing. */
  readonly signal?: AbortSignal;
  /**
   * A statement that the model plans for longer ends the model: it may fold a function of the
   * target's that never returns. In milliseconds, 1 to 1,800,000. @default 30,000
   */
  readonly timeLimitMs?: number;
}

/** PostgreSQL 18's planner in this process, on the target's schema and statistics, without a row. */
export interface Model extends Planner {
  /**
   * Relations that it has not, or without their statistics: what it plans of them means nothing.
   */
  readonly missing: readonly Missing[];
  /** Sentences for the report on what else it plans without: extensions, extended statistics. */
  readonly notes: readonly string[];
}

/** The planner's block size is fixed when PostgreSQL is built. */
const BLOCK_SIZE = "8192";

/**
 * Copies schema, statistics, sizes and planner settings of the target into a private PostgreSQL in a
 * temporary directory (0700), which `dispose` removes. Nothing is ever run in it: it only plans, in
 * a thread of its own. When that thread ends too early every call rejects with HST_DOCTOR_MODEL.
 *
 * Not copied: triggers, rules, row security, defaults, lists of combinations in extended
 * statistics, functions in other languages than SQL and PL/pgSQL, and objects of extensions that
 * PGlite is built without.
 *
 * @throws DoctorError HST_DOCTOR_MODEL when it cannot be made, HST_DOCTOR_STATEMENT when the target
 *   cannot be read; the signal's reason
 */
export async function openModel(
  target: Target,
  catalog: Catalog,
  options: ModelOptions = {},
): Promise<Model> {
  if ((catalog.settings["block_size"] ?? BLOCK_SIZE) !== BLOCK_SIZE)
    throw modelFailed("The server's block size is not 8192 bytes", undefined);
  const parser = await loadParser();
  const report = (step: string): void => {
    options.signal?.throwIfAborted();
    options.onProgress?.({ step });
  };
  report("starting the model");
  const engine = await openEngine({
    cacheDir: options.cacheDir,
    collationIsC: catalog.collationIsC,
    extensions: [...catalog.extensions.keys()],
    timeLimitMs: options.timeLimitMs,
    signal: options.signal,
  });
  try {
    report("copying the schema");
    const copied = await copySchema({ target, catalog, tables: options.tables }, engine);
    report("copying statistics");
    const without = await copyStatistics(target, engine, copied.relations);
    const extended = await copyExtended(target, engine, copied.relations);
    report("sizing tables");
    const oids = copied.relations.flatMap((r) => [r.oid, ...r.indexes.map(({ oid }) => oid)]);
    const sizes = await readSizes(target, oids);
    const relations = await sizeRelations(engine, copied.relations, sizes);
    const planner = plannerOf({
      engine,
      relations,
      expressions: await readExpressions(target, copied.relations),
      indexNames: new Map(copied.relations.flatMap(namesOf)),
      parser,
      major: target.major,
    });
    return {
      ...planner,
      missing: copied.missing,
      notes: [
        ...copied.notes,
        ...extended,
        ...columnNotes(without),
        ...indexNotes(relations.withoutIndex),
        ...(engine.isCached ? [] : [NOT_CACHED]),
      ],
    };
  } catch (error) {
    await using _ended = engine;
    engine.throwIfEnded();
    options.signal?.throwIfAborted();
    if (error instanceof DoctorError && error.code !== "HST_DOCTOR_MODEL") throw error;
    throw modelFailed("The model could not be made", error);
  }
}

const NOT_CACHED =
  "The model's PostgreSQL could not be kept in the cache directory: every run makes it anew, which takes seconds.";

/** Tables named in a note at most. */
const NAMED_MAX = 5;

function indexNotes(tables: readonly string[]): readonly string[] {
  if (tables.length === 0) return [];
  const names = [...new Set(tables)].sort();
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : "";
  return [
    `The model lacks ${tables.length} existing ${tables.length === 1 ? "index" : "indexes"} of a kind it does not know, on ${names.slice(0, NAMED_MAX).join(", ")}${more}.`,
  ];
}

function namesOf(relation: Relation): readonly (readonly [number, string])[] {
  return relation.indexes.map((index) => [index.oid, indexName(relation, index)] as const);
}

/** Columns named in a note at most. */
const COLUMNS_MAX = 5;

function columnNotes(columns: readonly string[]): readonly string[] {
  if (columns.length === 0) return [];
  const more = columns.length > COLUMNS_MAX ? ` and ${columns.length - COLUMNS_MAX} more` : "";
  return [
    `The model could not take all statistics of ${columns.slice(0, COLUMNS_MAX).join(", ")}${more}.`,
  ];
}

/**
 * A column whose statistics are refused (a type that reads differently) has none; answers with the
 * names of those, of tables alone: an index that is not there is told of itself.
 */
async function copyStatistics(
  target: Target,
  engine: Engine,
  relations: readonly Relation[],
): Promise<readonly string[]> {
  const tables = new Set(relations.map(({ schema, name }) => `${schema}\0${name}`));
  const without = new Set<string>();
  for await (const rows of readStatistics(target, relations))
    for (const row of rows)
      if (!(await restored(engine, row)) && tables.has(`${row.schema}\0${row.table}`))
        without.add(`${row.table}.${row.column}`);
  return [...without];
}

async function restored(engine: Engine, row: ColumnStatistics): Promise<boolean> {
  const { text, values } = restoreColumn(row);
  try {
    const [answer] = await engine.rows<{ restored: boolean }>(text, values);
    return answer?.restored === true;
  } catch {
    engine.throwIfEnded();
    return false;
  }
}
