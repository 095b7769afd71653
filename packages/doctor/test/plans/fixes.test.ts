/** The SQL that findings propose is valid on PostgreSQL 18, and what is meant to cure does. */
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test, vi } from "vitest";
import type { DoctorFinding } from "../../src/finding.ts";
import { contextOf } from "../../src/plans/facts.ts";
import { findInPlan } from "../../src/plans/find.ts";
import { readPlan } from "../../src/plans/read.ts";
import { prepare, type RecordedPlan, recordPlan } from "./run-scenario.ts";
import { fileOf, type Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/all.ts";

vi.setConfig({ testTimeout: 60_000 });

/** Rules whose SQL alone must take the finding away; others' needs a rewritten statement too. */
const CURED: ReadonlySet<string> = new Set([
  "plan/seq-scan-selective-filter",
  "plan/inefficient-index",
  "plan/row-misestimate",
  "plan/stale-statistics",
  "plan/default-selectivity",
  "plan/incremental-sort-spill",
  "plan/bitmap-and",
  "plan/inner-seq-scan",
  "plan/leading-wildcard",
]);

const NUMBERED_HERE: ReadonlySet<string> = new Set([
  ...CURED,
  "plan/order-limit-wrong-index",
  "plan/disk-sort",
  "plan/nested-loop-explosion",
  "plan/index-only-heap-fetches",
  "plan/blocks-per-row",
  "plan/settings-forced",
]);

function findingOf(recorded: RecordedPlan, rule: string): DoctorFinding | undefined {
  const plan = readPlan(recorded.explain);
  if (plan === undefined) throw new Error("not a plan");
  const context = contextOf(recorded.major, recorded.relations);
  return findInPlan(plan, context).find(({ id }) => id === rule);
}

async function run(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

async function curedIn(scenario: Scenario): Promise<void> {
  await using server = await freshDatabase();
  const database = { url: server.url, major: 18 } as const;
  await prepare(database, scenario.setup);
  const found = findingOf(await recordPlan(database, "positive", scenario.positive), scenario.rule);
  if (found === undefined) throw new Error("nothing was found");
  if (found.fix.kind === "advice") {
    expect(CURED).not.toContain(scenario.rule);
    return;
  }
  await run(server.url, found.fix.statements);
  if (!CURED.has(scenario.rule)) return;
  const after = await recordPlan(database, "positive", scenario.positive);
  expect(findingOf(after, scenario.rule)).toBeUndefined();
}

const cases = SCENARIOS.filter(({ rule }) => NUMBERED_HERE.has(rule));

test.for(cases.map((it) => [fileOf(it), it] as const))("%s", ([, scenario]) => curedIn(scenario));
