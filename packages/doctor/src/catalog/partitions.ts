import type { BareRelation } from "./rows.ts";
import type { Activity } from "./types.ts";

/** Gives each partitioned table the sums over its leaf partitions; it has no file of its own. */
export function sumPartitions(relations: readonly BareRelation[]): readonly BareRelation[] {
  const children = new Map<number, BareRelation[]>();
  for (const relation of relations) {
    if (!relation.isPartition) continue;
    for (const parent of relation.parents) {
      const list = children.get(parent) ?? [];
      list.push(relation);
      children.set(parent, list);
    }
  }
  return relations.map((relation) =>
    relation.kind === "partitioned" ? summed(relation, leaves(relation, children)) : relation,
  );
}

function leaves(
  root: BareRelation,
  children: ReadonlyMap<number, readonly BareRelation[]>,
): readonly BareRelation[] {
  const found: BareRelation[] = [];
  const waiting = [root];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.kind === "partitioned") waiting.push(...(children.get(next.oid) ?? []));
    else found.push(next);
  }
  return found;
}

function summed(relation: BareRelation, parts: readonly BareRelation[]): BareRelation {
  const analysed = parts.filter(({ rows }) => rows >= 0);
  const activity = (name: keyof Activity): number =>
    parts.reduce((sum, part) => sum + part.activity[name], 0);
  return {
    ...relation,
    pages: parts.reduce((sum, { pages }) => sum + pages, 0),
    rows: analysed.length === 0 ? -1 : analysed.reduce((sum, { rows }) => sum + rows, 0),
    allVisiblePages: parts.reduce((sum, { allVisiblePages }) => sum + allVisiblePages, 0),
    activity: {
      seqScans: activity("seqScans"),
      seqRowsRead: activity("seqRowsRead"),
      indexScans: activity("indexScans"),
      inserted: activity("inserted"),
      updated: activity("updated"),
      hotUpdated: activity("hotUpdated"),
      deleted: activity("deleted"),
      liveRows: activity("liveRows"),
      deadRows: activity("deadRows"),
    },
  };
}
