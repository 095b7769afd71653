/** No finding, and no plan in a report, shows a constant of the statement. */
import { expect, test } from "vitest";
import { contextOf } from "../../src/plans/facts.ts";
import { findInPlan } from "../../src/plans/find.ts";
import { readPlan } from "../../src/plans/read.ts";
import { withoutValues } from "../../src/report/plan-values.ts";
import { readRecording } from "./recordings.ts";
import { fileOf } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/all.ts";

const WORD = "CANARY7f3";
const NUMBER = "987654321";
const CONDITION =
  /Cond$|Filter$|^Output$|Key$|^Order By$|^Function Call$|^Values$|^Sampling Parameters$/;

/** The same plan with every constant of its expressions replaced by one that is easy to find. */
function poisoned(value: unknown, field = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => poisoned(item, field));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, poisoned(item, name)]),
    );
  }
  if (typeof value !== "string" || !CONDITION.test(field)) return value;
  return value
    .replace(/'(%?)[^']*'/g, `'$1${WORD} (x = ''${WORD}'') ${WORD}'`)
    .replace(/(?<![\w$"'.]|Plan )\d+(?![\w"'])/g, NUMBER);
}

const recordings = SCENARIOS.flatMap((scenario) =>
  readRecording(fileOf(scenario)).map((recorded) => ({ scenario, recorded })),
);

test("findings hold no constant", () => {
  let poisonedPlans = 0;
  for (const { scenario, recorded } of recordings) {
    const explain = poisoned(recorded.explain);
    const plan = readPlan(explain);
    if (plan === undefined) throw new Error("not a plan");
    if (JSON.stringify(explain).includes(WORD)) poisonedPlans += 1;
    const findings = findInPlan(plan, contextOf(recorded.major, recorded.relations));
    const text = JSON.stringify(findings);
    const name = `${fileOf(scenario)} of ${recorded.major}`;
    expect(text.includes(WORD), name).toBe(false);
    expect(text.includes(NUMBER), name).toBe(false);
  }
  expect(poisonedPlans).toBeGreaterThan(50);
});

test("a plan as reports hold it has no constant, and is a plan of the same nodes", () => {
  for (const { scenario, recorded } of recordings) {
    const plan = readPlan(poisoned(recorded.explain));
    if (plan === undefined) throw new Error("not a plan");
    const bare = withoutValues(poisoned(recorded.explain));
    const text = JSON.stringify(bare);
    const name = `${fileOf(scenario)} of ${recorded.major}`;
    expect(text.includes(WORD), name).toBe(false);
    expect(text.includes(NUMBER), name).toBe(false);
    const again = readPlan(bare);
    expect(again?.nodes.map((node) => [node.type, node.relation, node.actual?.rowsTotal])).toEqual(
      plan.nodes.map((node) => [node.type, node.relation, node.actual?.rowsTotal]),
    );
  }
});
