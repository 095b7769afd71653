import { writeFile } from "node:fs/promises";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { bodyOf } from "../../src/candidates/definition.ts";
import { readCatalog } from "../../src/catalog/read.ts";
import type { Catalog } from "../../src/catalog/types.ts";
import { type Model, openModel } from "../../src/model/open.ts";
import { plannedFrom } from "../../src/model/planned.ts";
import type { Planned, RawPlan } from "../../src/model/types.ts";
import type { Target } from "../../src/target/types.ts";
import { KINDS, type Kind, QUERIES, SHOP } from "./fidelity-data.ts";
import { testTarget } from "./test-target.ts";

vi.setConfig({ testTimeout: 120_000 });

let db: TestDatabase;
let client: pg.Client;
let target: Target;
let catalog: Catalog;
let model: Model;
let existing: ReadonlySet<string>;
const summary: { kind: string; plans: number; used: number; worst: number }[] = [];

beforeAll(async () => {
  db = await freshDatabase();
  client = new pg.Client(db.url);
  await client.connect();
  await client.query(SHOP);
  // All rows are sampled, so that every run has the same statistics. With sampled ones a cost may
  // lie on the edge of one page more or less, which is 4 units.
  await client.query("set default_statistics_target = 1000");
  await client.query("vacuum analyze");
  await client.query("set max_parallel_workers_per_gather = 0");
  target = await testTarget(db.url);
  catalog = await readCatalog(target);
  model = await openModel(target, catalog);
  existing = new Set(catalog.relations.flatMap(({ indexes }) => indexes.map(({ name }) => name)));
}, 240_000);

afterAll(async () => {
  if (process.env["HASTEN_FIDELITY"] !== undefined)
    await writeFile(process.env["HASTEN_FIDELITY"], JSON.stringify(summary, null, 2));
  await model?.[Symbol.asyncDispose]();
  await target?.[Symbol.asyncDispose]();
  await client?.end();
  await db?.drop();
});

type Plan = Extract<Planned, { kind: "planned" }>;

async function onServer(query: string): Promise<Plan> {
  const { rows } = await client.query(`explain (generic_plan, format json) ${query}`);
  return planned(plannedFrom(rows));
}

function planned(answer: Planned): Plan {
  if (answer.kind === "refused") throw new Error(answer.because);
  return answer;
}

function nodesOf(plan: RawPlan): string {
  return [plan["Node Type"], ...(plan.Plans ?? []).map((child) => `(${nodesOf(child)})`)].join(" ");
}

function errorOf(mine: Plan, truth: Plan): number {
  const difference = Math.abs(mine.totalCost - truth.totalCost);
  return difference <= 1 ? 0 : difference / truth.totalCost;
}

function candidateOf(kind: Kind) {
  const relation = catalog.relations.find(({ name }) => name === kind.table);
  if (relation === undefined) throw new Error(kind.table);
  return kind.candidate(relation.oid);
}

interface Comparison {
  readonly query: string;
  readonly mine: Plan;
  readonly truth: Plan;
}

async function withIndex(planner: Model, kind: Kind): Promise<readonly Comparison[]> {
  const candidate = candidateOf(kind);
  const mine = await planner.whatIf({ add: [candidate], drop: [] }, async (explain, refused) => {
    expect(refused).toEqual([]);
    const plans: Plan[] = [];
    for (const planText of QUERIES) plans.push(planned(await explain({ id: planText, planText })));
    return plans;
  });
  await client.query("begin");
  try {
    await client.query(`create index "really" on ${kind.table} ${bodyOf(candidate)}`);
    const compared: Comparison[] = [];
    for (const [at, query] of QUERIES.entries()) {
      const plan = mine[at];
      if (plan !== undefined) compared.push({ query, mine: plan, truth: await onServer(query) });
    }
    return compared;
  } finally {
    await client.query("rollback");
  }
}

test("nothing is missing in the model", () => {
  expect(model.missing).toEqual([]);
});

test("before: same plans, costs within 0.5 %", async () => {
  for (const query of QUERIES) {
    const mine = planned(await model.explain({ id: query, planText: query }));
    const truth = await onServer(query);
    expect.soft(nodesOf(mine.plan), query).toBe(nodesOf(truth.plan));
    expect
      .soft(errorOf(mine, truth), `${query}: ${mine.totalCost} for ${truth.totalCost}`)
      .toBeLessThan(0.005);
  }
});

test.each(KINDS)("after: $kind on $table", async (kind) => {
  const compared = await withIndex(model, kind);
  for (const { query, mine, truth } of compared) {
    const told = `${query}: ${mine.totalCost} for ${truth.totalCost}`;
    expect.soft(errorOf(mine, truth), told).toBeLessThanOrEqual(kind.bound);
    expect.soft(nodesOf(mine.plan), told).toBe(nodesOf(truth.plan));
  }
  const used = compared.filter(({ mine }) => mine.uses.length > 0);
  expect(used.length).toBeGreaterThan(0);
  for (const { query, mine, truth } of used) {
    const before = await onServer(query);
    const [told, real] = [before.totalCost - mine.totalCost, before.totalCost - truth.totalCost];
    expect
      .soft(Math.abs(told - real), `gain of ${query}`)
      .toBeLessThanOrEqual(Math.max(1, kind.bound * before.totalCost));
    expect
      .soft(
        truth.usesExisting.some((name) => !existing.has(name)),
        query,
      )
      .toBe(true);
  }
  const worst = Math.max(...compared.map(({ mine, truth }) => errorOf(mine, truth)));
  summary.push({ kind: kind.kind, plans: compared.length, used: used.length, worst });
});

test("without sizes of files nothing of this holds: the control fails", async () => {
  await using unsized = await openModel(withoutSizes(target), catalog);
  let wrong = 0;
  for (const query of QUERIES) {
    const mine = planned(await unsized.explain({ id: query, planText: query }));
    if (errorOf(mine, await onServer(query)) >= 0.005) wrong++;
  }
  expect(wrong).toBeGreaterThan(QUERIES.length / 2);
});

/** The same target, whose relations all seem to be empty files. */
function withoutSizes(whole: Target): Target {
  return {
    ...whole,
    rows: async <Row extends object>(text: string, values?: readonly unknown[]) => {
      const rows = await whole.rows<Row>(text, values);
      return text.includes("as blocks") ? rows.map((row) => ({ ...row, blocks: 0 })) : rows;
    },
  };
}
