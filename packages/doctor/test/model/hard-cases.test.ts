import { startPostgresOf } from "hasten-tools/postgres-versions";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { readCatalog } from "../../src/catalog/read.ts";
import { openModel } from "../../src/model/open.ts";
import { plannedFrom } from "../../src/model/planned.ts";
import type { RawPlan } from "../../src/model/types.ts";
import { ANALYZE, HARD_QUERIES, hardSchema } from "./hard-schema.ts";
import { testTarget } from "./test-target.ts";

/** Planners of other versions reckon some things otherwise: these are looked at with more room. */
/** Before, pg_stats does not show what is known of ranges. */
const RANGES_SINCE = 17;
const BOUND_SAME = 0.005;
const BOUND_OLDER = 0.1;

async function compare(url: string, major: number): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(hardSchema(major));
    await client.query("set default_statistics_target = 1000");
    for (const one of ANALYZE.split(";")) await client.query(one);
    await client.query("set max_parallel_workers_per_gather = 0");
    await using target = await testTarget(url);
    const catalog = await readCatalog(target);
    await using model = await openModel(target, catalog);
    const named = (oid: number) => catalog.relations.find((r) => r.oid === oid)?.name;
    expect(model.missing.map(({ relation, because }) => [named(relation), because])).toEqual([
      ["remote", "a foreign table is planned by its own server"],
    ]);
    expect(model.notes).toEqual([
      ...(major < RANGES_SINCE
        ? ["This version does not show its statistics of range columns: the model plans without."]
        : []),
    ]);
    for (const planText of HARD_QUERIES) {
      if (major < RANGES_SINCE && planText.includes("period @>")) continue;
      const mine = await model.explain({ id: planText, planText });
      const { rows } = await client.query(`explain (format json) ${planText}`);
      const truth = plannedFrom(rows);
      if (mine.kind === "refused" || truth.kind === "refused") {
        expect.soft(mine, planText).toEqual(truth);
        continue;
      }
      const told = `${major}: ${planText}\n${nodesOf(mine.plan)} ${mine.totalCost}\n${nodesOf(truth.plan)} ${truth.totalCost}`;
      const difference = Math.abs(mine.totalCost - truth.totalCost);
      const bound = major === 18 ? BOUND_SAME : BOUND_OLDER;
      expect.soft(difference, told).toBeLessThanOrEqual(Math.max(1, bound * truth.totalCost));
      expect.soft(nodesOf(mine.plan), told).toBe(nodesOf(truth.plan));
    }
  } finally {
    await client.end();
  }
}

function nodesOf(plan: RawPlan): string {
  return [plan["Node Type"], ...(plan.Plans ?? []).map((child) => `(${nodesOf(child)})`)].join(" ");
}

test("version 18: every odd thing is copied, and costs are the same", async () => {
  await using db = await freshDatabase();
  await compare(db.url, 18);
}, 240_000);

test.each([14, 15, 16, 17] as const)(
  "version %i",
  async (major) => {
    const server = await startPostgresOf(major);
    if ("unavailable" in server) return expect.soft(server.unavailable).toBeUndefined();
    try {
      await compare(server.url, major);
    } finally {
      await server.stop();
    }
  },
  120_000,
);
