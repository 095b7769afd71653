/** A plan may come from anybody's file: whatever its fields hold, it is read, judged and drawn, or refused. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { contextOf } from "../../src/plans/facts.ts";
import { findInPlan } from "../../src/plans/find.ts";
import { readPlan } from "../../src/plans/read.ts";
import { planTreeHtml } from "../../src/plans/tree/html.ts";
import { planTree } from "../../src/plans/tree/terminal.ts";
import { readRecording } from "./recordings.ts";
import { fileOf } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/all.ts";

const PLANS = SCENARIOS.flatMap((scenario) =>
  readRecording(fileOf(scenario)).filter(({ major }) => major === 15 || major === 18),
);

const ODD = fc.oneof(
  fc.constantFrom<unknown>(null, -1, 0, 1e308, "", "x".repeat(300), [], {}, true, "\u0000", '"'),
  fc.string(),
  fc.double(),
  fc.constantFrom("Aggregate", "CTE Scan", "Append", "Limit", "Gather", "Merge Join", "Hash"),
);

/** The same with some of its fields replaced. */
function damaged(value: unknown, odd: () => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => damaged(item, odd));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, item]) => {
      const other = odd();
      return [field, other === undefined ? damaged(item, odd) : other];
    }),
  );
}

test("rules and trees bear a plan with any field damaged", () => {
  let read = 0;
  fc.assert(
    fc.property(fc.constantFrom(...PLANS), fc.gen(), (recorded, g) => {
      const explain = damaged(recorded.explain, () =>
        g(fc.nat, { max: 29 }) === 0 ? g(() => ODD) : undefined,
      );
      const plan = readPlan(explain);
      if (plan === undefined) return;
      read += 1;
      const findings = findInPlan(plan, contextOf(recorded.major, recorded.relations));
      for (const { share } of findings) expect(share >= 0 && share <= 1).toBe(true);
      for (const line of planTree(plan, findings, { width: 80 }).split("\n"))
        expect([...line].length).toBeLessThanOrEqual(80);
      expect(planTreeHtml(plan, findings)).not.toContain("<script");
    }),
    { numRuns: 400 },
  );
  expect(read).toBeGreaterThan(100);
});
