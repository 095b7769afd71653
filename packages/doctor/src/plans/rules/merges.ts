import type { Plan, PlanNode, PlanRule, RuleHit } from "../types.ts";

const SORT_SHARE_MIN = 0.5;
const SORTED_ROWS_MIN = 1_000;
const SORTS: ReadonlySet<string> = new Set(["Sort", "Incremental Sort"]);

export const mergeSorts: PlanRule = {
  id: "plan/merge-join-sorts",
  number: 35,
  needs: "analyzed",
  find: sortedMerges,
};

function sortedMerges(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    if (node.type !== "Merge Join" || node.actual === undefined) return [];
    const sorts = node.children.map(sortBelow).filter((sort) => sort !== undefined);
    const ms = sorts.reduce((total, sort) => total + (sort.actual?.ownMs ?? 0), 0);
    const rows = sorts.reduce((total, sort) => total + (sort.actual?.rowsTotal ?? 0), 0);
    if (rows < SORTED_ROWS_MIN || ms <= SORT_SHARE_MIN * node.actual.totalMs) return [];
    return [
      {
        node: node.index,
        severity: "warning",
        scope: { ms },
        title: "The merge join spends most of its time sorting what it joins",
        evidence: [
          { label: "sorting", value: ms, unit: "ms" },
          { label: "of the join", value: Math.min(ms / node.actual.totalMs, 1), unit: "share" },
          { label: "rows sorted", value: rows, unit: "rows" },
        ],
        why: "A merge join needs both sides in the order of the join key, and no index gives it.",
        fix: {
          kind: "advice",
          text: "Create an index on the join key of the larger side, which gives the order without sorting; or raise work_mem for this role, so that a hash join fits.",
        },
      },
    ];
  });
}

/** The sort that feeds this side, perhaps through nodes that keep the order. */
function sortBelow(side: PlanNode): PlanNode | undefined {
  if (SORTS.has(side.type)) return side;
  const passing =
    side.type === "Materialize" || side.type === "Unique" || side.type === "Gather Merge";
  const below = side.children[0];
  return passing && below !== undefined ? sortBelow(below) : undefined;
}
