import { conditionOf, numberOf, subtreeOf, tableOf } from "../fields.ts";
import type { Plan, PlanContext, PlanNode, PlanRule, RuleHit } from "../types.ts";

const PARTITIONS_MIN = 10;
const CONDITIONS = ["Filter", "Index Cond", "Recheck Cond", "TID Cond"] as const;

export const pruningMissed: PlanRule = {
  id: "plan/partition-pruning-missed",
  number: 30,
  needs: "any",
  find: unpruned,
};

function unpruned(plan: Plan, context: PlanContext): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    if (node.type !== "Append" && node.type !== "Merge Append") return [];
    if ((numberOf(node, "Subplans Removed") ?? 0) > 0) return [];
    const members = node.children.filter(
      (child) => child.relationship === "Member" && (!plan.analyzed || child.actual !== undefined),
    );
    const first = members.flatMap(subtreeOf).find((it) => it.relation !== undefined);
    if (members.length <= PARTITIONS_MIN || first?.relation === undefined) return [];
    const key = context.relation(first.schema, first.relation)?.partitionKey;
    if (key === undefined || key.length === 0) return [];
    const conditions = members.flatMap(subtreeOf).flatMap(conditionsOf);
    // Without any condition all rows are wanted; with one on the key the rest was pruned already.
    if (conditions.length === 0 || conditions.some((it) => key.some((name) => names(it, name))))
      return [];
    return [
      {
        node: node.index,
        severity: "warning",
        scope: "subtree",
        title: `All ${members.length} partitions are read: the condition does not name the partition key`,
        evidence: [
          { label: "partitions read", value: members.length, unit: "count" },
          { label: "partition key", value: key.join(", ") },
          { label: "first of them", value: tableOf(first) },
        ],
        why: "Only a condition on the key tells which partitions can hold a row; without it each new partition makes the query slower.",
        fix: {
          kind: "advice",
          text: `Add ${key.join(", ")} to the condition, as a range if it is a time; if the query cannot know it, the table is partitioned by the wrong column for it.`,
        },
      },
    ];
  });
}

function conditionsOf(node: PlanNode): readonly string[] {
  return CONDITIONS.map((field) => conditionOf(node, field)).filter((it) => it !== undefined);
}

function names(condition: string, column: string): boolean {
  const within = condition.indexOf(column);
  if (within < 0) return false;
  const escaped = column.replaceAll(/[.*+?^${}()|[\]\\]/gu, "\\$&");
  return new RegExp(String.raw`(?<![\p{L}\p{N}_$])${escaped}(?![\p{L}\p{N}_$])`, "u").test(
    condition,
  );
}
