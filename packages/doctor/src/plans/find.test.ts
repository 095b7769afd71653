import { describe, expect, test } from "vitest";
import { stripConstants, withoutConstants } from "./constants.ts";
import { findInPlan } from "./find.ts";
import { readPlan } from "./read.ts";
import type { Plan, PlanContext, PlanFinding } from "./types.ts";

type Fields = Record<string, unknown>;

const nothingKnown: PlanContext = { major: 18, relation: () => undefined };

function node(type: string, fields: Fields, ...children: Fields[]): Fields {
  return { "Node Type": type, ...fields, ...(children.length > 0 ? { Plans: children } : {}) };
}

function ran(ms: number, rows: number, loops = 1): Fields {
  return { "Actual Total Time": ms, "Actual Rows": rows, "Actual Loops": loops, "Plan Rows": rows };
}

function read(plan: Fields, outer: Fields = {}): Plan {
  const found = readPlan([{ Plan: plan, ...outer }]);
  if (found === undefined) throw new Error("the plan was not read");
  return found;
}

function find(plan: Fields, context: PlanContext = nothingKnown): readonly PlanFinding[] {
  return findInPlan(read(plan), context);
}

function scan(filter: string, fields: Fields = {}): Fields {
  return node("Seq Scan", {
    ...ran(20, 5),
    "Relation Name": "orders",
    Schema: "shop",
    Alias: "o",
    Filter: filter,
    "Rows Removed by Filter": 50_000,
    ...fields,
  });
}

function sqlOf(finding: PlanFinding | undefined): readonly string[] {
  if (finding?.fix.kind !== "sql") throw new Error("no SQL");
  return finding.fix.statements;
}

describe("the index for a condition", () => {
  test.each([
    [
      "equality first, then a range",
      "((o.at > '2026-01-01'::date) AND (o.status = 'open'::text))",
      '("status", "at")',
    ],
    ["IN", "(o.status = ANY ('{open,paid}'::text[]))", '("status")'],
    ["IS NULL", "(o.deleted_at IS NULL)", '("deleted_at")'],
    ["a text column of limited length", "((o.email)::text = 'a@b.c'::text)", '("email")'],
    ["a quoted column", '(o."Customer Id" = 5)', '("Customer Id")'],
    ["without VERBOSE", "(status = 'open'::text)", '("status")'],
    ["a string that looks like SQL", "(o.a = ') AND (o.evil = 1'::text)", '("a")'],
  ])("%s", (_name, filter, columns) => {
    const [finding] = find(scan(filter));
    expect(finding?.id).toBe("plan/seq-scan-selective-filter");
    expect(sqlOf(finding)).toEqual([`create index concurrently on "shop"."orders" ${columns};`]);
  });

  test("OR takes one index for each side", () => {
    const [finding] = find(scan("((o.a = 1) OR (o.b = 2))"));
    expect(sqlOf(finding)).toEqual([
      'create index concurrently on "shop"."orders" ("a");',
      'create index concurrently on "shop"."orders" ("b");',
    ]);
  });

  test.each([
    ["a function", "(lower(o.email) = 'x'::text)"],
    ["a cast between unlike types", "((o.at)::date = '2026-01-01'::date)"],
    ["inequality", "(o.status <> 'done'::text)"],
    ["another table's column", "(c.status = 'done'::text)"],
    ["a name that no server takes", `(o.${"x".repeat(70)} = 1)`],
  ])("none for %s", (_name, filter) => {
    expect(find(scan(filter))[0]?.fix.kind).toBe("advice");
  });

  test("of a column that an index begins with, why it was not chosen is asked instead", () => {
    const context: PlanContext = {
      major: 18,
      relation: () => ({
        rows: 50_005,
        modifiedSinceAnalyze: 0,
        analyzed: true,
        partitionKey: undefined,
        indexedColumns: ["status"],
      }),
    };
    expect(find(scan("(o.status = 'open'::text)"), context)[0]?.fix.kind).toBe("advice");
  });
});

describe("how bad a finding is", () => {
  test("a warning above 5 % or 5 ms, info below both, critical when it makes a statement slow", () => {
    const within = (ms: number, wholeMs: number) =>
      find(node("Sort", ran(wholeMs, 5), scan("(o.a = 1)", ran(ms, 5)))).find(
        ({ id }) => id === "plan/seq-scan-selective-filter",
      )?.severity;
    expect(within(4, 100)).toBe("info");
    expect(within(4, 50)).toBe("warning");
    expect(within(6, 1_000)).toBe("warning");
    expect(within(4_000, 5_000)).toBe("critical");
  });

  test("the largest share comes first, at most ten of a rule", () => {
    const scans = Array.from({ length: 15 }, (_, at) => scan("(o.a = 1)", ran(at + 1, 5)));
    const findings = find(node("Append", ran(130, 75), ...scans));
    expect(findings).toHaveLength(10);
    expect(findings.map(({ share }) => share)).toEqual(
      findings.map(({ share }) => share).toSorted((a, b) => b - a),
    );
    expect(findings[0]?.share).toBeCloseTo(15 / 130);
  });
});

test("a rule that needs a plan that was run finds nothing in one that was not", () => {
  const plan = node("Seq Scan", {
    "Plan Rows": 5,
    "Total Cost": 900,
    Filter: "(NOT (hashed SubPlan 1))",
  });
  expect(find(plan).map(({ id }) => id)).toEqual(["plan/not-in-subplan"]);
});

