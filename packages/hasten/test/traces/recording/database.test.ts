/** The statements of a Database in the trace of whoever asks. */
import { createCache } from "hasten/cache";
import { createDatabase, type Database, sql } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { inTrace, type QueryLog, siteCapture, Trace } from "../../../src/core/trace/index.ts";

let db: Database;
let fresh: Awaited<ReturnType<typeof freshDatabase>>;

beforeAll(async () => {
  fresh = await freshDatabase();
  db = createDatabase({ url: fresh.url, pool: { min: 1, max: 2 }, cache: createCache() });
  await db.execute(sql`create table items (id int primary key, label text not null)`);
  await db.execute(
    sql`insert into items select n, 'label ' || n from generate_series(1, 100) as n`,
  );
});

afterAll(async () => {
  await db?.drain();
  await fresh?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  siteCapture.from = 2;
  siteCapture.max = 5;
});

async function logOf(work: () => Promise<unknown>): Promise<QueryLog> {
  const trace = new Trace();
  await inTrace(trace, work);
  return trace.queries;
}

const byId = (id: number) =>
  db.queryOne<{ label: string }>(sql`select * from items where id = ${id}`);

test("a record holds shape, values, times, rows and bytes", async () => {
  const log = await logOf(() => db.query(sql`select id, label from items where id <= ${10}`));
  expect(log.records).toHaveLength(1);
  const [record] = log.records;
  expect(record).toMatchObject({
    values: [10],
    rows: 10,
    outcome: "answered",
    cache: "none",
    transaction: 0,
    site: undefined,
  });
  expect(record!.shape).toMatchObject({
    statement: "select id, label from items where id <= $n",
    kind: "select",
    model: "items",
    role: "read",
  });
  const { calledMs, sentMs, endedMs, bytes } = record!;
  expect(calledMs).toBeLessThanOrEqual(sentMs);
  expect(sentMs).toBeLessThan(endedMs);
  expect(bytes).toBeGreaterThan(10 * "label 10".length);
  expect(bytes).toBeLessThan(1_000);
});

test("bytes are those of its own answer", async () => {
  const log = await logOf(async () => {
    await db.query(sql`select repeat('x', 100000) as a`);
    await db.query(sql`select 'small' as a`);
  });
  expect(log.records[0]!.bytes).toBeGreaterThan(100_000);
  expect(log.records[1]!.bytes).toBeLessThan(500);
});

test("waiting for a connection is apart from the answer's time", async () => {
  const log = await logOf(() =>
    Promise.all([1, 2, 3, 4].map(() => db.query(sql`select pg_sleep(0.05)`))),
  );
  const waits = log.records.map((one) => one.sentMs - one.calledMs).sort((a, b) => a - b);
  // Two connections: two wait for as long as an answer takes.
  expect(waits[3]! - waits[0]!).toBeGreaterThan(30);
  for (const one of log.records) expect(one.endedMs - one.sentMs).toBeGreaterThan(45);
  expect(log.totals().waitMs).toBeGreaterThan(60);
});

test("no stack for the first of a shape, then at most five, leading to the caller", async () => {
  async function showItems(): Promise<void> {
    for (let id = 1; id <= 10; id++) await byId(id);
  }
  const log = await logOf(showItems);
  const sites = log.records.map((one) => one.site);
  expect(sites[0]).toBeUndefined();
  expect(sites.slice(6)).toEqual([undefined, undefined, undefined, undefined]);
  for (const site of sites.slice(1, 6)) {
    expect(site?.file).toMatch(/test\/traces\/recording\/database\.test\.ts$/);
    expect(site?.functionName).toBe("byId");
  }
});

test("each way of asking is recorded once, at the caller's line", async () => {
  siteCapture.from = 1;
  async function askAll(): Promise<void> {
    await db.execute(sql`update items set label = ${"a"} where id = ${1}`);
    await db.query(sql`select id from items where id = ${1}`);
    await db.queryOne(sql`select label from items where id = ${1}`);
    await db.byIds("items", "id", [1, 2, 3]);
  }
  const log = await logOf(askAll);
  expect(log.records.map((one) => one.shape.kind)).toEqual([
    "update",
    "select",
    "select",
    "select",
  ]);
  for (const one of log.records) expect(one.site?.functionName).toBe("askAll");
  expect(log.records[3]!.shape.traits.batched).toBe(true);
  expect(log.totals()).toMatchObject({ count: 4, failed: 0, rows: 6 });
});

