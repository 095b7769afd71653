/** What stands around a stream: a trace that records it, coherence that watches it, a pooler in between. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createDatabase, sql } from "hasten/postgres";
import { startPgBouncer } from "hasten-tools/pgbouncer";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { inTrace, Trace } from "../../src/core/trace/index.ts";

let target: TestDatabase;
beforeAll(async () => {
  target = await freshDatabase();
  await using db = createDatabase({ url: target.url });
  await db.execute(sql`
    create table reading as select n as id, 'name ' || n as name from generate_series(1, 5000) as n`);
  await db.execute(sql`alter table reading add primary key (id)`);
});
afterAll(async () => {
  await target?.drop();
});

async function count(rows: AsyncIterable<unknown>): Promise<number> {
  let seen = 0;
  for await (const row of rows) if (row) seen += 1;
  return seen;
}

test("one record for a stream and for a COPY, however many portions; pages and batches are not judged", async () => {
  await using db = createDatabase({ url: target.url, pool: { min: 0, max: 1 } });
  const trace = new Trace();
  await inTrace(trace, async () => {
    expect(await count(db.stream(sql`select * from reading where id > ${0}`))).toBe(5_000);
    await count(db.copyOut("reading"));
    for await (const row of db.stream(sql`select * from reading`)) if (row) break;
    await count(db.stream(sql`select 1 / (id - 2000) from reading`)).catch(() => undefined);
    await db.transaction((tx) => count(tx.stream(sql`select name from reading`)));
    expect(await count(db.streamTable("reading"))).toBe(5_000);
    await count(db.batchQuery([1, 2, 3], (id) => sql`select * from reading where id = ${id}`));
  });
  const { records } = trace.queries;
  const streamed = records.filter((record) => record.streamed);
  expect(streamed.map(({ rows, outcome, transaction }) => [rows, outcome, transaction])).toEqual([
    [5_000, "answered", 0],
    [5_000, "answered", 0],
    [expect.any(Number), "answered", 0],
    [expect.any(Number), "failed", 0],
    [5_000, "answered", 1],
  ]);
  for (const record of streamed) {
    expect(record.sentMs).toBeGreaterThanOrEqual(record.calledMs);
    expect(record.endedMs).toBeGreaterThanOrEqual(record.sentMs);
  }
  expect(streamed[0]!.bytes).toBeGreaterThan(50_000);
  const others = records.filter(
    (record) => !record.streamed && record.shape.role !== "control" && !record.unjudged,
  );
  expect(others).toEqual([]);
});

test("a snapshot that is held is published, without values", async () => {
  const events: unknown[] = [];
  const heard = (event: unknown): void => void events.push(event);
  subscribe("hasten:postgres:session", heard);
  try {
    await using db = createDatabase({ url: target.url, pool: { min: 0, max: 1 } });
    const rows = db.stream(sql`select * from reading where name <> ${"secret"}`, {
      snapshotWarnMs: 20,
    });
    await rows.next();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await rows.return();
  } finally {
    unsubscribe("hasten:postgres:session", heard);
  }
  expect(events).toContainEqual(expect.objectContaining({ kind: "snapshot-held", heldMs: 20 }));
  expect(JSON.stringify(events)).not.toContain("secret");
});

test("through PgBouncer in transaction mode: several at once, early ends, limits that stay where they belong", async () => {
  await using bouncer = await startPgBouncer({ to: inject("postgresUrl"), poolSize: 2 });
  await using db = createDatabase({
    url: bouncer.through(target.url),
    pool: { min: 0, max: 6 },
    healthEveryMs: 0,
  });
  const limit = () => db.queryOne(sql`select current_setting('statement_timeout') as ms`);
  const before = await limit();
  const streams = Array.from({ length: 6 }, () => db.stream(sql`select * from reading`));
  expect(await Promise.all(streams.map(count))).toEqual(Array(6).fill(5_000));
  for (let round = 0; round < 20; round++) {
    let seen = 0;
    for await (const row of db.stream(sql`select * from reading`, { rowsPerRead: 50 }))
      if (row && seen++ === round * 40) break;
  }
  await count(db.stream(sql`select 1 / (id - 2500) from reading`)).catch(() => undefined);
  expect(await count(db.streamTable("reading", { rowsPerPage: 700 }))).toBe(5_000);
  expect(await count(db.batchQuery([1, 2, 3], (id) => sql`select ${id}::int as id`))).toBe(3);
  const out = db.copyOut("reading");
  await count(out);
  expect(out.rowCount).toBe(5_000);
  for await (const chunk of db.copyOut(sql`select repeat('x', 999) from generate_series(1, 99999)`))
    if (chunk) break;
  expect(await limit()).toEqual(before);
});
