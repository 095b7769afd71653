/** pgbench: its primary keys are all it needs, and an index that barely pays goes when writes grow. */
import { freshDatabase } from "hasten-tools/vitest";
import { expect, test } from "vitest";
import type { Catalog } from "../../src/catalog/types.ts";
import { workloadOf } from "../../src/testing/workload.ts";
import { briefOf, creates, openScene } from "./scene.ts";

const TABLES = `
  create table pgbench_branches (bid int primary key, bbalance int, filler char(88));
  create table pgbench_tellers (tid int primary key, bid int, tbalance int, filler char(84));
  create table pgbench_accounts (aid int primary key, bid int, abalance int, filler char(84));
  create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
  insert into pgbench_branches select n, 0 from generate_series(1, 1) n;
  insert into pgbench_tellers select n, 1, 0 from generate_series(1, 10) n;
  insert into pgbench_accounts select n, 1, 0, '' from generate_series(1, 100000) n`;

/** The transaction of TPC-B, by time as on an idle machine. */
const TPC_B = [
  { text: "update pgbench_accounts set abalance = abalance + $1 where aid = $2", share: 0.4 },
  { text: "select abalance from pgbench_accounts where aid = $1", share: 0.1 },
  { text: "update pgbench_tellers set tbalance = tbalance + $1 where tid = $2", share: 0.2 },
  { text: "update pgbench_branches set bbalance = bbalance + $1 where bid = $2", share: 0.2 },
  {
    text: "insert into pgbench_history (tid, bid, aid, delta, mtime) values ($1, $2, $3, $4, current_timestamp)",
    share: 0.1,
  },
];

test("pgbench with its primary keys needs nothing; a marginal index goes when writes grow tenfold", async () => {
  await using db = await freshDatabase();
  await using scene = await openScene(db.url, [TABLES]);
  expect((await scene.advise(workloadOf(TPC_B))).advice).toEqual([]);

  // Rarely asked for, and of a narrow table: what it gains is little more than its upkeep.
  await scene.client.query(
    "insert into pgbench_history select 1, 1, n % 5000, n, now() from generate_series(1, 50000) n",
  );
  await using grown = await openScene(db.url, []);
  const rows = (factor: number): Partial<Catalog> => ({
    countersMs: 3_600_000,
    relations: grown.catalog.relations.map((relation) =>
      relation.name === "pgbench_history"
        ? { ...relation, activity: { ...relation.activity, inserted: 30_000 * factor } }
        : relation,
    ),
  });
  const workload = workloadOf([
    ...TPC_B.map((each) => ({ ...each, share: each.share * 0.98, totalMs: each.share * 98_000 })),
    {
      text: "select sum(delta) from pgbench_history where aid = $1",
      share: 0.02,
      totalMs: 2_000,
    },
  ]);
  const calm = creates(await grown.advise(workload, rows(1)));
  expect(calm.map(briefOf)).toHaveLength(1);
  expect(calm[0]).toMatchObject({ table: "public.pgbench_history" });
  expect(creates(await grown.advise(workload, rows(10)))).toEqual([]);
});