test("overlapping statements of Promise.all have the line that starts them", async () => {
  siteCapture.from = 1;
  async function loadAll(ids: readonly number[]): Promise<unknown> {
    return await Promise.all(ids.map((id) => db.query(sql`select * from items where id = ${id}`)));
  }
  const log = await logOf(() => loadAll([1, 2, 3]));
  expect(log.records.map((one) => one.site?.functionName)).toEqual([
    "loadAll",
    "loadAll",
    "loadAll",
  ]);
});

test("a transaction is a span with its statements; BEGIN and COMMIT are not counted", async () => {
  siteCapture.from = 1;
  async function rename(): Promise<void> {
    await db.transaction(async (tx) => {
      await tx.query(sql`select * from items where id = ${1} for update`);
      await tx.transaction((inner) =>
        inner.execute(sql`update items set label = 'b' where id = 1`),
      );
    });
    await db
      .transaction(async (tx) => {
        await tx.execute(sql`delete from items where id = ${1}`);
        throw new Error("no");
      })
      .catch(() => undefined);
  }
  const log = await logOf(rename);
  expect(log.transactions).toMatchObject([
    { number: 1, statements: 2, outcome: "committed" },
    { number: 2, statements: 1, outcome: "rolled-back" },
  ]);
  for (const span of log.transactions) expect(span.endedMs).toBeGreaterThan(span.startedMs);
  const work = log.records.filter((one) => one.shape.role !== "control");
  expect(work.map((one) => [one.shape.kind, one.transaction])).toEqual([
    ["select", 1],
    ["update", 1],
    ["delete", 2],
  ]);
  // Of the nested one the stack leads to its callback, and no further.
  expect(work.map((one) => one.site?.functionName)).toEqual(["rename", "", "rename"]);
  expect(log.totals().count).toBe(3);
  expect(log.records.map((one) => one.shape.kind)).toEqual([
    ...["begin", "select", "savepoint", "update", "release", "commit"],
    ...["begin", "delete", "rollback"],
  ]);
});

test("a hit of the cache is a record and no statement", async () => {
  const read = () =>
    db.query(sql`select label from items where id = ${7}`, { cache: { ttlMs: 60_000 } });
  const first = await logOf(read);
  expect(first.records).toMatchObject([{ cache: "miss", outcome: "answered", rows: 1 }]);
  expect(first.totals()).toMatchObject({ count: 1, cacheMisses: 1, cacheHits: 0 });
  const second = await logOf(read);
  expect(second.records).toMatchObject([{ cache: "hit", outcome: "answered", rows: 1, sentMs: 0 }]);
  expect(second.totals()).toMatchObject({ count: 0, cacheHits: 1, databaseMs: 0 });
});

test("several who wait for one load are one statement", async () => {
  const log = await logOf(() =>
    Promise.all(
      [1, 2, 3].map(() =>
        db.query(sql`select label, pg_sleep(0.05) from items where id = ${8}`, {
          cache: { ttlMs: 60_000 },
        }),
      ),
    ),
  );
  expect(log.totals()).toMatchObject({ count: 1, cacheMisses: 1, cacheHits: 2 });
});

test("failures are recorded: by the server, before sending, and without a connection", async () => {
  await using lonely = createDatabase({
    url: fresh.url,
    pool: { min: 0, max: 1, acquireTimeoutMs: 50 },
  });
  const log = await logOf(async () => {
    await db.query(sql`select * from nowhere`).catch(() => undefined);
    const busy = lonely.query(sql`select pg_sleep(0.3)`);
    await lonely.query(sql`select 2 as a`).catch(() => undefined);
    await busy;
  });
  expect(log.records.map((one) => one.outcome)).toEqual(["failed", "answered", "failed"]);
  expect(log.records[2]!.sentMs).toBe(0);
  expect(log.totals().failed).toBe(2);
});

test("outside a trace nothing is recorded, and what hasten asks itself never is", async () => {
  await byId(1);
  const log = await logOf(async () => {
    await db.health();
  });
  expect(log.records).toEqual([]);
});

test("a log is bounded: what is beyond it is counted", async () => {
  const log = await logOf(async () => {
    for (let at = 0; at < 11; at++)
      await Promise.all(Array.from({ length: 100 }, () => db.query(sql`select ${at}::int`)));
  });
  expect(log.records).toHaveLength(1_000);
  expect(log.beyond).toBe(100);
  expect(log.totals().count).toBe(1_100);
});
