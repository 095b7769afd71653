import type { Plan, PlanRule, RuleHit } from "../types.ts";

const JIT_SHARE_MIN = 0.2;
const JIT_MS_MIN = 50;
/** Above this, 50 ms of compiling pay off as a rule. */
const JIT_EXECUTION_MS = 500;
const JIT_MS_NOTICED = 5;
const PLANNING_MS_MIN = 10;

export const jitOverhead: PlanRule = {
  id: "plan/jit-overhead",
  number: 26,
  needs: "analyzed",
  find: compiling,
};

export const planningDominates: PlanRule = {
  id: "plan/planning-dominates",
  number: 27,
  needs: "analyzed",
  find: planning,
};

function compiling(plan: Plan): readonly RuleHit[] {
  const { jitMs: ms, executionMs } = plan;
  if (ms === undefined || executionMs === undefined || ms < JIT_MS_NOTICED) return [];
  const heavy = ms > JIT_SHARE_MIN * executionMs;
  if (!heavy && !(ms > JIT_MS_MIN && executionMs < JIT_EXECUTION_MS)) return [];
  return [
    {
      node: plan.root.index,
      severity: "warning",
      scope: { ms },
      title: "Compiling the query (JIT) takes a large part of running it",
      evidence: [
        { label: "compiling", value: ms, unit: "ms" },
        { label: "execution", value: executionMs, unit: "ms" },
      ],
      why: "The planner compiles when its cost estimate is high; when the estimate is too high, or the query short, the compiled code never earns its making.",
      fix: {
        kind: "sql",
        statements: ["alter role current_user set jit = off;"],
        note: "For an application with short queries; where long reports run too, raise jit_above_cost (to 500000, say) instead. Takes effect in new sessions.",
      },
    },
  ];
}

function planning(plan: Plan): readonly RuleHit[] {
  const { planningMs: ms, executionMs } = plan;
  if (ms === undefined || executionMs === undefined) return [];
  if (ms <= PLANNING_MS_MIN || ms <= executionMs) return [];
  return [
    {
      node: plan.root.index,
      severity: "warning",
      scope: { ms },
      title: "Planning the statement takes longer than running it",
      evidence: [
        { label: "planning", value: ms, unit: "ms" },
        { label: "execution", value: executionMs, unit: "ms" },
      ],
      why: "Every call plans anew unless it is prepared; the time grows with the number of joins, partitions and indexes, and with statistics targets.",
      fix: {
        kind: "advice",
        text: "Prepare the statement (a name in node-postgres) so that its plan is reused; name the partition key in the condition; join fewer tables at once; drop indexes that nothing uses.",
      },
    },
  ];
}
