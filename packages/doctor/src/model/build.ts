import type { Catalog, Relation } from "../catalog/types.ts";
import type { Target } from "../target/types.ts";
import { CONTRIB } from "./contrib.ts";
import { type Engine, sqlstateOf } from "./engine.ts";
import {
  BARRIERS,
  CLOSURE,
  COLLATIONS,
  COMPOSITES,
  CONSTRAINTS,
  DOMAINS,
  ENUMS,
  FUNCTIONS,
  RANGES,
  SCHEMAS,
  TABLES,
  TEXT_SEARCH,
} from "./schema-queries.ts";
import { detailSteps, extensionSteps, step, tableStep, viewSteps } from "./schema-steps.ts";
import type { ConstraintRow, Step, TableRow } from "./schema-types.ts";
import { applySettings } from "./settings.ts";
import {
  type CollationRow,
  type CompositeRow,
  collationStep,
  compositeStep,
  type DomainRow,
  domainStep,
  type EnumRow,
  enumStep,
  type Named,
  type RangeRow,
  rangeStep,
  schemaStep,
  textSearchStep,
} from "./type-steps.ts";

export interface Missing {
  readonly relation: number;
  readonly because: string;
}

export interface Copied {
  /** Relations that the copy has. */
  readonly relations: readonly Relation[];
  readonly missing: readonly Missing[];
  /** Sentences on what the copy lacks beside whole relations. */
  readonly notes: readonly string[];
}

/** Extensions that bring nothing that a statement is planned with. */
const HARMLESS = new Set(["plpgsql", "pg_stat_statements", "pg_buffercache", "hypopg", "pg_cron"]);

/** Objects that need each other are tried again at most so often. */
const ROUNDS_MAX = 20;

/**
 * Builds the target's schema in the engine, empty: schemas, extensions, collations, types, functions
 * in SQL and PL/pgSQL, tables, keys, indexes, foreign keys, checks and views. Left out: defaults,
 * triggers, rules, row security, checks of domains, procedures, aggregates,
 * operators and casts of users. `tables` are oids; with them comes what they are parts of.
 */
export async function copySchema(
  source: { target: Target; catalog: Catalog; tables: readonly number[] | undefined },
  engine: Engine,
): Promise<Copied> {
  const { target, catalog } = source;
  const relations = await wanted(source);
  const oids = relations.map(({ oid }) => oid);
  const tables = await target.rows<TableRow>(TABLES, [oids]);
  const constraints = await target.rows<ConstraintRow>(CONSTRAINTS, [oids]);
  const barriers = await target.rows<{ oid: number }>(BARRIERS, [oids]);
  await applyOnce(engine, await firstSteps(target, catalog));
  const settingNotes = await applySettings(engine, catalog);
  const possible = tables.filter((table) => unsupported(table) === undefined);
  const failed = await applyAll(engine, [
    ...(await objectSteps(target)),
    ...possible.map(tableStep),
    ...viewSteps(relations, new Set(barriers.map(({ oid }) => oid))),
  ]);
  const present = relations.filter(
    ({ oid, kind }) => !failed.has(oid) && (kind === "view" || possible.some((t) => t.oid === oid)),
  );
  await applyOnce(engine, detailSteps(present, constraints));
  return {
    relations: present,
    missing: missingOf(relations, { tables, failed }),
    notes: [...notesOf(catalog), ...settingNotes],
  };
}

/** `pg_stats` shows those of ranges from this version on. */
const RANGE_STATISTICS_SINCE = 17;

function notesOf(catalog: Catalog): readonly string[] {
  const lacking = [...catalog.extensions.keys()].filter(
    (name) => CONTRIB[name] === undefined && !HARMLESS.has(name),
  );
  const ranges = catalog.relations.some(({ columns }) =>
    columns.some(({ category }) => category === "R"),
  );
  return [
    ...(lacking.length === 0
      ? []
      : [`The model has no extension ${lacking.sort().join(", ")}: what uses it is not planned.`]),
    ...(ranges && catalog.major < RANGE_STATISTICS_SINCE
      ? ["This version does not show its statistics of range columns: the model plans without."]
      : []),
  ];
}

