import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type Database, sql } from "../../src/postgres/index.ts";

let target: TestDatabase;
let db: Database;
beforeAll(async () => {
  target = await freshDatabase();
  db = createDatabase({ url: target.url, pool: { min: 0, max: 2 } });
  await db.execute(sql`create table item as select n as id from generate_series(1, 2500) as n`);
});
afterAll(async () => {
  await db?.drain();
  await target?.drop();
});

const failure = (promise: Promise<unknown>): Promise<Error & { code?: string }> =>
  promise.then(
    () => expect.fail("it did not fail"),
    (error: Error) => error,
  );
const statement = sql`select id from item where id > ${0} order by id -- all`;

test("statements of the transaction run between rows, and what they change does not show", async () => {
  const seen: number[] = [];
  await db
    .transaction(async (tx) => {
      for await (const { id } of tx.stream<{ id: number }>(statement, { rowsPerRead: 100 })) {
        seen.push(id);
        if (id % 500 === 0) await tx.execute(sql`update item set id = -id where id = ${id + 1}`);
      }
      expect(await tx.queryOne(sql`select count(*)::int as n from item where id < 0`)).toEqual({
        n: 4,
      });
      throw new Error("undo");
    })
    .catch((error: Error) => expect(error.message).toBe("undo"));
  expect(seen).toEqual(Array.from({ length: 2_500 }, (_, index) => index + 1));
});

test("several at once, nested ones, break, and none left open", async () => {
  await db.transaction(async (tx) => {
    const [left, right] = [
      tx.stream<{ id: number }>(statement),
      tx.stream<{ id: number }>(statement),
    ];
    for (let row = 1; row <= 1_500; row++)
      expect([(await left.next()).value, (await right.next()).value]).toEqual([
        { id: row },
        { id: row },
      ]);
    await left.return();
    for await (const row of right) if (row.id === 1_600) break;
    await tx.transaction(async (inner) => {
      for await (const row of inner.stream(statement)) if (row) break;
    });
    expect(await tx.query(sql`select name from pg_cursors where name <> ''`)).toEqual([]);
  });
  expect(db.stats().pool.active).toBe(0);
});

test("an error ends stream and transaction; after the end of the work nothing is read", async () => {
  const broken = db.transaction(async (tx) => {
    for await (const row of tx.stream(sql`select 1 / (1500 - id) from item order by id`)) void row;
  });
  expect(await failure(broken)).toMatchObject({ code: "HST_PG_STATEMENT", sqlstate: "22012" });
  const late = await db.transaction(async (tx) => {
    const rows = tx.stream(statement);
    await rows.next();
    return rows;
  });
  for (let row = 1; row < 1_000; row++) await late.next();
  expect(await failure(late.next())).toMatchObject({ code: "HST_PG_TX" });
  const abort = AbortSignal.abort();
  const aborted = db.transaction((tx) => tx.stream(statement, { signal: abort }).next());
  expect(await failure(aborted)).toMatchObject({ code: "HST_PG_ABORTED" });
  expect(db.stats().pool.active).toBe(0);
});
