import { readFile } from "node:fs/promises";
import { stripVTControlCharacters } from "node:util";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { readPlan } from "../plans/read.ts";
import { fixtureReport } from "../testing/fixture-report.ts";
import { formatBytes, formatChange, formatMs, formatShare } from "./format.ts";
import { htmlReport } from "./html/page.ts";
import { jsonReport } from "./json.ts";
import { withoutValues } from "./plan-values.ts";
import { terminalReport } from "./terminal/render.ts";
import type { Report } from "./types.ts";

const SQL =
  /^\s*(?:undo {2}|(?:undo, or )?if the build is interrupted {2})?(?:CREATE|DROP|ALTER|GRANT|SELECT)\b/;

test.each([60, 80, 100, 160])("no line but SQL is wider than %i columns", (width) => {
  const lines = terminalReport(fixtureReport, { width, color: true }).split("\n");
  const wide = lines
    .map(stripVTControlCharacters)
    .filter((line) => line.length > width && !SQL.test(line) && line.trim().includes(" "));
  expect(wide).toEqual([]);
});

test("without colour nothing but text is written, and SQL stands on a line of its own", () => {
  const text = terminalReport(fixtureReport, { width: 60, color: false });
  expect(stripVTControlCharacters(text)).toBe(text);
  const ddl = fixtureReport.indexes?.advice.flatMap((advice) => advice.ddl) ?? [];
  expect(ddl).toHaveLength(5);
  for (const statement of ddl) expect(text).toContain(`\n    ${statement}\n`);
});

test("colour only adds marks", () => {
  const plain = terminalReport(fixtureReport, { width: 100, color: false });
  const colored = terminalReport(fixtureReport, { width: 100, color: true });
  expect(colored).not.toBe(plain);
  expect(stripVTControlCharacters(colored)).toBe(plain);
});

const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(1)>\u001b]0;x\u0007\u001b[2J\u202e'&`;

/** Puts the hostile text into every string of the report but the fixed words. */
function poisoned(report: Report): Report {
  const fixed = new Set(["schema", "kind", "word", "severity", "source", "unit", "badge"]);
  const ids = new Set(["id", "slowest", "mostFrequent", "mostIo", "impact", "part", "because"]);
  const seen = new Map<object, object>();
  const walk = (value: unknown, field: string): unknown => {
    if (typeof value === "string")
      return fixed.has(field) || ids.has(field) || field === "generatedAt"
        ? value
        : `${value} ${HOSTILE}`;
    if (typeof value !== "object" || value === null) return value;
    const known = seen.get(value);
    if (known !== undefined) return known;
    const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [] : {};
    seen.set(value, copy);
    for (const [name, inner] of Object.entries(value))
      (copy as Record<string, unknown>)[name] = walk(inner, Array.isArray(value) ? field : name);
    return copy;
  };
  return walk(report, "") as Report;
}

test("names that hold markup, escapes or direction marks do nothing", () => {
  const report = poisoned(fixtureReport);
  const page = htmlReport(report);
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page.match(/<\/script>/g)).toHaveLength(1);
  expect(page.includes("<img")).toBe(false);
  expect(page.includes("&lt;script&gt;")).toBe(true);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
  const moving = /[\u0000-\u0008\u000b-\u001f\u007f\u202e]/;
  const letter = terminalReport(report, { width: 100, color: false });
  expect([page.match(moving), letter.match(moving)]).toEqual([null, null]);
});

test("every tag that is opened is closed", () => {
  const open: string[] = [];
  const page = htmlReport(fixtureReport).replace(/<script>[\s\S]*?<\/script>/, "");
  for (const [tag, slash, name, rest] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)([^>]*)>/g)) {
    if (rest?.endsWith("/") || ["meta", "br", "link"].includes(name ?? "")) continue;
    if (slash === "") open.push(name ?? "");
    else expect(open.pop(), tag).toBe(name);
  }
  expect(open).toEqual([]);
});