async function wanted(source: {
  target: Target;
  catalog: Catalog;
  tables: readonly number[] | undefined;
}): Promise<readonly Relation[]> {
  if (source.tables === undefined) return source.catalog.relations;
  const closed = await source.target.rows<{ oid: number }>(CLOSURE, [source.tables]);
  const oids = new Set(closed.map(({ oid }) => oid));
  return source.catalog.relations.filter(({ oid }) => oids.has(oid));
}

async function firstSteps(target: Target, catalog: Catalog): Promise<readonly Step[]> {
  const schemas = await target.rows<{ name: string }>(SCHEMAS);
  return [
    step("set client_min_messages = error"),
    step("set check_function_bodies = off"),
    ...schemas.map(({ name }) => schemaStep(name)),
    ...extensionSteps(catalog),
  ];
}

async function objectSteps(target: Target): Promise<readonly Step[]> {
  return [
    ...(await target.rows<CollationRow>(COLLATIONS)).map(collationStep),
    ...(await target.rows<EnumRow>(ENUMS)).map(enumStep),
    ...(await target.rows<DomainRow>(DOMAINS)).map(domainStep),
    ...(await target.rows<CompositeRow>(COMPOSITES)).map(compositeStep),
    ...(await target.rows<RangeRow>(RANGES)).map(rangeStep),
    ...(await target.rows<Named>(TEXT_SEARCH)).map(textSearchStep),
    ...(await target.rows<{ definition: string }>(FUNCTIONS)).map(({ definition }) =>
      step(definition),
    ),
  ];
}

/** In order, each once: what cannot be created is not needed by the rest. */
async function applyOnce(engine: Engine, steps: readonly Step[]): Promise<void> {
  for (const { sql } of steps) await tried(engine, sql);
}

/** Until all are done or none of a whole round succeeds; answers with the tables that failed. */
async function applyAll(
  engine: Engine,
  steps: readonly Step[],
): Promise<ReadonlyMap<number, string>> {
  let left = steps;
  let because = new Map<number, string>();
  for (let round = 0; round < ROUNDS_MAX && left.length > 0; round++) {
    const again: Step[] = [];
    because = new Map();
    for (const one of left) {
      const failure = await tried(engine, one.sql);
      if (failure === undefined) continue;
      again.push(one);
      if (one.table !== undefined) because.set(one.table, failure);
    }
    if (again.length === left.length) break;
    left = again;
  }
  return because;
}

async function tried(engine: Engine, sql: string): Promise<string | undefined> {
  try {
    await engine.run(sql);
    return undefined;
  } catch (error) {
    engine.throwIfEnded();
    return sqlstateOf(error) ?? "unknown";
  }
}

function unsupported(table: TableRow): string | undefined {
  if (table.kind === "f") return "a foreign table is planned by its own server";
  if (table.method !== null && table.method !== "heap")
    return `its access method ${table.method} is not PostgreSQL's own`;
  return undefined;
}

function missingOf(
  relations: readonly Relation[],
  found: { tables: readonly TableRow[]; failed: ReadonlyMap<number, string> },
): readonly Missing[] {
  const tables = new Map(found.tables.map((table) => [table.oid, table]));
  return relations.flatMap(({ oid, kind, readable }) => {
    const table = tables.get(oid);
    const because = reasonOf({ table, failure: found.failed.get(oid), readable, kind });
    return because === undefined ? [] : [{ relation: oid, because }];
  });
}

function reasonOf(input: {
  table: TableRow | undefined;
  failure: string | undefined;
  readable: boolean;
  kind: Relation["kind"];
}): string | undefined {
  const { table, failure } = input;
  if (table !== undefined && unsupported(table) !== undefined) return unsupported(table);
  if (failure !== undefined)
    return `it uses a type, function or extension that the model does not have (SQLSTATE ${failure})`;
  if (input.kind === "view") return undefined;
  if (!input.readable) return "this role may not read the table, and so not its statistics";
  if (table?.hidden === true) return "row security hides its statistics from this role";
  return undefined;
}
