import { describe, expect, test } from "vitest";
import { PLAN_DEPTH_MAX, PLAN_NODES_MAX, readPlan } from "./read.ts";
import type { Plan } from "./types.ts";

type Fields = Record<string, unknown>;

function node(type: string, fields: Fields, ...children: Fields[]): Fields {
  return { "Node Type": type, ...fields, ...(children.length > 0 ? { Plans: children } : {}) };
}

function ran(ms: number, rows = 1, loops = 1): Fields {
  return {
    "Actual Startup Time": 0,
    "Actual Total Time": ms,
    "Actual Rows": rows,
    "Actual Loops": loops,
    "Plan Rows": rows,
  };
}

function read(plan: Fields, outer: Fields = {}): Plan {
  const found = readPlan([{ Plan: plan, ...outer }]);
  if (found === undefined) throw new Error("the plan was not read");
  return found;
}

function ownTimes(plan: Plan): (number | undefined)[] {
  return plan.nodes.map((it) =>
    it.actual === undefined ? undefined : Math.round(it.actual.ownMs * 1000) / 1000,
  );
}

const outer = { "Parent Relationship": "Outer" };
const inner = { "Parent Relationship": "Inner" };
const initPlan = (name: string) => ({ "Parent Relationship": "InitPlan", "Subplan Name": name });

describe("time without children", () => {
  test("counts every loop", () => {
    const plan = read(
      node(
        "Nested Loop",
        ran(50, 100),
        node("Seq Scan", { ...outer, ...ran(10, 100) }),
        node("Index Scan", { ...inner, ...ran(0.3, 2, 100) }),
      ),
      { "Execution Time": 60 },
    );
    expect(ownTimes(plan)).toEqual([10, 10, 30]);
    expect(plan.nodes[2]?.actual?.rowsTotal).toBe(200);
    expect(plan.nodes[2]?.actual?.share).toBeCloseTo(0.5);
  });

  test("takes what rounding may have added off the node with many loops", () => {
    const plan = read(
      node(
        "Nested Loop",
        ran(120, 100_000),
        node("Seq Scan", { ...outer, ...ran(10, 100_000) }),
        node("Index Scan", { ...inner, ...ran(0.0014, 1, 100_000) }),
      ),
    );
    expect(ownTimes(plan)).toEqual([0, 10, 110]);
  });

  test("divides by the processes that took part below a Gather, with the leader or without", () => {
    const below = (loops: number) =>
      read(
        node(
          "Gather",
          { ...ran(100, 900), "Workers Planned": 2, "Workers Launched": 2 },
          node("Seq Scan", { ...outer, ...ran(90, 300, loops) }),
        ),
      );
    expect(ownTimes(below(3))).toEqual([10, 90]);
    expect(ownTimes(below(2))).toEqual([10, 90]);
    expect(below(3).nodes[1]?.actual?.rowsTotal).toBe(900);
  });

  test("workers of a Gather that runs in a loop are counted once per run", () => {
    const plan = read(
      node(
        "Nested Loop",
        ran(100, 10),
        node("Seq Scan", { ...outer, ...ran(10, 10) }),
        node(
          "Gather",
          { ...inner, ...ran(8, 1, 10), "Workers Planned": 1 },
          node("Seq Scan", { ...outer, ...ran(6, 1, 20) }),
        ),
      ),
    );
    expect(ownTimes(plan)).toEqual([10, 10, 20, 60]);
  });

  test.each([
    ["before 17", "InitPlan 1 (returns $0)", "(x > $0)"],
    ["since 17", "InitPlan 1", "(x > (InitPlan 1).col1)"],
  ])("an InitPlan counts where it is used, once (%s)", (_version, name, filter) => {
    const plan = read(
      node(
        "Aggregate",
        ran(100),
        node("Aggregate", { ...initPlan(name), ...ran(60) }),
        node("Seq Scan", { ...outer, ...ran(95, 10), Filter: filter }),
      ),
    );
    expect(ownTimes(plan)).toEqual([5, 60, 35]);
  });

  test("an InitPlan that is mentioned nowhere counts with the node above it", () => {
    const plan = read(
      node(
        "Limit",
        ran(100),
        node("Result", { ...initPlan("InitPlan 1 (returns $0)"), ...ran(60) }),
        node("Seq Scan", { ...outer, ...ran(30, 10) }),
      ),
    );
    expect(ownTimes(plan)).toEqual([10, 60, 30]);
  });

  test("a CTE counts with the scan that ran it, not with those that read it again", () => {
    const plan = read(
      node(
        "Hash Join",
        ran(110),
        node("Seq Scan", { ...initPlan("CTE big"), ...ran(80, 1000) }),
        node("CTE Scan", { ...outer, ...ran(90, 1000), "CTE Name": "big" }),
        node(
          "Hash",
          { ...inner, ...ran(7) },
          node("CTE Scan", { ...outer, ...ran(5, 1000), "CTE Name": "big" }),
        ),
      ),
    );
    expect(ownTimes(plan)).toEqual([13, 80, 10, 2, 5]);
  });

  test("of two CTEs of one name the nearest above is read", () => {
    const plan = read(
      node(
        "Nested Loop",
        ran(100),
        node("Seq Scan", { ...initPlan("CTE c"), ...ran(20) }),
        node("CTE Scan", { ...outer, ...ran(30), "CTE Name": "c" }),
        node(
          "Subquery Scan",
          { ...inner, ...ran(60) },
          node(
            "Limit",
            { "Parent Relationship": "Subquery", ...ran(60) },
            node("Seq Scan", { ...initPlan("CTE c"), ...ran(25) }),
            node("CTE Scan", { ...outer, ...ran(50), "CTE Name": "c" }),
          ),
        ),
      ),
    );
    expect(ownTimes(plan)).toEqual([10, 20, 10, 0, 10, 25, 25]);
  });

  test("a writing CTE that nobody reads runs outside the root", () => {
    const plan = read(
      node(
        "Result",
        ran(1),
        node(
          "ModifyTable",
          { ...initPlan("CTE w"), ...ran(40) },
          node("Seq Scan", { ...outer, ...ran(15) }),
        ),
      ),
      { "Execution Time": 42 },
    );
    expect(ownTimes(plan)).toEqual([1, 25, 15]);
  });

  test("a SubPlan is taken off the node that runs it", () => {
    const plan = read(
      node(
        "Seq Scan",
        ran(100, 1000),
        node("Index Scan", { "Parent Relationship": "SubPlan", ...ran(0.07, 1, 1000) }),
      ),
    );
    expect(ownTimes(plan)).toEqual([30, 70]);
  });

  test("never-executed nodes have no actual numbers", () => {
    const plan = read(
      node(
        "Nested Loop",
        ran(3, 0),
        node("Seq Scan", { ...outer, ...ran(2, 0) }),
        node("Index Scan", { ...inner, ...ran(0, 0, 0) }),
      ),
    );
    expect(ownTimes(plan)).toEqual([1, 2, undefined]);
  });

  test("fractional rows of PostgreSQL 18 are kept", () => {
    const plan = read(node("Index Scan", ran(0.01, 0.25, 1000)));
    expect(plan.root.actual?.rowsTotal).toBe(250);
  });

  test("contradicting numbers stay non-negative and within the root", () => {
    const plan = read(
      node(
        "Sort",
        ran(10),
        node("Seq Scan", { ...outer, ...ran(15) }),
        node("Seq Scan", { ...inner, ...ran(5) }),
      ),
    );
    expect(ownTimes(plan).every((ms) => ms !== undefined && ms >= 0)).toBe(true);
    expect(ownTimes(plan).reduce<number>((sum, ms) => sum + (ms ?? 0), 0)).toBeCloseTo(10, 2);
  });
});

