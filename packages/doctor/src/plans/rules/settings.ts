import type { Plan, PlanRule, RuleHit } from "../types.ts";

/** What 17 and older add to the cost of a way that is switched off. */
const DISABLE_COST = 1e10;

export const settingsForced: PlanRule = {
  id: "plan/settings-forced",
  number: 36,
  needs: "any",
  find: forced,
};

function forced(plan: Plan): readonly RuleHit[] {
  // The ways that are off by default are listed when they are on, which forces nothing.
  const off = Object.entries(plan.settings)
    .filter(([name, value]) => name.startsWith("enable_") && value === "off")
    .map(([name]) => name)
    .filter((name) => /^[a-z_]{1,63}$/.test(name))
    .sort();
  const disabled = plan.nodes.filter(
    (node) => node.raw["Disabled"] === true || node.cost.startup >= DISABLE_COST,
  );
  const node = disabled.at(-1) ?? plan.root;
  if (off.length === 0 && disabled.length === 0) return [];
  return [
    {
      node: node.index,
      severity: "warning",
      scope: "subtree",
      title:
        off.length > 0
          ? `The planner is not free: ${off.join(", ")} off`
          : "The plan uses a way that is switched off, since there was no other",
      evidence: [
        { label: "ways switched off", value: off.length, unit: "count" },
        { label: "nodes that had to use one", value: disabled.length, unit: "count" },
      ],
      why: "A way that was switched off for one query is missing to all others in the same session, and later to this one, when the data has grown.",
      fix:
        off.length > 0
          ? {
              kind: "sql",
              statements: off.map((name) => `reset ${name};`),
              note: "Also where it was set: alter role/database … reset, postgresql.conf. Correct the estimate that misled the planner, or the index that is missing.",
            }
          : {
              kind: "advice",
              text: "Look for enable_* settings of the role, the database or postgresql.conf, and reset them.",
            },
    },
  ];
}
