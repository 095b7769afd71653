/** Statements of the driver, seen by `observe`, by a watch, and by both. */

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createDatabase, observe, sql } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import Cursor from "pg-cursor";
import QueryStream from "pg-query-stream";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { channels } from "../../../src/core/channels.ts";
import { inTrace, type QueryLog, siteCapture, Trace } from "../../../src/core/trace/index.ts";
import { carriage } from "../../../src/postgres/watch/carry.ts";
import { noSource } from "./no-source.ts";

let fresh: Awaited<ReturnType<typeof freshDatabase>>;
let pool: pg.Pool;
const undo: (() => unknown)[] = [];

beforeAll(async () => {
  fresh = await freshDatabase();
  const setUp = new pg.Client({ connectionString: fresh.url });
  await setUp.connect();
  await setUp.query(`create table items (id int primary key, label text not null);
    insert into items select n, 'label ' || n from generate_series(1, 500) as n`);
  await setUp.end();
});
afterAll(async () => {
  await fresh?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  siteCapture.from = 1;
  siteCapture.max = 5;
  pool = new pg.Pool({ connectionString: fresh.url, max: 2, application_name: "shop" });
});
afterEach(async () => {
  for (const end of undo.splice(0)) await end();
  await pool.end();
  siteCapture.from = 2;
});

const clientOf = (of: object): unknown => (of as { Client: unknown }).Client;

type Way = readonly [string, () => void];
const observing = (): void => {
  const observed = observe(pool);
  undo.push(() => observed.close());
};
const watching = (): void => {
  const watch = noSource();
  watch.watch(pool);
  undo.push(() => watch.close());
};
const WAYS: readonly Way[] = [
  ["observed", observing],
  ["watched", watching],
  ["observed, then watched", () => [observing(), watching()]],
  ["watched, then observed", () => [watching(), observing()]],
  ["observed twice", () => [observing(), observing()]],
];

async function logOf(work: () => Promise<unknown>): Promise<QueryLog> {
  const trace = new Trace();
  await inTrace(trace, work);
  return trace.queries;
}

async function loadItem(id: number): Promise<string> {
  const { rows } = await pool.query("select label from items where id = $1", [id]);
  return (rows[0] as { label: string }).label;
}

test.each(WAYS)("%s: each statement once, with its line", async (_name, begin) => {
  begin();
  const log = await logOf(async () => {
    expect(await loadItem(7)).toBe("label 7");
    expect(await Promise.all([1, 2, 3].map(loadItem))).toEqual(["label 1", "label 2", "label 3"]);
    await expect(pool.query("select * from nowhere")).rejects.toMatchObject({ code: "42P01" });
  });
  expect(log.records.map((one) => [one.outcome, one.rows, one.values])).toEqual([
    ["answered", 1, [7]],
    ["answered", 1, [1]],
    ["answered", 1, [2]],
    ["answered", 1, [3]],
    ["failed", 0, undefined],
  ]);
  for (const one of log.records.slice(0, 4)) {
    expect(one.site).toMatchObject({ functionName: "loadItem" });
    expect(one.site?.file).toMatch(/observe\.test\.ts$/);
    expect(one.calledMs).toBeLessThanOrEqual(one.sentMs);
    expect(one.sentMs).toBeLessThan(one.endedMs);
    expect(one.bytes).toBeGreaterThan(20);
  }
  expect(log.totals()).toMatchObject({ count: 5, failed: 1, rows: 4 });
});

test.each(WAYS)("%s: every form that the driver takes", async (_name, begin) => {
  begin();
  const log = await logOf(async () => {
    await pool.query({ text: "select id from items where id = $1", values: [1] });
    await pool.query({ name: "named", text: "select label from items where id = $1", values: [2] });
    await new Promise((resolve) =>
      pool.query("select 3 as a from items limit 1", (_error, result) => resolve(result)),
    );
    const client = await pool.connect();
    await client.query(new pg.Query("select 4 as a from items limit 1"));
    await new Promise<void>((resolve) =>
      client.query("select 5 as a from items limit 1", () => resolve()),
    );
    client.release();
  });
  expect(log.records.map((one) => [one.shape.role, one.outcome, one.rows])).toEqual(
    Array.from({ length: 5 }, () => ["read", "answered", 1]),
  );
});