test("blocks are taken off parents too, workers' are already in them", () => {
  const blocks = (hit: number, read: number, temp = 0) => ({
    "Shared Hit Blocks": hit,
    "Shared Read Blocks": read,
    "Local Hit Blocks": 0,
    "Local Read Blocks": 1,
    "Temp Read Blocks": temp,
    "Temp Written Blocks": temp,
  });
  const plan = read(
    node(
      "Gather",
      { ...ran(100), ...blocks(110, 50, 7), "Workers Planned": 1 },
      node("Seq Scan", { ...outer, ...ran(90, 1, 2), ...blocks(100, 50, 7) }),
    ),
  );
  expect(plan.nodes.map((it) => it.actual?.blocks)).toEqual([
    { hit: 10, read: 0, tempRead: 0, tempWritten: 0 },
    { hit: 100, read: 51, tempRead: 7, tempWritten: 7 },
  ]);
});

test("without ANALYZE costs are apportioned: none negative, the sum is the root's", () => {
  const cost = (total: number, rows: number) => ({ "Total Cost": total, "Plan Rows": rows });
  const plan = read(
    node(
      "Limit",
      cost(40, 10),
      node(
        "Nested Loop",
        { ...outer, ...cost(400, 100) },
        node("Seq Scan", { ...outer, ...cost(100, 100) }),
        node("Index Scan", { ...inner, ...cost(2, 1) }),
      ),
    ),
  );
  const own = plan.nodes.map((it) => it.cost.own);
  expect(plan.analyzed).toBe(false);
  expect(own.every((it) => it >= 0)).toBe(true);
  expect(own.reduce((a, b) => a + b)).toBeCloseTo(40);
  expect(plan.nodes.every((it) => it.actual === undefined)).toBe(true);
});

test("TIMING OFF: shares come from the planner's cost", () => {
  const plan = read(
    node(
      "Sort",
      { "Actual Rows": 5, "Actual Loops": 1, "Total Cost": 100 },
      node("Seq Scan", { ...outer, "Actual Rows": 5, "Actual Loops": 1, "Total Cost": 90 }),
    ),
  );
  expect(plan.nodes.map((it) => it.actual?.share)).toEqual([0.1, 0.9]);
});

