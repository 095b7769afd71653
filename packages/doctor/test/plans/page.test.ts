/** docs/plan-findings.md and the rules say the same. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PLAN_RULES } from "../../src/plans/rules.ts";

const page = readFileSync(new URL("../../../../docs/plan-findings.md", import.meta.url), "utf8");
const rows = [
  ...page.matchAll(/^\| (\d+) \| `(plan\/[a-z-]+)`( °)? \| (.+) \| (.+) \| (.+) \|$/gm),
];

test("the page has a row of each rule, by its number, and no other", () => {
  const listed = rows.map(([, number, id, any]) => ({ number: Number(number), id, any: !!any }));
  const rules = PLAN_RULES.map(({ number, id, needs }) => ({ number, id, any: needs === "any" }));
  const byNumber = (a: { number: number }, b: { number: number }): number => a.number - b.number;
  expect(listed.sort(byNumber)).toEqual(rules.sort(byNumber));
});

test("rules are numbered from 1 to 36, in order, and their ids are unlike", () => {
  expect(PLAN_RULES.map(({ number }) => number)).toEqual(
    Array.from({ length: 36 }, (_, i) => i + 1),
  );
  expect(new Set(PLAN_RULES.map(({ id }) => id)).size).toBe(36);
});