test.each(WAYS)("%s: a transaction of the program is a span", async (_name, begin) => {
  begin();
  const log = await logOf(async () => {
    const client = await pool.connect();
    await client.query("begin");
    await client.query("select * from items where id = 1 for update");
    await client.query("savepoint a");
    await client.query("select * from nowhere").catch(() => undefined);
    await client.query("rollback to savepoint a");
    await client.query("update items set label = label where id = 1");
    await client.query("commit");
    await client.query("select 1 from items limit 1");
    await client.query("start transaction");
    await client.query("select * from nowhere").catch(() => undefined);
    // The server answers ROLLBACK.
    await client.query("commit");
    client.release();
  });
  expect(log.transactions).toMatchObject([
    { number: 1, statements: 3, outcome: "committed" },
    { number: 2, statements: 1, outcome: "rolled-back" },
  ]);
  for (const span of log.transactions) expect(span.endedMs).toBeGreaterThan(span.startedMs);
  expect(log.records.map((one) => one.transaction)).toEqual([1, 1, 1, 1, 1, 1, 1, 0, 2, 2, 2]);
  expect(log.totals().count).toBe(5);
});

test.each(WAYS)("%s: cursors, streams and COPY are one statement each", async (_name, begin) => {
  begin();
  const log = await logOf(async () => {
    const client = await pool.connect();
    const cursor = client.query(new Cursor("select * from items where id > $1", [0]));
    for (let rows = 1; rows > 0; ) rows = (await cursor.read(100)).length;
    await cursor.close();
    let streamed = 0;
    for await (const _row of client.query(new QueryStream("select id from items"))) streamed += 1;
    expect(streamed).toBe(500);
    const early = client.query(new Cursor("select label from items", []));
    await early.read(10);
    await early.close();
    await pipeline(
      Readable.from(["1001\tx\n", "1002\ty\n"]),
      client.query(copyFrom("copy items from stdin")),
    );
    for await (const _chunk of client.query(copyTo("copy items to stdout")));
    client.release();
  });
  const got = log.records.map((one) => [one.shape.kind, one.outcome, one.rows, one.streamed]);
  expect(got).toEqual([
    ["select", "answered", 500, true],
    ["select", "answered", 500, true],
    ["select", "answered", 10, true],
    ["copy", "answered", 2, true],
    ["copy out", "answered", 502, true],
  ]);
  expect(log.records[0]!.values).toHaveLength(1);
  await pool.query("delete from items where id > 1000");
});

test.each(WAYS)("%s: statements of a Database are not recorded twice", async (_name, begin) => {
  await using db = createDatabase({ url: fresh.url, pool: { min: 1, max: 1 } });
  const own = pool;
  pool = db.pool;
  try {
    begin();
    const log = await logOf(async () => {
      await db.query(sql`select * from items where id = ${1}`);
      await db.transaction((tx) => tx.query(sql`select * from items where id = ${2}`));
      await db.pool.query("select * from items where id = $1", [3]);
    });
    expect(log.records.filter((one) => one.shape.role === "read").map((one) => one.values)).toEqual(
      [[1], [2], [3]],
    );
    expect(log.transactions).toHaveLength(1);
    for (const end of undo.splice(0)) await end();
  } finally {
    pool = own;
  }
});

test.each(WAYS)(
  "%s: after closing nothing is recorded and nothing is left",
  async (_name, begin) => {
    const before = [pool.query, pool.connect, clientOf(pool), pool.listenerCount("connect")];
    begin();
    const log = await logOf(async () => {
      await loadItem(1);
      for (const end of undo.splice(0)) await end();
      await loadItem(2);
      const client = await pool.connect();
      expect(Object.hasOwn(client, "query")).toBe(false);
      await client.query("select 3");
      client.release();
    });
    expect(log.records.map((one) => one.values)).toEqual([[1]]);
    expect([pool.query, pool.connect, clientOf(pool), pool.listenerCount("connect")]).toEqual(
      before,
    );
    expect(Object.hasOwn(pool, "query")).toBe(false);
  },
);

test.each([
  ["watch", watching, observing],
  ["observation", observing, watching],
])("one goes, the other still records: %s first", async (_name, first, second) => {
  first();
  second();
  const log = await logOf(async () => {
    await loadItem(1);
    await undo.shift()!();
    await loadItem(2);
    await undo.shift()!();
    await loadItem(3);
  });
  expect(log.records.map((one) => one.values)).toEqual([[1], [2]]);
});

/** Requests whose log is not exactly what they asked. */
async function misattributed(): Promise<number> {
  const wrong = await Promise.all(
    Array.from({ length: 50 }, async (_, n) => {
      const ids = [n * 3 + 1, n * 3 + 2, n * 3 + 3];
      const log = await logOf(async () => {
        await loadItem(ids[0]!);
        await Promise.all(ids.slice(1).map(loadItem));
      });
      return log.records.map((one) => one.values?.[0]).join() !== ids.join();
    }),
  );
  return wrong.filter(Boolean).length;
}

