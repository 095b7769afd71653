/** The end of a service under load: what was accepted is answered, and nothing is left. */
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PostgresError, sql } from "../../src/postgres/index.ts";
import { leavesNothing, quick } from "./world.ts";

let target: TestDatabase;
beforeAll(async () => {
  target = await freshDatabase();
});
afterAll(() => target?.drop());

test("a drain under load loses nothing that was accepted, cancels what is too long, and leaves no socket", async () => {
  const admin = new pg.Client({ connectionString: target.url });
  await admin.connect();
  await admin.query("create table kept (id int primary key)");
  await leavesNothing(async () => {
    const db = quick(target.url, {
      applicationName: "drained",
      drainTimeoutMs: 1_500,
      pool: { max: 5, acquireTimeoutMs: 5_000 },
    });
    const confirmed: number[] = [];
    const refused: string[] = [];
    let draining = false;
    let acceptedBefore = 0;
    let answeredBefore = 0;
    let id = 0;
    const worker = async (): Promise<void> => {
      for (;;) {
        const mine = ++id;
        const before = !draining;
        if (before) acceptedBefore++;
        try {
          await db.transaction(async (tx) => {
            await tx.query(sql`select pg_sleep(0.005)`);
            await tx.execute(sql`insert into kept values (${mine})`);
          });
          confirmed.push(mine);
          if (before) answeredBefore++;
        } catch (error) {
          refused.push((error as PostgresError).code);
          // What was asked for before the drain must not be among the refused.
          expect(before).toBe(false);
          return;
        }
      }
    };
    const tooLong = db.query(sql`select pg_sleep(30)`).then(
      () => "answered",
      (error: PostgresError) => error.code,
    );
    const workers = Array.from({ length: 20 }, worker);
    await new Promise((resolve) => setTimeout(resolve, 300));
    draining = true;
    const startedMs = performance.now();
    await db.drain();
    expect(performance.now() - startedMs).toBeLessThan(4_000);
    await Promise.all(workers);
    expect(await tooLong).toBe("HST_PG_CLOSED");
    expect(answeredBefore).toBe(acceptedBefore);
    expect(refused).toEqual(Array.from({ length: 20 }, () => "HST_PG_CLOSED"));
    const { rows } = await admin.query("select id from kept order by id");
    expect(rows.map((row: { id: number }) => row.id)).toEqual([...confirmed].sort((a, b) => a - b));
    expect(confirmed.length).toBeGreaterThan(20);
    await expect
      .poll(async () => {
        const own =
          "select count(*)::int as n from pg_stat_activity where application_name = 'drained'";
        return (await admin.query(own)).rows[0].n;
      })
      .toBe(0);
  });
  await admin.end();
}, 30_000);