test("planning, execution, JIT, triggers and settings are read", () => {
  const plan = read(node("Result", ran(1)), {
    "Planning Time": 0.5,
    "Execution Time": 2,
    Settings: { work_mem: "64kB" },
    JIT: { Functions: 3, Timing: { Generation: { Total: 1 }, Total: 9.5 } },
    Triggers: [{ "Trigger Name": "t", "Constraint Name": "fk", Relation: "r", Time: 3, Calls: 4 }],
  });
  expect(plan).toMatchObject({
    planningMs: 0.5,
    executionMs: 2,
    jitMs: 9.5,
    settings: { work_mem: "64kB" },
    triggers: [{ name: "t", ms: 3, calls: 4, constraint: "fk" }],
  });
});

describe("what is read", () => {
  const plan = node("Result", { "Total Cost": 1 });

  test.each([
    ["EXPLAIN's array", [{ Plan: plan }]],
    ["its element", { Plan: plan }],
    ["auto_explain's object", { "Query Text": "select 1", Plan: plan }],
    ["the bare node", plan],
    ["a driver's rows", [{ "QUERY PLAN": [{ Plan: plan }] }]],
    ["text", JSON.stringify([{ Plan: plan }])],
    ["a line of auto_explain's log", `duration: 12.5 ms  plan:\n${JSON.stringify({ Plan: plan })}`],
    [
      "psql's aligned text",
      `QUERY PLAN\n----\n${JSON.stringify([{ Plan: plan }], null, 2).replaceAll("\n", "  +\n")}`,
    ],
  ])("%s", (_name, json) => {
    expect(readPlan(json)?.root.type).toBe("Result");
  });

  const ring: Fields = { "Node Type": "Sort" };
  ring["Plans"] = [ring];

  test.each([
    ["nothing", undefined],
    ["null", null],
    ["a number", 5],
    ["no JSON", "Seq Scan on orders  (cost=0.00..1.00 rows=1 width=4)"],
    ["broken JSON", '[{"Plan": {"Node Type": "Sort"'],
    ["an empty array", []],
    ["arrays in arrays", [[[[[[[plan]]]]]]]],
    ["another object", { Plan: { "Node Type": 7 } }],
    ["an empty node type", { Plan: { "Node Type": "" } }],
    ["plans that are no list", { Plan: { "Node Type": "Sort", Plans: "x" } }],
    ["a child that is no node", { Plan: { "Node Type": "Sort", Plans: [null] } }],
    ["a ring", { Plan: ring }],
  ])("not %s", (_name, json) => {
    expect(readPlan(json)).toBeUndefined();
  });

  test("hostile numbers and texts become nothing or something bounded", () => {
    const found = read(
      node(
        "Evil\u001b[31m",
        {
          "Actual Loops": 1e308,
          "Actual Total Time": 1e308,
          "Actual Rows": "12",
          "Plan Rows": -5,
          "Total Cost": null,
          "Relation Name": "x".repeat(100_000),
          Plans: undefined,
        },
        node("Seq Scan", { "Actual Loops": {}, "Actual Total Time": [] }),
      ),
      { JIT: [], Triggers: [1, null, {}], Settings: { a: 1 }, "Execution Time": "x" },
    );
    expect(found.root.type).toBe("Evil [31m");
    expect(found.root.relation).toHaveLength(256);
    expect(found.root.planRows).toBe(0);
    expect(Number.isFinite(found.root.actual?.ownMs)).toBe(true);
    expect(found.settings).toEqual({});
  });

  const deep = (levels: number): Fields => {
    let made = node("Sort", ran(1));
    for (let level = 1; level < levels; level += 1) made = node("Sort", ran(1), made);
    return made;
  };

  test("a thousand levels are read, ten thousand are not", () => {
    expect(readPlan({ Plan: deep(PLAN_DEPTH_MAX) })?.nodes).toHaveLength(PLAN_DEPTH_MAX);
    expect(readPlan({ Plan: deep(PLAN_DEPTH_MAX + 1) })).toBeUndefined();
    expect(readPlan({ Plan: deep(10_000) })).toBeUndefined();
  });

  test("ten thousand partitions are read quickly, more nodes than the bound are not", () => {
    const wide = (count: number) =>
      node("Append", ran(1), ...Array.from({ length: count }, () => node("Seq Scan", ran(0))));
    const began = performance.now();
    expect(readPlan({ Plan: wide(10_000) })?.nodes).toHaveLength(10_001);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(readPlan({ Plan: wide(PLAN_NODES_MAX) })).toBeUndefined();
  });

  test("thousands of InitPlans that all mention each other end", () => {
    const many = Array.from({ length: 5_000 }, (_, at) =>
      node("Result", { ...initPlan("InitPlan 1 (returns $0)"), ...ran(at), Filter: "$0" }),
    );
    const plan = read(node("Result", ran(1), ...many));
    expect(plan.nodes).toHaveLength(5_001);
    expect(plan.nodes.every((it) => (it.actual?.ownMs ?? 0) >= 0)).toBe(true);
  });
});
