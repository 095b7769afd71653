import { expect, test } from "vitest";
import {
  formatChange,
  formatCost,
  formatShare,
  formatStatement,
  oneLine,
} from "../../src/report/format.ts";
import { htmlReport } from "../../src/report/html/page.ts";
import { jsonReport } from "../../src/report/json.ts";
import { wrap } from "../../src/report/terminal/pen.ts";
import { terminalReport } from "../../src/report/terminal/render.ts";
import type { Report } from "../../src/report/types.ts";
import { fixtureReport } from "../../src/testing/fixture-report.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&amp;": "&",
};

const flat = (text: string): string => text.replace(/\s+/g, " ");

const terminal = (report: Report): string =>
  flat(terminalReport(report, { width: 200, color: false }));

const page = (report: Report): string =>
  flat(
    htmlReport(report)
      .replace(/<(?:b|\/b)>/g, "")
      .replace(/<[^>]*>/g, " ")
      .replace(/&(?:lt|gt|quot|amp|#39);/g, (entity) => ENTITIES[entity] ?? entity),
  );

test("terminal and page say the numbers of the JSON form", () => {
  const { score, indexes, coverage, findings } = JSON.parse(jsonReport(fixtureReport)) as Report;
  const told = [
    ...score.deductions.map(({ because }) => oneLine(because)),
    ...coverage.map(({ share }) => formatShare(share)),
    ...findings.map(({ title }) => oneLine(title)),
  ];
  for (const advice of indexes?.advice ?? []) {
    told.push(...advice.ddl.map(flat));
    if (advice.kind === "drop") continue;
    if (advice.savedShare > 0) told.push(`${formatShare(advice.savedShare)} of the time`);
    for (const { costBefore, costAfter } of advice.statements.filter((gain) => gain.costAfter > 0))
      told.push(
        `${formatCost(costBefore)} → ${formatCost(costAfter)}`,
        formatChange(costBefore, costAfter),
      );
  }
  const forms = { terminal: terminal(fixtureReport), page: page(fixtureReport) };
  expect(told.length).toBeGreaterThan(20);
  for (const [form, text] of Object.entries(forms))
    expect([form, told.filter((piece) => !text.includes(piece))]).toEqual([form, []]);
  expect(forms.terminal).toContain(`${score.value} ${score.word}`);
  expect(forms.page).toContain(`${score.value} ${score.word}`);
});

test("the deductions add up to what the score lacks", () => {
  const { value, deductions } = fixtureReport.score;
  expect(100 - deductions.reduce((sum, { points }) => sum + points, 0)).toBe(value);
});

const unseen: Report = {
  ...fixtureReport,
  score: { value: 100, word: "healthy", deductions: [] },
  findings: [],
  figures: undefined,
  plans: [],
  indexes: fixtureReport.indexes && { ...fixtureReport.indexes, advice: [] },
  coverage: [{ part: "indexes", share: 0, missing: ["no statement"] }],
};

test("where nothing was seen, nothing is called healthy", () => {
  for (const text of [terminal(unseen), page(unseen)]) {
    expect(text).toContain("not judged");
    expect(text).toContain("Whether an index is missing could not be seen.");
    expect(text).not.toMatch(/\b100 healthy|No index is missing|Nothing needs to be done/);
  }
});

test("what health saw is judged", () => {
  const coverage = [{ part: "health", share: 1, missing: [] }] as const;
  for (const text of [terminal({ ...unseen, coverage }), page({ ...unseen, coverage })])
    expect(text).toContain("100 healthy");
});

test("advice that was not planned says nothing of what writes cost", () => {
  const [made] = (fixtureReport.indexes?.advice ?? []).filter(({ kind }) => kind !== "drop");
  if (made === undefined || fixtureReport.indexes === undefined) throw new Error("no advice");
  const advice = [{ ...made, badge: "unverified", unverifiedBecause: "no right" } as const];
  const report = { ...fixtureReport, indexes: { ...fixtureReport.indexes, advice } };
  for (const text of [terminal(report), page(report)])
    expect(text).not.toMatch(/add(?:s|ed) to writes/);
});

test("a file's statements are shown with their weights", () => {
  const statements = fixtureReport.workload.statements.slice(0, 2);
  const workload = {
    ...fixtureReport.workload,
    statements: statements.map((each, at) => ({ ...each, share: at === 0 ? 0.75 : 0.25 })),
    source: "file",
    window: { kind: "file" },
  } as const;
  const [first] = workload.statements;
  const text = formatStatement(first?.text ?? "").slice(0, 30);
  const report = { ...fixtureReport, workload };
  for (const form of [terminal(report), page(report)]) {
    expect(form).toContain(`75 % ${text}`);
    expect(form).toContain("by the weights in its comments");
  }
});

test("a number and its unit stay on one line", () => {
  expect(wrap("would save 28 % of the time", 13)).toEqual(["would save", "28 % of the", "time"]);
  expect(wrap("in 3 Memory", 4)).toEqual(["in 3", "Memory"]);
});
