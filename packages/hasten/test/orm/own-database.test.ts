/** Our own Database on its watched pool: leases, time-outs, lost answers. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createDatabase, type QueryEvent, sql } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, it } from "vitest";
import { rowTag, tableTag } from "../../src/core/sql-tag.ts";
import { inTrace, Trace } from "../../src/core/trace/index.ts";
import { createWatch } from "../../src/postgres/watch/watch.ts";
import { SCHEMA } from "./libraries.ts";
import { recordingSource } from "./recording-source.ts";
import { smallAnalyzer } from "./small-analyzer.ts";

async function opened() {
  const made = await freshDatabase();
  const setup = new pg.Client({ connectionString: made.url });
  await setup.connect();
  await setup.query(SCHEMA);
  await setup.end();
  const source = recordingSource();
  const analyzer = smallAnalyzer(made.name);
  const watch = createWatch({ analyzer: () => analyzer, source: () => source });
  const db = createDatabase({ url: made.url, pool: { max: 3 } });
  watch.watch(db.pool);
  return {
    db,
    source,
    url: made.url,
    table: tableTag({ database: made.name, schema: "public", table: "items" }),
    async [Symbol.asyncDispose]() {
      await db.drain();
      watch.close();
      await made.drop();
    },
  };
}

it("attributes concurrent requests, statements once each", async () => {
  await using app = await opened();
  const events: QueryEvent[] = [];
  const listen = (event: unknown): void => void events.push(event as QueryEvent);
  subscribe("hasten:postgres:query", listen);
  const one = async (id: number): Promise<boolean> => {
    const trace = new Trace();
    await inTrace(trace, async () => {
      await app.db.query(sql`select label from items where id = ${id}`);
      await app.db.transaction(async (tx) => {
        await tx.query(sql`select label from items where id = ${id}`);
      });
    });
    await trace.settled();
    const { tags, untracked } = trace.dependency();
    const mine = tags.filter((tag) => tag.includes("id="));
    const wanted = rowTag(app.table, "id", String(id));
    return untracked.length === 0 && mine.length === 1 && mine[0] === wanted;
  };
  const right = await Promise.all(Array.from({ length: 100 }, (_, id) => one(id + 1)));
  unsubscribe("hasten:postgres:query", listen);
  expect(right.filter((is) => !is)).toEqual([]);
  const reads = events.filter(({ statement }) => statement.includes("from items"));
  expect(reads).toHaveLength(200);
  expect(new Set(reads.map(({ trace }) => trace)).size).toBe(100);
});

it("a transaction resolves after its COMMIT settled; one that timed out is cancelled", async () => {
  await using app = await opened();
  await app.db.transaction(async (tx) => {
    await tx.execute(sql`update items set label = ${"x"} where id = 1`);
    expect(app.source.writes).toEqual([]);
  });
  expect(app.source.writes).toHaveLength(1);
  const slow = app.db.execute(
    sql`update items set label = ${"y"} || pg_sleep(20)::text where id = 1`,
    {
      timeoutMs: 100,
    },
  );
  await expect(slow).rejects.toMatchObject({ code: "HST_PG_TIMEOUT" });
  // Cancelled, and the server said so: nothing was written that had to be told.
  const { rows } = await app.db.execute<{ label: string }>(
    sql`select label from items where id = 1`,
  );
  expect(rows).toEqual([{ label: "x" }]);
});

it("a commit whose answer was lost is told before its caller hears of it", async () => {
  await using app = await opened();
  const killer = new pg.Client({ connectionString: app.url });
  await killer.connect();
  await killer.query(`create function slow_check() returns trigger language plpgsql as
    $$ begin perform pg_sleep(20); return null; end $$`);
  await killer.query(`create constraint trigger slow after update on items
    deferrable initially deferred for each row execute function slow_check()`);
  const before = app.source.writes.length;
  const lost = app.db.transaction((tx) =>
    tx.execute(sql`update items set label = ${"z"} where id = 1`),
  );
  const failed = expect(lost).rejects.toThrow();
  await expect
    .poll(async () => {
      const { rows } = await killer.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'commit%' and state = 'active'",
      );
      return rows.length;
    })
    .toBeGreaterThan(0);
  await failed;
  await killer.end();
  expect(app.source.writes.length).toBe(before + 1);
});
