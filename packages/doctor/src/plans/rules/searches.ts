import { labelOf, numberOf } from "../fields.ts";
import type { Plan, PlanRule, RuleHit } from "../types.ts";

const SEARCHES_PER_LOOP_MIN = 100;

export const manyIndexSearches: PlanRule = {
  id: "plan/many-index-searches",
  number: 31,
  needs: "analyzed",
  find: searches,
};

/** Told by PostgreSQL 18 and newer, counted over all loops. */
function searches(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    const count = numberOf(node, "Index Searches") ?? 0;
    const loops = node.actual?.loops ?? 0;
    if (loops === 0 || count / loops <= SEARCHES_PER_LOOP_MIN) return [];
    return [
      {
        node: node.index,
        severity: "warning",
        title: `${labelOf(node)} searches the index ${Math.round(count / loops)} times in one scan`,
        evidence: [
          { label: "index searches", value: count, unit: "count" },
          { label: "scans", value: loops, unit: "count" },
        ],
        why: "Each search descends from the root: either the condition lists many values, or the index's first column is not in the condition and is skipped through value by value.",
        fix: {
          kind: "advice",
          text: "If the first column of the index is not in the condition, create an index that begins with the condition's columns. For a long list of values join with unnest($1::…[]), or ask for a range.",
        },
      },
    ];
  });
}
