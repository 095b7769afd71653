/** What the arithmetic makes of plans that PostgreSQL 14 to 18 gave. */
import { describe, expect, test } from "vitest";
import { rawNumber } from "../../src/plans/fields.ts";
import { readPlan } from "../../src/plans/read.ts";
import type { Plan, PlanNode } from "../../src/plans/types.ts";
import { readRecording } from "./recordings.ts";
import { fileOf } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/all.ts";

const files = ["healthy.json", ...SCENARIOS.map(fileOf)];
const plans = files.flatMap((file) =>
  readRecording(file).map((recorded) => {
    const plan = readPlan(recorded.explain);
    if (plan === undefined) throw new Error(`${file} holds no plan`);
    return { name: `${file} of ${recorded.major}, ${recorded.case}`, plan };
  }),
);
const run = plans.filter(({ plan }) => plan.analyzed);

/** Half a microsecond a loop, of the node and its children, and the clock's own unsteadiness. */
function unsteady(node: PlanNode, plan: Plan): number {
  const loops = node.children.reduce(
    (sum, child) => sum + (child.actual?.loops ?? 0),
    node.actual?.loops ?? 0,
  );
  return 0.0005 * loops + 0.02 * (plan.root.actual?.totalMs ?? 0) + 0.01;
}

test("there are recorded plans, with workers, loops, InitPlans and CTEs among them", () => {
  const types = new Set(run.flatMap(({ plan }) => plan.nodes.map((node) => node.type)));
  for (const type of ["Gather", "Nested Loop", "CTE Scan", "Hash Join", "Bitmap Heap Scan"]) {
    expect(types).toContain(type);
  }
  const relationships = new Set(
    run.flatMap(({ plan }) => plan.nodes.map((node) => node.relationship)),
  );
  for (const relationship of ["InitPlan", "SubPlan", "Inner"]) {
    expect(relationships).toContain(relationship);
  }
});

describe("of every recorded plan that was run", () => {
  test("own times are not negative and add up to the whole within 2 %", () => {
    for (const { name, plan } of run) {
      const own = plan.nodes.map((node) => node.actual?.ownMs ?? 0);
      expect(Math.min(...own), name).toBeGreaterThanOrEqual(0);
      const sum = own.reduce((a, b) => a + b, 0);
      const whole = plan.root.actual?.totalMs ?? 0;
      expect(Math.abs(sum - whole), name).toBeLessThanOrEqual(Math.max(0.02 * whole, 0.002));
    }
  });

  test("that is no feat of scaling: children never outweigh their parent beyond rounding", () => {
    for (const { name, plan } of run) {
      for (const node of plan.nodes) {
        if (node.actual === undefined) continue;
        const below = node.children
          .filter((child) => child.relationship !== "InitPlan")
          .reduce((sum, child) => sum + (child.actual?.totalMs ?? 0), 0);
        expect(below - node.actual.totalMs, `${name}: ${node.path} ${node.type}`).toBeLessThan(
          unsteady(node, plan),
        );
      }
    }
  });

  test("shares are between 0 and 1 and add up to no more than 1", () => {
    for (const { name, plan } of run) {
      const shares = plan.nodes.map((node) => node.actual?.share ?? 0);
      expect(
        shares.every((share) => share >= 0 && share <= 1),
        name,
      ).toBe(true);
      expect(
        shares.reduce((a, b) => a + b, 0),
        name,
      ).toBeLessThanOrEqual(1.001);
    }
  });

  test("own blocks add up to the root's", () => {
    for (const { name, plan } of run) {
      const hits =
        (rawNumber(plan.root.raw, "Shared Hit Blocks") ?? 0) +
        (rawNumber(plan.root.raw, "Local Hit Blocks") ?? 0);
      const own = plan.nodes.reduce((sum, node) => sum + (node.actual?.blocks?.hit ?? 0), 0);
      expect(Math.abs(own - hits), name).toBeLessThanOrEqual(Math.max(0.02 * hits, 1));
    }
  });
});

test("the planner's costs are apportioned: none negative, the sum is the root's", () => {
  for (const { name, plan } of plans) {
    const own = plan.nodes.map((node) => node.cost.own);
    expect(Math.min(...own), name).toBeGreaterThanOrEqual(0);
    expect(
      own.reduce((a, b) => a + b, 0),
      name,
    ).toBeCloseTo(plan.root.cost.total, 1);
  }
});
