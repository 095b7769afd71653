import { quoteQualified } from "hasten/postgres";
import type { Relation } from "../catalog/types.ts";
import { treeBlocks, writeEmptyTree } from "./btree-pages.ts";
import type { Engine } from "./engine.ts";
import { setBlocks } from "./files.ts";
import { entryBytes, treeHeight } from "./size.ts";
import { type RelationSize, restoreRelation } from "./statistics.ts";

/** Relations of the model, by their oids on the target. */
export interface ModelRelations {
  readonly byOid: ReadonlyMap<number, Relation>;
  /** Tables' files and their number of blocks; of a partitioned table there is none. */
  readonly heaps: ReadonlyMap<number, Heap>;
  /** Names of tables of which an existing index could not be had. */
  readonly withoutIndex: readonly string[];
  /** Leaf partitions, or the table itself. */
  leaves(oid: number): readonly Heap[];
}

export interface Heap {
  readonly relation: Relation;
  readonly file: string;
  readonly blocks: number;
  /** Rows that the planner assumes: its density times the blocks. */
  readonly rows: number;
}

/** Gives every table and index of the model its size and numbers; indexes also their height. */
export async function sizeRelations(
  engine: Engine,
  relations: readonly Relation[],
  sizes: readonly RelationSize[],
): Promise<ModelRelations> {
  const byOid = new Map(sizes.map((size) => [size.oid, size]));
  const heaps = new Map<number, Heap>();
  const withoutIndex: string[] = [];
  for (const relation of relations) {
    if (relation.kind !== "table" && relation.kind !== "materialized") continue;
    const size = byOid.get(relation.oid);
    if (size === undefined) continue;
    for (const index of relation.indexes) {
      const own = byOid.get(index.oid);
      if (own === undefined || !index.valid) continue;
      if (!(await sizeIndex(engine, relation, { index, size: own })))
        withoutIndex.push(relation.name);
    }
    const file = await fileOf(engine, [relation.schema, relation.name]);
    if (file === undefined) continue;
    await restore(engine, size);
    setBlocks(file, size.blocks);
    heaps.set(relation.oid, { relation, file, blocks: size.blocks, rows: assumedRows(size) });
  }
  return {
    byOid: new Map(relations.map((r) => [r.oid, r])),
    heaps,
    withoutIndex,
    leaves: leavesOf(relations, heaps),
  };
}

/** As PostgreSQL does: the density of the last ANALYZE on today's number of blocks. */
function assumedRows(size: RelationSize): number {
  if (size.rows < 0) return -1;
  return size.pages > 0 ? Math.round((size.rows / size.pages) * size.blocks) : size.rows;
}

async function sizeIndex(
  engine: Engine,
  relation: Relation,
  own: { index: Relation["indexes"][number]; size: RelationSize },
): Promise<boolean> {
  const { index, size } = own;
  const file = await fileOf(engine, [relation.schema, index.name]);
  if (file === undefined) return false;
  await restore(engine, size);
  const keys = index.keys.map(({ column }) => ({
    column,
    sql: "",
    descending: false,
    nullsFirst: false,
    opclass: undefined,
  }));
  const height =
    index.method === "btree"
      ? treeHeight(size.blocks, entryBytes({ method: "btree", keys, include: [] }, relation))
      : 0;
  writeEmptyTree(file, height);
  setBlocks(file, Math.max(size.blocks, treeBlocks(height)));
  return true;
}

async function restore(engine: Engine, size: RelationSize): Promise<void> {
  const { text, values } = restoreRelation(size);
  await engine.rows(text, values);
}

async function fileOf(engine: Engine, names: readonly string[]): Promise<string | undefined> {
  const [row] = await engine.rows<{ path: string | null }>(
    "select pg_relation_filepath(to_regclass($1::text)) as path",
    [quoteQualified(names)],
  );
  return row?.path === null || row?.path === undefined ? undefined : engine.file(row.path);
}

function leavesOf(
  relations: readonly Relation[],
  heaps: ReadonlyMap<number, Heap>,
): (oid: number) => readonly Heap[] {
  const partitions = new Map<number, number[]>();
  for (const { oid, isPartition, parents } of relations)
    if (isPartition)
      for (const parent of parents)
        partitions.set(parent, [...(partitions.get(parent) ?? []), oid]);
  return (oid) => {
    const found: Heap[] = [];
    const waiting = [oid];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const heap = heaps.get(next);
      if (heap !== undefined) found.push(heap);
      waiting.push(...(partitions.get(next) ?? []));
    }
    return found;
  };
}
