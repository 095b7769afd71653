import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { readCatalog } from "../../src/catalog/read.ts";
import { type Model, openModel } from "../../src/model/open.ts";
import { plannedFrom } from "../../src/model/planned.ts";
import { testTarget } from "./test-target.ts";

/** What the fuzz and hand-made settings have found. */
async function prepared(db: TestDatabase, sql: readonly string[]): Promise<pg.Client> {
  const client = new pg.Client(db.url);
  await client.connect();
  for (const one of sql) await client.query(one);
  return client;
}

async function agree(client: pg.Client, model: Model, queries: readonly string[]): Promise<void> {
  for (const planText of queries) {
    const mine = await model.explain({ id: planText, planText });
    const { rows } = await client.query(`explain (format json) ${planText}`);
    const truth = plannedFrom(rows);
    if (mine.kind === "refused" || truth.kind === "refused") throw new Error(planText);
    expect.soft(mine.plan["Node Type"], planText).toBe(truth.plan["Node Type"]);
    expect.soft(mine.rows, planText).toBe(truth.rows);
    expect
      .soft(Math.abs(mine.totalCost - truth.totalCost), planText)
      .toBeLessThanOrEqual(Math.max(1, truth.totalCost * 0.005));
  }
}

test("fill factor, NOT NULL that is not valid, barriers of views, extended statistics", async () => {
  await using db = await freshDatabase();
  const client = await prepared(db, [
    "create table packed (id int, v int) with (autovacuum_enabled = off, fillfactor = 50)",
    "insert into packed select n, n from generate_series(1, 20000) n",
    "create table loose (id int, v int) with (autovacuum_enabled = off)",
    "alter table loose add constraint v_there not null v not valid",
    "insert into loose select n, n from generate_series(1, 10000) n",
    "create table a (id int primary key, k int, v text) with (autovacuum_enabled = off)",
    "insert into a select n, n % 500, md5(n::text) from generate_series(1, 20000) n",
    "create view barred with (security_barrier) as select * from a where k < 400",
    "create table both_ (gone text, x int, y int, z int) with (autovacuum_enabled = off)",
    "alter table both_ drop column gone",
    "insert into both_ select n % 100, n % 100 / 10, n % 100 from generate_series(1, 30000) n",
    "create statistics tied (ndistinct, dependencies) on x, y, z from both_",
    "analyze loose; analyze a; analyze both_",
    "set max_parallel_workers_per_gather = 0",
  ]);
  try {
    await using target = await testTarget(db.url);
    await using model = await openModel(target, await readCatalog(target));
    expect(model.notes).toEqual([]);
    await agree(client, model, [
      "select * from packed",
      "select * from loose where v is null",
      "select * from barred where v like 'a%' and id < 1000",
      "select * from both_ where x = 5 and y = 0 and z = 5",
      "select x, y, z, count(*) from both_ group by 1, 2, 3",
    ]);
  } finally {
    await client.end();
  }
}, 120_000);

test("combinations of values and too much work_mem are told; settings of the database hold", async () => {
  await using db = await freshDatabase();
  const client = await prepared(db, [
    `alter database "${db.name}" set work_mem = '8GB'`,
    `alter database "${db.name}" set random_page_cost = 1.1`,
    `alter database "${db.name}" set enable_hashjoin = off`,
    `alter database "${db.name}" set datestyle = 'German, DMY'`,
    `alter database "${db.name}" set timezone = 'America/New_York'`,
    `alter database "${db.name}" set bytea_output = 'escape'`,
    "create table a (x int, y int, at timestamptz, d date, m money, b bytea)",
    `insert into a select n % 100, n % 10, '2025-01-01'::timestamptz + n * interval '1 hour',
      date '2025-01-01' + n % 400, n % 50, decode(md5(n::text), 'hex') from generate_series(1, 5000) n`,
    "create index on a (at)",
    "create statistics tied on x, y from a",
    "vacuum analyze a",
  ]);
  await client.end();
  const again = await prepared(db, ["set max_parallel_workers_per_gather = 0"]);
  try {
    await using target = await testTarget(db.url);
    await using model = await openModel(target, await readCatalog(target));
    expect(model.notes).toEqual([
      "The model plans with a work_mem of 2 GB, which is the most that it can have.",
      expect.stringContaining("Of extended statistics (1 object)"),
    ]);
    await agree(again, model, [
      "select * from a where at between '01.02.2025' and '03.02.2025'",
      "select * from a where d = '05.03.2025'",
      "select * from a where m = 7::money",
      "select * from a p join a q using (at)",
      "select * from a order by b",
    ]);
  } finally {
    await again.end();
  }
}, 120_000);
