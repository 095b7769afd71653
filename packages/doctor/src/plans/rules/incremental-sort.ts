import { listOf } from "../fields.ts";
import type { Plan, PlanNode, PlanRule, RuleHit } from "../types.ts";
import { sortIndex } from "./columns.ts";
import { gravityOf, kilobytes } from "./shape.ts";
import { sqlFix } from "./sql.ts";

export const incrementalSortSpill: PlanRule = {
  id: "plan/incremental-sort-spill",
  number: 8,
  needs: "analyzed",
  find: spilledGroups,
};

function spilledGroups(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    const peakKb = node.type === "Incremental Sort" ? peakOnDisk(node) : 0;
    if (peakKb === 0) return [];
    const presorted = listOf(node, "Presorted Key").length;
    const [scan] = node.children;
    const hit: RuleHit = {
      node: node.index,
      severity: gravityOf(node),
      title: "An incremental sort met groups too large for memory and sorted them on disk",
      evidence: [
        { label: "largest group on disk", value: kilobytes(peakKb), unit: "bytes" },
        { label: "keys sorted already", value: presorted, unit: "count" },
        { label: "keys", value: listOf(node, "Sort Key").length, unit: "count" },
        { label: "own time", value: node.actual?.ownMs ?? 0, unit: "ms" },
      ],
      why: "The rows come in the order of the first keys, and rows equal in these are sorted by the rest. Few distinct values in the first keys make groups that are almost the whole table, and such a sort goes to disk.",
      fix: sqlFix(
        [scan === undefined ? undefined : sortIndex(node, scan)],
        "An index with all keys of the order, in their directions, gives the rows sorted, and a LIMIT then reads only what it shows. It replaces the index with the first keys alone.",
      ),
    };
    return [hit];
  });
}

/** Kilobytes of the largest group that went to disk, in the leader or a worker. */
function peakOnDisk(node: PlanNode): number {
  const workers: unknown = node.raw["Workers"];
  const sorts = [node.raw, ...(Array.isArray(workers) ? workers.slice(0, 100) : [])];
  let peak = 0;
  for (const sort of sorts) {
    for (const groups of ["Full-sort Groups", "Pre-sorted Groups"]) {
      const used = within(within(within(sort, groups), "Sort Space Disk"), "Peak Sort Space Used");
      if (typeof used === "number") peak = Math.max(peak, used);
    }
  }
  return peak;
}

function within(value: unknown, field: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[field]
    : undefined;
}