test("the page asks nothing of the network and its policy allows only itself", () => {
  const page = htmlReport(fixtureReport);
  expect(page.match(/https?:|url\(|@import|<link|<iframe| src=/)).toBe(null);
  expect(page.slice(0, 1000)).toMatch(
    /content="default-src &#39;none&#39;; style-src &#39;sha256-[\w+/]+=*&#39;; script-src &#39;sha256-/,
  );
  expect(page.match(/ style=| on[a-z]+=/)).toBe(null);
});

/** The published schema lets fields be added; here an undescribed one is a mistake. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([k, v]) => [k, closed(v)]));
  return "properties" in copy && !("additionalProperties" in copy)
    ? { ...copy, additionalProperties: false }
    : copy;
}

async function problems(text: string): Promise<unknown> {
  const file = new URL("../../schema/report.v1.json", import.meta.url);
  const schema = closed(JSON.parse(await readFile(file, "utf8"))) as object;
  const validate = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true });
  const check = validate.compile(schema);
  return check(JSON.parse(text)) ? [] : check.errors;
}

test("the JSON form is what the schema says, field by field", async () => {
  expect(await problems(jsonReport(fixtureReport))).toEqual([]);
  const bare = { ...fixtureReport, indexes: undefined, figures: undefined, plans: [] };
  expect(await problems(jsonReport(bare))).toEqual([]);
  const wrong = JSON.parse(jsonReport(fixtureReport)) as { score: { value: unknown } };
  wrong.score.value = 101;
  expect(await problems(JSON.stringify(wrong))).not.toEqual([]);
});

test("no literal of a statement or a plan is in any form", () => {
  const raw = [
    {
      "Query Text": "select 'canary-1'",
      Plan: {
        "Node Type": "Seq Scan",
        "Relation Name": "people",
        Filter: "((email = 'canary-2'::text) AND (age > 4711))",
        Output: ["id", "'canary-3'::text"],
        "Sort Key": ["(name || 'canary-4'::text)"],
        "Total Cost": 10,
        "Plan Rows": 1,
        "Plan Width": 4,
      },
    },
  ];
  const plan = readPlan(withoutValues(raw));
  if (plan === undefined) throw new Error("no plan");
  const { workload } = fixtureReport;
  const [first, ...others] = workload.statements;
  if (first === undefined) throw new Error("no statement");
  const statements = [{ ...first, text: "select * from t where a = 'canary-5'" }, ...others];
  const report: Report = {
    ...fixtureReport,
    workload: { ...workload, statements },
    plans: [{ id: "explain", plan, findings: [] }],
  };
  const forms = [
    jsonReport(report),
    htmlReport(report),
    terminalReport(report, { width: 120, color: false }),
  ];
  for (const form of forms) {
    expect(form.match(/canary|4711/)).toBe(null);
  }
  expect(forms[0]).toContain("(email = ?::text)");
});

test("an empty report is a whole report", () => {
  const empty: Report = {
    ...fixtureReport,
    score: { value: 100, word: "healthy", deductions: [] },
    coverage: [],
    grants: [],
    workload: {
      ...fixtureReport.workload,
      source: "none",
      statements: [],
      slowest: [],
      mostFrequent: [],
      mostIo: [],
      notes: [],
    },
    indexes: undefined,
    figures: undefined,
    findings: [],
    plans: [],
    notes: [],
  };
  expect(terminalReport(empty, { width: 80, color: false })).toContain("Nothing needs to be done.");
  expect(htmlReport(empty).includes("Nothing needs to be done.")).toBe(true);
});

test("numbers are told as people say them, and never rounded up to all or nothing", () => {
  expect([0.2, 8.04, 812.4, 11_204, 431_000, 90_000_000].map(formatMs)).toEqual([
    "0.2 ms",
    "8 ms",
    "812 ms",
    "11.2 s",
    "7 min",
    "25 h",
  ]);
  expect([0, 512, 42_991_616, 1_288_490_189].map(formatBytes)).toEqual([
    "0 B",
    "512 B",
    "41 MB",
    "1.2 GB",
  ]);
  expect([0, 0.0004, 0.0412, 0.412, 0.99996, 1].map(formatShare)).toEqual([
    "0 %",
    "< 0.1 %",
    "4.1 %",
    "41 %",
    "99.9 %",
    "100 %",
  ]);
  expect(formatChange(12_747, 0.5)).toBe("−99.9 %");
  expect(formatChange(100, 150)).toBe("+50 %");
});
