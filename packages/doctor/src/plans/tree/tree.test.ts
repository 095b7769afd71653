import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { findInPlan } from "../find.ts";
import { readPlan } from "../read.ts";
import type { Plan } from "../types.ts";
import { planTreeHtml } from "./html.ts";
import { planTree } from "./terminal.ts";

const SCAN = {
  "Node Type": "Seq Scan",
  "Parent Relationship": "Outer",
  "Relation Name": "orders<b>",
  Schema: "public",
  Alias: "o",
  "Total Cost": 900,
  "Plan Rows": 10,
  "Plan Width": 8,
  "Actual Total Time": 9,
  "Actual Rows": 500,
  "Actual Loops": 1,
  "Rows Removed by Filter": 49_500,
  Filter: "((o.email = 'secret@example.org'::text) AND (o.total > 4711))",
};
const PLAN = [
  {
    Plan: {
      "Node Type": "Sort",
      "Total Cost": 1000,
      "Plan Rows": 10,
      "Plan Width": 8,
      "Actual Total Time": 10,
      "Actual Rows": 500,
      "Actual Loops": 1,
      "Sort Key": ["(o.total + 4711)"],
      "Sort Method": "external merge",
      "Sort Space Used": 4096,
      "Sort Space Type": "Disk",
      Plans: [
        SCAN,
        {
          "Node Type": "Result",
          "Parent Relationship": "SubPlan",
          "Actual Loops": 0,
          "Plan Rows": 1,
        },
      ],
    },
    "Planning Time": 0.3,
    "Execution Time": 10.2,
  },
];

function read(json: unknown): Plan {
  const plan = readPlan(json);
  if (plan === undefined) throw new Error("not a plan");
  return plan;
}

const context = { major: 18, relation: () => undefined };

/** As deep as a plan may be, with long names. */
function deepPlan(depth: number): unknown {
  let node: Record<string, unknown> = { ...SCAN, "Relation Name": "t".repeat(200) };
  for (let at = 0; at < depth; at += 1)
    node = { ...SCAN, "Node Type": "Materialize", "Relation Name": undefined, Plans: [node] };
  return [{ Plan: node, "Execution Time": 10 }];
}

test("the terminal's tree shows where the time goes, wrong estimates and findings", () => {
  const plan = read(PLAN);
  const text = planTree(plan, findInPlan(plan, context), { width: 120 });
  expect(text).toContain("Execution 10 ms · planning 0.3 ms");
  const scan = text.split("\n").find((line) => line.includes("Seq Scan"));
  expect(scan).toMatch(/^└ ▶|^├ ▶/u);
  expect(scan).toContain("on public.orders<b> o");
  expect(scan).toContain("500 of 10 expected, 50× off");
  expect(scan).toMatch(/9 ms █+/u);
  expect(text).toContain("Filter: ((o.email = ?::text) AND (o.total > ?))");
  expect(text).toContain("never run");
  expect(text).toMatch(/! warning: /u);
});

test.for([40, 60, 80, 96, 120, 200])("no line is wider than %i columns", (width) => {
  for (const json of [PLAN, deepPlan(300)]) {
    const plan = read(json);
    const findings = findInPlan(plan, context);
    const plain = planTree(plan, findings, { width });
    for (const line of plain.split("\n")) expect([...line].length).toBeLessThanOrEqual(width);
    const colored = planTree(plan, findings, { width, color: true });
    expect(stripVTControlCharacters(colored)).toBe(plain);
  }
});

test("neither tree holds a constant, and names are escaped", () => {
  const plan = read(PLAN);
  const findings = findInPlan(plan, context);
  const markup = planTreeHtml(plan, findings);
  for (const text of [markup, planTree(plan, findings, { width: 200 })]) {
    expect(text).not.toContain("secret");
    expect(text).not.toContain("4711");
  }
  expect(markup).toContain("public.orders&lt;b&gt; o");
  expect(markup).not.toContain("style=");
});

test("the markup is balanced however deep and large the plan", () => {
  const wide = [
    { Plan: { "Node Type": "Append", Plans: Array.from({ length: 1000 }, () => SCAN) } },
  ];
  for (const json of [PLAN, deepPlan(300), wide]) {
    const plan = read(json);
    const markup = planTreeHtml(plan, []);
    for (const tag of ["ul", "li", "details", "summary", "dl", "div"]) {
      const opened = markup.split(new RegExp(`<${tag}[ >]`)).length;
      expect(markup.split(`</${tag}>`).length, tag).toBe(opened);
    }
    expect(markup.length).toBeLessThan(1_000_000);
  }
});

test("a plan that was not run shows costs", () => {
  const plan = read([
    {
      Plan: { "Node Type": "Seq Scan", "Relation Name": "t", "Total Cost": 123.4, "Plan Rows": 7 },
    },
  ]);
  const text = planTree(plan, [], { width: 100 });
  expect(text).toContain("Not run; estimated cost 123");
  expect(text).toContain("7 expected");
  expect(planTreeHtml(plan, [])).toContain("own cost");
});
