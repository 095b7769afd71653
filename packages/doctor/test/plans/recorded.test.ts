/** Every rule on the plans that PostgreSQL 14 to 18 gave: it finds its own case, and not the near miss. */
import { MAJORS } from "hasten-tools/postgres-versions";
import { describe, expect, test } from "vitest";
import { contextOf } from "../../src/plans/facts.ts";
import { findInPlan } from "../../src/plans/find.ts";
import { readPlan } from "../../src/plans/read.ts";
import { PLAN_RULES } from "../../src/plans/rules.ts";
import type { Plan, PlanFinding } from "../../src/plans/types.ts";
import { HEALTHY } from "./healthy.ts";
import { readRecording } from "./recordings.ts";
import type { RecordedPlan } from "./run-scenario.ts";
import { fileOf, majorsOf } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/all.ts";

function planOf(recorded: RecordedPlan): Plan {
  const plan = readPlan(recorded.explain);
  if (plan === undefined) throw new Error("not a plan");
  return plan;
}

function findingsIn(recorded: RecordedPlan): readonly PlanFinding[] {
  return findInPlan(planOf(recorded), contextOf(recorded.major, recorded.relations));
}

describe.for(SCENARIOS.map((it) => [fileOf(it), it] as const))("%s", ([file, scenario]) => {
  const recordings = readRecording(file);

  test.for(majorsOf(scenario))("PostgreSQL %i", (major) => {
    const [positive, negative] = (["positive", "negative"] as const).map((kind) =>
      recordings.find((it) => it.major === major && it.case === kind),
    );
    if (positive === undefined || negative === undefined) throw new Error("not recorded");
    expect(findingsIn(positive).map((it) => it.id)).toContain(scenario.rule);
    expect(findingsIn(negative).map((it) => it.id)).not.toContain(scenario.rule);
  });
});

test("every rule has a scenario", () => {
  const covered = new Set(SCENARIOS.map((it) => it.rule));
  expect(PLAN_RULES.map((rule) => rule.id).filter((id) => !covered.has(id))).toEqual([]);
});

test.for(MAJORS)("nothing is found in healthy plans of PostgreSQL %i", (major) => {
  const plans = readRecording("healthy.json").filter((it) => it.major === major);
  expect(plans.length).toBeGreaterThanOrEqual(20);
  expect(plans).toHaveLength(HEALTHY.length);
  const found = plans.flatMap((recorded, at) =>
    findingsIn(recorded).map((it) => `${HEALTHY[at]}: ${it.id}`),
  );
  expect(found).toEqual([]);
});

/** Of every recorded plan: its nodes' own times add up to the time of the whole. */
test.for(["healthy.json", ...SCENARIOS.map(fileOf)])("own times of %s add up", (file) => {
  for (const recorded of readRecording(file)) {
    const plan = planOf(recorded);
    const own = plan.nodes.reduce((total, node) => total + (node.actual?.ownMs ?? 0), 0);
    const whole = plan.root.actual?.totalMs ?? 0;
    expect(Math.abs(own - whole), `PostgreSQL ${recorded.major}`).toBeLessThanOrEqual(
      Math.max(0.02 * whole, 0.002),
    );
  }
});

test.for(["healthy.json", ...SCENARIOS.map(fileOf)])("%s tells nothing of the machine", (file) => {
  const text = JSON.stringify(readRecording(file));
  expect(text).not.toMatch(/\/(?:tmp|home|root|work|var|usr)\/|hasten-pg-|127\.0\.0\.1/);
});
