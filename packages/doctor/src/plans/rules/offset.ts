import type { Plan, PlanRule, RuleHit } from "../types.ts";

/** Rows that a page skips before keyset pagination is worth a change. */
const SKIPPED_MIN = 1_000;

export const offset: PlanRule = {
  id: "plan/offset",
  number: 25,
  needs: "analyzed",
  find: offsets,
};

function offsets(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    const below = node.children.find((child) => child.relationship === "Outer")?.actual;
    if (node.type !== "Limit" || node.actual === undefined || below === undefined) return [];
    // A limit stops the node below it: what that gave beyond the limit's rows was skipped.
    const skipped = (below.rowsTotal - node.actual.rowsTotal) / node.actual.loops;
    if (skipped <= SKIPPED_MIN) return [];
    return [
      {
        node: node.index,
        severity: "warning",
        scope: "subtree",
        title: `OFFSET made and threw away ${Math.round(skipped)} rows before the first that was wanted`,
        evidence: [
          { label: "rows skipped", value: skipped, unit: "rows" },
          { label: "rows returned", value: node.actual.rowsTotal, unit: "rows" },
        ],
        why: "Each page costs all pages before it: the further a reader goes, the slower it gets.",
        fix: {
          kind: "advice",
          text: "Page by key: keep the last row's sort values and ask for the rows after them, with an index in that order (hasten's `keyset` does it).",
        },
      },
    ];
  });
}
