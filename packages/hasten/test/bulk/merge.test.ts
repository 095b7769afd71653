/** Staged upserts by MERGE: what it does beside another transaction, and where it is not taken. */
import { createDatabase, trustedSql } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";

test("a key that another transaction inserts meanwhile is updated, as ON CONFLICT would", async () => {
  const { url } = await freshDatabase();
  await using db = createDatabase({ url, pool: { min: 1, max: 2 } });
  await db.execute(trustedSql("create table t (id int primary key, n int)"));
  await db.execute(trustedSql("insert into t values (1, 0), (2, 0)"));
  const other = new pg.Client({ connectionString: url });
  await other.connect();
  try {
    await other.query("begin; insert into t values (5, 0)");
    const rows = [1, 2, 3, 5, 5].map((id, at) => ({ id, n: at }));
    const upsert = db.bulk("t").upsert(rows, { method: "copy" });
    const waits = "select query from pg_stat_activity where wait_event_type = 'Lock'";
    let query = "";
    await expect
      .poll(async () => {
        query = (await db.query<{ query: string }>(trustedSql(waits)))[0]?.query ?? "";
        return query;
      })
      .not.toBe("");
    expect(query).toMatch(/^merge into "t"/);
    await other.query("commit");
    expect(await upsert).toMatchObject({ rows: 5, inserted: 1, updated: 2, unchanged: 2 });
    expect((await other.query("select id, n from t order by id")).rows).toEqual([
      { id: 1, n: 0 },
      { id: 2, n: 1 },
      { id: 3, n: 2 },
      { id: 5, n: 4 },
    ]);
  } finally {
    await other.end();
  }
});
