import { numberOf } from "../fields.ts";
import type { Plan, PlanRule, RuleHit } from "../types.ts";

export const workersNotLaunched: PlanRule = {
  id: "plan/workers-not-launched",
  number: 28,
  needs: "analyzed",
  find: missingWorkers,
};

function missingWorkers(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    const planned = numberOf(node, "Workers Planned") ?? 0;
    const launched = numberOf(node, "Workers Launched");
    if (node.actual === undefined || launched === undefined || launched >= planned) return [];
    return [
      {
        node: node.index,
        severity: "info",
        scope: "subtree",
        title: `${node.type} got ${launched} of the ${planned} parallel workers that it was planned with`,
        evidence: [
          { label: "workers planned", value: planned, unit: "count" },
          { label: "workers launched", value: launched, unit: "count" },
        ],
        why: "The plan was chosen for more processes than there were: it may be slower than a plan for one.",
        fix: {
          kind: "advice",
          text: "If it happens often, raise max_parallel_workers (and max_worker_processes) towards the number of cores, or lower max_parallel_workers_per_gather so that fewer queries ask.",
        },
      },
    ];
  });
}
