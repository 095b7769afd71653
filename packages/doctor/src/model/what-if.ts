import { quoteIdentifier, quoteQualified } from "hasten/postgres";
import { bodyOf } from "../candidates/definition.ts";
import type { Candidate } from "../candidates/types.ts";
import { treeBlocks, writeEmptyTree } from "./btree-pages.ts";
import { type Engine, sqlstateOf } from "./engine.ts";
import { type ExpressionStatistics, restoreExpressions } from "./expressions.ts";
import { setBlocks } from "./files.ts";
import type { Heap, ModelRelations } from "./relations.ts";
import { entryBytes, estimateIndexSize, treeHeight } from "./size.ts";
import type { IndexChange, Refused } from "./types.ts";

export interface WhatIf {
  readonly engine: Engine;
  readonly relations: ModelRelations;
  readonly expressions: ExpressionStatistics;
  /** Quoted names of the model's indexes by their oids on the target. */
  readonly indexNames: ReadonlyMap<number, string>;
}

export interface Applied {
  /** Name of an index in the model, and the candidate that it stands for. */
  readonly ids: ReadonlyMap<string, string>;
  readonly refused: readonly Refused[];
}

/** Under which the share of rows that a predicate leaves of one table is kept. */
export function shareKey(oid: number, predicate: string): string {
  return `${oid} ${predicate}`;
}

const PREFIX = "hasten_what_if_";
const SAVEPOINT = "candidate";

/**
 * Creates the indexes of a change in the open transaction and sizes them. The tables are made empty
 * meanwhile, so that nothing is read; afterwards they have their sizes again, whatever happened.
 */
export async function applyChange(
  model: WhatIf,
  change: IndexChange,
  shares: ReadonlyMap<string, number>,
): Promise<Applied> {
  await hide(model, change.drop);
  const heaps = new Set(change.add.flatMap(({ relation }) => model.relations.leaves(relation)));
  const ids = new Map<string, string>();
  const refused: Refused[] = [];
  try {
    for (const { file } of heaps) setBlocks(file, 0);
    for (const [at, candidate] of change.add.entries()) {
      const because = await attempt(model.engine, async () => {
        for (const name of await create(model, candidate, { name: `${PREFIX}${at}`, shares }))
          ids.set(name, candidate.id);
      });
      if (because !== undefined) refused.push({ candidate: candidate.id, because });
    }
  } finally {
    await restoreSizes(model.engine, heaps);
  }
  return { ids, refused };
}

/** A model whose tables cannot have their sizes again (no room, no files left) must not go on. */
async function restoreSizes(engine: Engine, heaps: Iterable<Heap>): Promise<void> {
  try {
    for (const { file, blocks } of heaps) setBlocks(file, blocks);
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
}

/** An index that is not valid is none to the planner; one that backs a constraint can be taken so. */
async function hide(model: WhatIf, oids: readonly number[]): Promise<void> {
  const names = oids.flatMap((oid) => model.indexNames.get(oid) ?? []);
  if (names.length === 0) return;
  await model.engine.rows(
    `update pg_catalog.pg_index set indisvalid = false where indexrelid in (
      select t.relid from unnest($1::text[]) n (name), pg_partition_tree(n.name::regclass) t)
      or indexrelid = any (select n.name::regclass from unnest($1::text[]) n (name))`,
    [names],
  );
}

/** Undoes a failure; answers with what may be told of it. `work` sets and releases the savepoint. */
async function attempt(engine: Engine, work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    await engine.run(`rollback to savepoint ${SAVEPOINT}; release savepoint ${SAVEPOINT}`);
    return refusal(error);
  }
}

export function refusal(error: unknown): string {
  const sqlstate = sqlstateOf(error);
  return sqlstate === undefined
    ? "the model cannot create it"
    : `the model's PostgreSQL refuses it (SQLSTATE ${sqlstate})`;
}

/** Each exchange with the engine costs more than what it does: there are two. */
async function create(
  model: WhatIf,
  candidate: Candidate,
  options: { name: string; shares: ReadonlyMap<string, number> },
): Promise<readonly string[]> {
  await model.engine.run(`savepoint ${SAVEPOINT}`);
  const relation = model.relations.byOid.get(candidate.relation);
  if (relation === undefined) throw new Error("unknown relation");
  if (candidate.extension !== undefined)
    await model.engine.run(`create extension if not exists ${candidate.extension}`);
  const table = quoteQualified([relation.schema, relation.name]);
  const created = await model.engine.run(
    `create index ${quoteIdentifier(options.name)} on ${table} ${bodyOf(candidate)};
    ${partsQuery(options.name)}`,
  );
  const parts = created as readonly Part[];
  const leaves = model.relations.leaves(candidate.relation);
  const updates = parts.flatMap((part) => {
    const heap = leaves.find(
      ({ relation: r }) => r.schema === part.schema && r.name === part.table,
    );
    if (heap === undefined) return [];
    const key = shareKey(heap.relation.oid, candidate.predicate ?? "");
    return sizePart(model, candidate, { part, heap, share: options.shares.get(key) ?? 1 });
  });
  if (candidate.keys.some(({ column }) => column === undefined))
    await restoreExpressions(model.engine, model.expressions, {
      relation,
      parts,
      partial: candidate.predicate !== undefined,
    });
  await model.engine.run([...updates, `release savepoint ${SAVEPOINT}`].join(";"));
  return parts.map((part) => part.name);
}

interface Part {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  readonly path: string | null;
}

/** The index just made and those of its table's partitions; `name` is one of ours. */
function partsQuery(name: string): string {
  return `select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as name,
      h.relname as table, pg_relation_filepath(c.oid) as path
    from (
      select coalesce(t.relid, r.oid) as oid from pg_catalog.pg_class r
      left join lateral pg_catalog.pg_partition_tree(r.oid) t on true
      where r.relname = '${name}'
    ) made
    join pg_catalog.pg_class c on c.oid = made.oid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_index i on i.indexrelid = c.oid
    join pg_catalog.pg_class h on h.oid = i.indrelid`;
}

/** Gives the file its size; answers with the statement that gives the numbers. */
function sizePart(
  model: WhatIf,
  candidate: Candidate,
  own: { part: Part; heap: Heap; share: number },
): readonly string[] {
  const { part, heap, share } = own;
  if (part.path === null) return [];
  const relation = { ...heap.relation, rows: heap.rows, pages: heap.blocks };
  const size = estimateIndexSize(candidate, relation, share);
  const height =
    candidate.method === "btree" ? treeHeight(size.pages, entryBytes(candidate, relation)) : 0;
  const file = model.engine.file(part.path);
  writeEmptyTree(file, height);
  setBlocks(file, Math.max(size.pages, treeBlocks(height)));
  return [
    `update pg_catalog.pg_class set relpages = ${size.pages}, reltuples = ${size.rows} where oid = ${part.oid}`,
  ];
}
