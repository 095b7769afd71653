import { rawName, totalOf } from "../fields.ts";
import type { Plan, PlanNode, PlanRule, RuleHit } from "../types.ts";

const ROWS_MIN = 10_000;

export const cteMaterialised: PlanRule = {
  id: "plan/cte-materialised",
  number: 29,
  needs: "analyzed",
  find: bigCtes,
};

function bigCtes(plan: Plan): readonly RuleHit[] {
  const scans = new Map<string, PlanNode[]>();
  for (const node of plan.nodes) {
    const name = rawName(node.raw, "CTE Name");
    if (node.type !== "CTE Scan" || name === undefined || node.actual === undefined) continue;
    scans.set(name, [...(scans.get(name) ?? []), node]);
  }
  return [...scans].flatMap(([name, nodes]): readonly RuleHit[] => {
    const most = nodes.reduce((a, b) => (readBy(b) > readBy(a) ? b : a));
    const loops = most.actual?.loops ?? 1;
    const source = plan.nodes.find((it) => it.raw["Subplan Name"] === `CTE ${name}`);
    const bound = source?.type === "ModifyTable" || source?.type === "Recursive Union";
    if (readBy(most) <= ROWS_MIN || (bound && loops <= 1)) return [];
    return [
      {
        node: most.index,
        severity: "warning",
        scope: "own",
        title: `The rows of CTE ${name} are stored and then read one by one, without an index`,
        evidence: [
          { label: "rows read from it", value: readBy(most), unit: "rows" },
          {
            label: "times it was read",
            value: nodes.length === 1 ? loops : nodes.length,
            unit: "count",
          },
        ],
        why: "What is outside of a materialised CTE cannot narrow it: all its rows are made, kept (on disk beyond work_mem) and scanned for each use.",
        fix: {
          kind: "advice",
          text:
            nodes.length === 1 && !bound
              ? `Write "with ${name} as not materialized (…)", so that conditions reach its tables and their indexes.`
              : "Put its rows into a temporary table with an index and ANALYZE it, or repeat the part that each use needs as a subquery.",
        },
      },
    ];
  });
}

function readBy(node: PlanNode): number {
  return (node.actual?.rowsTotal ?? 0) + totalOf(node, "Rows Removed by Filter");
}