test.each(WAYS)(
  "%s: 50 requests on two connections get their own statements",
  async (_name, begin) => {
    begin();
    expect(await misattributed()).toBe(0);
  },
);

test("recorded inside the pool's queue instead, statements are those of others: the mutant is noticed", async () => {
  carriage.atPublicCall = false;
  undo.push(() => {
    carriage.atPublicCall = true;
  });
  watching();
  expect(await misattributed()).toBeGreaterThan(0);
});

test("a client of one's own, and the driver's module", async () => {
  const seen = observe(pg);
  undo.push(() => seen.close());
  const client = new seen.target.Client({ connectionString: fresh.url });
  await client.connect();
  const like = new seen.target.Pool({ connectionString: fresh.url, max: 1 });
  const log = await logOf(async () => {
    await client.query("select 1 as a from items limit 1");
    await like.query("select 2 as a from items limit 1");
  });
  expect(log.records).toMatchObject([
    { outcome: "answered", rows: 1 },
    { outcome: "answered", rows: 1 },
  ]);
  seen.close();
  const after = await logOf(() => client.query("select 1 as a from items limit 1"));
  expect(after.records).toEqual([]);
  await client.end();
  await like.end();
});

test("waiting in a pool's queue belongs to whoever waits, and is apart from the answer", async () => {
  observing();
  const [held, other] = await Promise.all([pool.connect(), pool.connect()]);
  const waiting = logOf(async () => {
    await pool.query("select 1 as a from items limit 1");
    const client = await pool.connect();
    client.release();
  });
  await new Promise((resolve) => setTimeout(resolve, 60));
  held.release();
  await new Promise((resolve) => setTimeout(resolve, 20));
  other.release();
  const log = await waiting;
  const [record] = log.records;
  expect(record!.sentMs - record!.calledMs).toBeGreaterThan(50);
  expect(record!.endedMs - record!.sentMs).toBeLessThan(record!.sentMs - record!.calledMs);
  expect(log.checkoutWaitMs).toBeLessThan(record!.sentMs - record!.calledMs);
  expect(record!.application).toBe("shop");
});

test("a statement in the queue of one client is sent when its turn comes", async () => {
  const client = new pg.Client({ connectionString: fresh.url });
  await client.connect();
  const seen = observe(client);
  const log = await logOf(() =>
    Promise.all([client.query("select pg_sleep(0.05)"), client.query("select 2 as a from items")]),
  );
  expect(log.records[1]!.sentMs - log.records[1]!.calledMs).toBeGreaterThan(40);
  seen.close();
  await client.end();
});

test("monitors hear of observed statements, with the trace", async () => {
  observing();
  const heard: { statement: string; trace: unknown; rows: number }[] = [];
  const listen = (message: unknown): void => void heard.push(message as never);
  channels.postgresQuery.subscribe(listen);
  undo.push(() => channels.postgresQuery.unsubscribe(listen));
  const log = await logOf(() => loadItem(1));
  await loadItem(2);
  expect(heard).toMatchObject([
    { statement: "select label from items where id = $n", rows: 1, ok: true },
    { statement: "select label from items where id = $n", rows: 1, trace: undefined },
  ]);
  expect(log.records).toHaveLength(1);
  expect(heard[0]!.trace).toBeInstanceOf(Trace);
});

test("errors, results and callbacks are those of the driver", async () => {
  observing();
  const client = await pool.connect();
  await inTrace(new Trace(), async () => {
    const result = await client.query<{ a: number }>("select 1 as a");
    expect(result).toBeInstanceOf(pg.Result);
    expect(result.rows).toEqual([{ a: 1 }]);
    expect(() => client.query(null as never)).toThrow(TypeError);
    const refused = await client.query("select nope").catch((error: Error) => error);
    expect((refused as Error).stack).toContain("observe.test.ts");
    const [one, two] = await client
      .query("select 1 as a; select 2 as b")
      .then((all) => all as unknown as object[]);
    expect([one, two]).toMatchObject([{ rows: [{ a: 1 }] }, { rows: [{ b: 2 }] }]);
    const slow = client.query({ text: "select pg_sleep(0.2)", query_timeout: 20 } as never);
    await expect(slow).rejects.toThrow("Query read timeout");
  });
  client.release(true);
});
