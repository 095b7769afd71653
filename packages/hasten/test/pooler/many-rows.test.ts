import { createDatabase, type Database, sql } from "hasten/postgres";
import { type PgBouncerServer, startPgBouncer } from "hasten-tools/pgbouncer";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, inject, test } from "vitest";

const ROWS = 3_000;
let bouncer: PgBouncerServer;
let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  bouncer = await startPgBouncer({ to: inject("postgresUrl"), poolSize: 3 });
  database = await freshDatabase();
  db = createDatabase({
    url: bouncer.through(database.url),
    pool: { min: 0, max: 10 },
    healthEveryMs: 0,
  });
  await db.execute(sql`create table t (id int primary key, name text)`);
});
afterAll(async () => {
  await db?.drain();
  await bouncer?.stop();
  await database?.drop();
});

const rows = (from: number) =>
  Array.from({ length: ROWS }, (_, at) => ({ id: from + at, name: `n${from + at}` }));

async function counted(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of items) count++;
  return count;
}

test("reading and writing many rows through PgBouncer, several at once on three server connections", async () => {
  await Promise.all([0, 1, 2, 3].map((lane) => db.bulk("t").insert(rows(lane * ROWS))));
  await db.bulk("t").upsert(rows(0).map((row) => ({ ...row, name: "again" })));
  const all = sql`select * from t`;
  const counts = await Promise.all([
    counted(db.stream(all)),
    counted(db.stream(all, { rowsPerRead: 100 })),
    counted(db.streamTable("t")),
    counted(
      db.batchQuery(rows(0).slice(0, 500), ({ id }) => sql`select * from t where id = ${id}`),
    ),
    db.transaction((tx) => counted(tx.stream(all))),
    db.queryOne<{ n: number }>(sql`select count(*)::int as n from t where name = 'again'`),
  ]);
  expect(counts).toEqual([4 * ROWS, 4 * ROWS, 4 * ROWS, 500, 4 * ROWS, { n: ROWS }]);
  const chunks: Buffer[] = [];
  for await (const chunk of db.copyOut("t")) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString().trimEnd().split("\n")).toHaveLength(4 * ROWS);
  expect(db.stats().pooler.kind).toBe("transaction");
});

test("a stream that is left gives its server connection back", async () => {
  for (let round = 0; round < 12; round++)
    for await (const _ of db.stream(sql`select * from t`, { rowsPerRead: 10 })) break;
  expect(await db.query(sql`select 1 as n`)).toEqual([{ n: 1 }]);
  const pools = await bouncer.admin("SHOW POOLS");
  const mine = pools.find((pool) => pool["database"] === database.name);
  expect([mine?.["cl_waiting"], mine?.["sv_active"]].map(Number)).toEqual([0, 0]);
});