describe("NOT IN", () => {
  const subplan = node("Seq Scan", { "Parent Relationship": "SubPlan", "Plan Rows": 5_000 });
  test.each([
    ["hashed, before 17", "(NOT (hashed SubPlan 1))", true],
    ["in a loop, before 17", "((a > 5) AND (NOT (SubPlan 1)))", true],
    ["hashed, since 17", "(NOT (ANY (o.id = (hashed SubPlan 1).col1)))", true],
    ["in a loop, since 17", "(NOT (ANY (o.id = (SubPlan 1).col1)))", true],
    ["a cast, since 17", "(NOT (ANY ((o.id)::numeric = (hashed SubPlan 1).col1)))", true],
    ["NOT EXISTS, since 17", "((o.a > 1) OR (NOT EXISTS(SubPlan 1)))", false],
    ["IN", "(ANY (o.id = (hashed SubPlan 1).col1))", false],
    ["the words in a string", "(o.note = 'NOT (hashed SubPlan 1)'::text)", false],
  ])("%s", (_name, filter, expected) => {
    const plan = node("Seq Scan", { "Plan Rows": 5, "Total Cost": 900, Filter: filter }, subplan);
    expect(find(plan).some(({ id }) => id === "plan/not-in-subplan")).toBe(expected);
  });
});

describe("constants", () => {
  test.each([
    ["(status = 'it''s'::text)", "(status = ?::text)"],
    ["(a = E'x\\'y'::text)", "(a = ?::text)"],
    ["(id = 5 AND v2 > 1.5e10 AND w < '-3'::integer)", "(id = ? AND v2 > ? AND w < ?::integer)"],
    ['("Week 9" = $3)', '("Week 9" = $3)'],
    ["(x > (InitPlan 1).col1)", "(x > (InitPlan 1).col1)"],
    ["(NOT (hashed SubPlan 12))", "(NOT (hashed SubPlan 12))"],
    ["(a = 'never closed", "(a = ?"],
    ["(b = B'0101'::bit(4))", "(b = ?::bit(?))"],
  ])("%s", (expression, stripped) => {
    expect(stripConstants(expression)).toBe(stripped);
  });

  test("what is shown is bounded, and hostile lengths take no time", () => {
    const began = performance.now();
    expect(withoutConstants(`(a = 'x') AND ${"((((b ".repeat(100_000)}`).length).toBe(300);
    expect(withoutConstants(`'${"\\".repeat(100_000)}`).length).toBeLessThanOrEqual(300);
    const filter = "(((".repeat(6_000);
    for (const text of [
      filter,
      `(NOT (ANY (${"(x) ".repeat(5_000)}`,
      `(a${" OR b".repeat(4_000)}`,
    ]) {
      find(scan(text));
    }
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe("plans of any shape give findings or none, never an error", () => {
  const values: readonly unknown[] = [
    undefined,
    null,
    -1,
    0,
    1e308,
    Number.NaN,
    "",
    "x",
    "(a = 1)",
    [],
    {},
    [null, {}, 7],
    true,
  ];
  const types = [
    "Seq Scan",
    "Index Scan",
    "Index Only Scan",
    "Bitmap Heap Scan",
    "BitmapAnd",
    "Sort",
    "Hash",
    "Incremental Sort",
    "Aggregate",
    "Nested Loop",
    "Merge Join",
    "Hash Join",
    "Limit",
    "CTE Scan",
    "Function Scan",
    "Gather",
    "Append",
    "ModifyTable",
    "Materialize",
    "WindowAgg",
  ];
  const fields = [
    "Actual Total Time",
    "Actual Rows",
    "Actual Loops",
    "Plan Rows",
    "Total Cost",
    "Relation Name",
    "Schema",
    "Alias",
    "Filter",
    "Index Cond",
    "Join Filter",
    "Sort Key",
    "Presorted Key",
    "Workers",
    "Full-sort Groups",
    "Pre-sorted Groups",
    "Sort Space Type",
    "Sort Space Used",
    "Hash Batches",
    "Disk Usage",
    "Parent Relationship",
    "Subplan Name",
    "CTE Name",
    "Rows Removed by Filter",
    "Rows Removed by Join Filter",
    "Workers Planned",
    "Lossy Heap Blocks",
    "Strategy",
    "Output",
    "Temp Written Blocks",
    "Shared Hit Blocks",
    "Heap Fetches",
    "Index Searches",
    "Index Name",
  ];

  /** A fixed sequence, so that a failure can be seen again. */
  function* numbers(seed: number): Generator<number> {
    for (let state = seed; ; ) {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      yield state;
    }
  }

  test("two thousand random trees", () => {
    for (let seed = 1; seed <= 2_000; seed += 1) {
      const random = numbers(seed);
      const pick = <T>(from: readonly T[]): T =>
        from[(random.next().value ?? 0) % from.length] as T;
      const relationships = ["Outer", "Inner", "InitPlan", "SubPlan", "Member"];
      const grow = (depth: number): Fields => {
        const made: Fields = { "Node Type": pick(types), ...ran(depth, 2_000, 30) };
        for (let n = 0; n < 8; n += 1) made[pick(fields)] = pick(values);
        if (depth > 0) {
          made["Plans"] = [grow(depth - 1), grow(depth - 2)].map((child) => ({
            ...child,
            "Parent Relationship": pick(relationships),
          }));
        }
        return made;
      };
      const plan = readPlan({
        Plan: grow(3),
        "Execution Time": pick(values),
        Triggers: pick(values),
      });
      if (plan === undefined) continue;
      const findings = findInPlan(plan, nothingKnown);
      expect(findings.every(({ share }) => share >= 0 && share <= 1)).toBe(true);
      const own = plan.nodes.map((it) => it.actual?.ownMs ?? 0);
      expect(
        own.every((ms) => ms >= 0 && Number.isFinite(ms)),
        `seed ${seed}`,
      ).toBe(true);
    }
  });
});
