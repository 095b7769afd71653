import type { Plan, PlanRule, RuleHit } from "../types.ts";

const SHARE_MIN = 0.2;
const MS_MIN = 5;

export const triggerTime: PlanRule = {
  id: "plan/trigger-time",
  number: 32,
  needs: "analyzed",
  find: triggers,
};

function triggers(plan: Plan): readonly RuleHit[] {
  const { executionMs } = plan;
  if (executionMs === undefined) return [];
  return plan.triggers.flatMap((trigger): readonly RuleHit[] => {
    const share = trigger.ms / Math.max(executionMs, 0.001);
    if (trigger.ms < MS_MIN || share <= SHARE_MIN) return [];
    const { constraint } = trigger;
    return [
      {
        node: plan.root.index,
        severity: "warning",
        scope: { ms: trigger.ms },
        title:
          constraint === undefined
            ? `Trigger ${trigger.name} takes much of the statement's time`
            : `Checking constraint ${constraint} takes much of the statement's time`,
        evidence: [
          { label: "time in it", value: trigger.ms, unit: "ms" },
          { label: "of the execution", value: Math.min(share, 1), unit: "share" },
          { label: "calls", value: trigger.calls, unit: "count" },
        ],
        why:
          constraint === undefined
            ? "It runs once for each row, inside the statement's transaction."
            : "For each deleted or changed row the referencing table is searched; without an index on the referencing columns that is a scan of the whole table.",
        fix: {
          kind: "advice",
          text:
            constraint === undefined
              ? "Review what the trigger does; let it run once a statement with transition tables, or only WHEN its columns change."
              : "Create an index on the referencing columns of the foreign key.",
        },
      },
    ];
  });
}
