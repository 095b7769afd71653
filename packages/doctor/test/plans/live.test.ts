/** The same scenarios, run now on the run's PostgreSQL 18. */
import { freshDatabase } from "hasten-tools/vitest";
import { expect, test, vi } from "vitest";
import { contextOf } from "../../src/plans/facts.ts";
import { findInPlan } from "../../src/plans/find.ts";
import { readPlan } from "../../src/plans/read.ts";
import { HEALTHY, recordHealthy } from "./healthy.ts";
import { type RecordedPlan, runScenario } from "./run-scenario.ts";
import { fileOf } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/all.ts";

vi.setConfig({ testTimeout: 60_000 });

function idsIn(recorded: RecordedPlan | undefined): readonly string[] {
  const plan = readPlan(recorded?.explain);
  if (plan === undefined || recorded === undefined) throw new Error("not a plan");
  const context = contextOf(recorded.major, recorded.relations);
  return findInPlan(plan, context).map((it) => it.id);
}

const HERE = SCENARIOS.filter((it) => it.build === undefined);

test.for(HERE.map((it) => [fileOf(it), it] as const))("%s", async ([, scenario]) => {
  await using database = await freshDatabase();
  const [positive, negative] = await runScenario({ url: database.url, major: 18 }, scenario);
  expect(idsIn(positive)).toContain(scenario.rule);
  expect(idsIn(negative)).not.toContain(scenario.rule);
});

test("nothing is found in healthy plans", async () => {
  await using database = await freshDatabase();
  const plans = await recordHealthy({ url: database.url, major: 18 });
  const found = plans.flatMap((plan, at) => idsIn(plan).map((id) => `${HEALTHY[at]}: ${id}`));
  expect(found).toEqual([]);
});
