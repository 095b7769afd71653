import { quoteIdentifier, quoteQualified } from "hasten/postgres";
import { bodyOf } from "../candidates/definition.ts";
import type { Candidate } from "../candidates/types.ts";
import { treeBlocks, writeEmptyTree } from "./btree-pages.ts";
import { type Engine, sqlstateOf } from "./engine.ts";
import { type ExpressionStatistics, restoreExpressions } from "./expressions.ts";
import { setBlocks } from "./files.ts";
import type { Heap, ModelRelations } from "./relations.ts";
import { entryBytes, estimateIndexSize, treeHeight } from "./size.ts";
import { restoreRelation } from "./statistics.ts";
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
    for (const { file, blocks } of heaps) setBlocks(file, blocks);
  }
  return { ids, refused };
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

/** Undoes a failure; answers with what may be told of it. */
async function attempt(engine: Engine, work: () => Promise<void>): Promise<string | undefined> {
  await engine.run("savepoint candidate");
  try {
    await work();
    await engine.run("release savepoint candidate");
    return undefined;
  } catch (error) {
    await engine.run("rollback to savepoint candidate; release savepoint candidate");
    return refusal(error);
  }
}

export function refusal(error: unknown): string {
  const sqlstate = sqlstateOf(error);
  return sqlstate === undefined
    ? "the model cannot create it"
    : `the model's PostgreSQL refuses it (SQLSTATE ${sqlstate})`;
}

async function create(
  model: WhatIf,
  candidate: Candidate,
  options: { name: string; shares: ReadonlyMap<string, number> },
): Promise<readonly string[]> {
  const relation = model.relations.byOid.get(candidate.relation);
  if (relation === undefined) throw new Error("unknown relation");
  if (candidate.extension !== undefined)
    await model.engine.run(`create extension if not exists ${candidate.extension}`);
  const { name } = options;
  const table = quoteQualified([relation.schema, relation.name]);
  await model.engine.run(`create index ${quoteIdentifier(name)} on ${table} ${bodyOf(candidate)}`);
  const parts = await createdParts(model.engine, quoteQualified([relation.schema, name]));
  const leaves = model.relations.leaves(candidate.relation);
  for (const part of parts) {
    const heap = leaves.find(
      ({ relation: r }) => r.schema === part.schema && r.name === part.table,
    );
    if (heap === undefined) continue;
    const share = options.shares.get(shareKey(heap.relation.oid, candidate.predicate ?? "")) ?? 1;
    await sizePart(model, candidate, { part, heap, share });
  }
  await restoreExpressions(model.engine, model.expressions, {
    relation,
    parts,
    partial: candidate.predicate !== undefined,
  });
  return parts.map((part) => part.name);
}

export interface Part {
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  readonly path: string | null;
  readonly kind: string;
}

async function createdParts(engine: Engine, index: string): Promise<readonly Part[]> {
  return await engine.rows<Part>(
    `select n.nspname as schema, c.relname as name, h.relname as table, c.relkind::text as kind,
      pg_relation_filepath(c.oid) as path
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_index i on i.indexrelid = c.oid
    join pg_catalog.pg_class h on h.oid = i.indrelid
    where c.oid = $1::text::regclass
      or c.oid in (select relid from pg_partition_tree($1::text::regclass))`,
    [index],
  );
}

async function sizePart(
  model: WhatIf,
  candidate: Candidate,
  own: { part: Part; heap: Heap; share: number },
): Promise<void> {
  const { part, heap, share } = own;
  if (part.path === null) return;
  const relation = { ...heap.relation, rows: heap.rows, pages: heap.blocks };
  const size = estimateIndexSize(candidate, relation, share);
  const { text, values } = restoreRelation({
    schema: part.schema,
    name: part.name,
    pages: size.pages,
    rows: size.rows,
    visible: 0,
  });
  await model.engine.rows(text, values);
  const height =
    candidate.method === "btree" ? treeHeight(size.pages, entryBytes(candidate, relation)) : 0;
  const file = model.engine.file(part.path);
  writeEmptyTree(file, height);
  setBlocks(file, Math.max(size.pages, treeBlocks(height)));
}
