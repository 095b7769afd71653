import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { channels } from "../core/channels.ts";
import { createDatabase, type Database, isUnavailable, type SlowQuery, sql } from "./index.ts";

let target: TestDatabase;
let db: Database;

beforeAll(async () => {
  target = await freshDatabase();
  db = createDatabase({ url: target.url, pool: { min: 1, max: 4 } });
  await db.execute(sql`create table item (id int8 primary key, name text not null unique)`);
});
afterAll(async () => {
  await db?.drain();
  await target?.drop();
});

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.fail("it did not fail"),
    (error: Error) => error,
  );

describe("statements", () => {
  test("values come back as their types say, exact ones as text", async () => {
    const [row] = await db.query<Record<string, unknown>>(sql`
      select 9007199254740993::int8 as big, 0.1::numeric as exact, 7::int4 as small,
        date '2026-01-02' as day, timestamp '2026-01-02 03:04:05.123456' as local,
        timestamptz '2026-01-02 03:04:05.123456Z' as instant, interval '1 day' as span,
        '{"a":1}'::jsonb as document, '\\x01ff'::bytea as bytes, array[1,2] as numbers,
        array[date '2026-01-02', null] as days, null as nothing`);
    expect(row).toEqual({
      big: "9007199254740993",
      exact: "0.1",
      small: 7,
      day: "2026-01-02",
      local: "2026-01-02 03:04:05.123456",
      instant: new Date("2026-01-02T03:04:05.123Z"),
      span: "1 day",
      document: { a: 1 },
      bytes: Buffer.from([1, 255]),
      numbers: [1, 2],
      days: ["2026-01-02", null],
      nothing: null,
    });
  });

  test("a parser of one database leaves others alone", async () => {
    await using other = createDatabase({
      url: target.url,
      pool: { min: 0 },
      parsers: { 20: (text) => BigInt(text) },
    });
    const statement = sql`select 5::int8 as n`;
    expect(await other.query(statement)).toEqual([{ n: 5n }]);
    expect(await db.query(statement)).toEqual([{ n: "5" }]);
  });

  test("a text with two statements is refused, with and without values", async () => {
    for (const statement of [
      { text: "select 1; drop table item" },
      { text: "select $1::int; drop table item", values: [1] },
    ])
      expect(codeOf(await failure(db.query(statement)))).toBe("HST_PG_MULTIPLE_STATEMENTS");
    expect(await db.query(sql`select to_regclass('item') is not null as there`)).toEqual([
      { there: true },
    ]);
  });

  test("a bare string, an empty text and an undefined value are refused before anything is sent", async () => {
    const bare = "select 1" as unknown as { text: string };
    expect(codeOf(await failure(db.query(bare)))).toBe("HST_PG_SQL");
    expect(codeOf(await failure(db.query({ text: " " })))).toBe("HST_PG_SQL");
    const missing = { text: "select $1", values: [undefined] };
    expect(codeOf(await failure(db.query(missing)))).toBe("HST_PG_VALUE");
    expect(db.stats().pool.active).toBe(0);
  });

  test("queryOne gives the only row, undefined for none, and refuses two", async () => {
    expect(await db.queryOne(sql`select 1 as n`)).toEqual({ n: 1 });
    expect(await db.queryOne(sql`select 1 as n where false`)).toBeUndefined();
    const two = db.queryOne(sql`select * from generate_series(1, 2)`);
    expect(codeOf(await failure(two))).toBe("HST_PG_ROWS");
  });

  test("a named statement is prepared once on a connection", async () => {
    await using one = createDatabase({ url: target.url, pool: { min: 0, max: 1 } });
    for (let n = 0; n < 3; n++)
      expect(await one.queryOne(sql`select ${n}::int as n`, { name: "pick" })).toEqual({ n });
    const prepared = sql`select count(*)::int as n from pg_prepared_statements where name = 'pick'`;
    expect(await one.queryOne(prepared)).toEqual({ n: 1 });
  });

  test("a named statement goes on when its table was changed", async () => {
    await using one = createDatabase({ url: target.url, pool: { min: 0, max: 1 } });
    await one.execute(sql`create table shape (a int)`);
    await one.execute(sql`insert into shape values (1)`);
    const read = () => one.query(sql`select * from shape`, { name: "shape" });
    expect(await read()).toEqual([{ a: 1 }]);
    await one.execute(sql`alter table shape add column b int`);
    for (let n = 0; n < 3; n++) expect(await read()).toEqual([{ a: 1, b: null }]);
    const prepared = sql`select count(*)::int as n from pg_prepared_statements where name = 'shape'`;
    expect(await one.queryOne(prepared)).toEqual({ n: 1 });
  });

  test("the connection carries the settings of the pool", async () => {
    const row = await db.queryOne(sql`
      select current_setting('application_name') as app, current_setting('statement_timeout') as t,
        current_setting('idle_in_transaction_session_timeout') as idle`);
    expect(row).toEqual({ app: "hasten", t: "30s", idle: "1min" });
  });
});

describe("errors", () => {
  test("a constraint's violation has its SQLSTATE and names, and no value", async () => {
    await db.execute(sql`insert into item values (${1}, ${"canary-1"})`);
    const error = await failure(db.execute(sql`insert into item values (${2}, ${"canary-1"})`));
    expect(error).toMatchObject({
      code: "HST_PG_STATEMENT",
      sqlstate: "23505",
      constraint: "item_name_key",
      table: "item",
    });
    expect(error.message).toContain("unique_violation");
    expect(JSON.stringify([error.message, error.stack, error])).not.toContain("canary");
    expect(error.cause).toBeUndefined();
    expect(isUnavailable(error)).toBe(false);
  });

  test("data quoted by the server's message stays out; names of objects stay in", async () => {
    const cast = await failure(db.query(sql`select ${"canary-2"}::text::int`));
    expect(cast.message).not.toContain("canary");
    expect(cast).toMatchObject({ sqlstate: "22P02" });
    const unknown = await failure(db.query(sql`select nope from item where name = 'canary-3'`));
    expect(unknown.message).toContain('column "nope" does not exist');
    expect(unknown.message).not.toContain("canary");
  });

  test("errors: full keeps the server's error as cause", async () => {
    await using open = createDatabase({ url: target.url, pool: { min: 0 }, errors: "full" });
    const error = await failure(open.query(sql`select ${"canary-4"}::text::int`));
    expect((error.cause as Error).message).toContain("canary-4");
  });

  test("a value that JSON cannot hold is told, and the connection stays usable", async () => {
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    expect(codeOf(await failure(db.query(sql`select ${loop}::jsonb`)))).toBe("HST_PG_VALUE");
    expect(await db.query(sql`select 1 as n`)).toEqual([{ n: 1 }]);
  });
});

test("an error the server answers with is refused and not a lost connection, whatever its class", async () => {
  const passedOn = sql`do $$ begin raise exception using errcode = '08006'; end $$`;
  for (const statement of [{ text: "select $1::int", values: [1, 2] }, passedOn])
    for (const errors of ["redacted", "full"] as const) {
      await using own = createDatabase({ url: target.url, pool: { min: 0 }, errors });
      const error = await failure(own.query(statement));
      expect(error).toMatchObject({ code: "HST_PG_STATEMENT", sqlstate: /^08/ });
      expect(isUnavailable(error)).toBe(false);
    }
});

test("a NUL character in a text is refused before it breaks the protocol, in a value by the server", async () => {
  const text = { text: "select 1 -- \0" };
  expect(await failure(db.query(text))).toMatchObject({ code: "HST_PG_SQL" });
  const value = db.query(sql`select ${"a\0"}::text`);
  expect(await failure(value)).toMatchObject({ code: "HST_PG_STATEMENT", sqlstate: "22021" });
});

describe("measuring", () => {
  test("statements are counted by their normalised form, the slow ones reported, without values", async () => {
    const seen: SlowQuery[] = [];
    const published: unknown[] = [];
    const listen = (event: unknown): void => void published.push(event);
    channels.slowQuery.subscribe(listen);
    await using own = createDatabase({
      url: target.url,
      pool: { min: 0 },
      slowQueryMs: 50,
      statementsMax: 2,
      onSlowQuery: (event) => void seen.push(event),
    });
    for (let n = 0; n < 5; n++) await own.query(sql`select ${n}::int + 1`);
    await own.query(sql`select pg_sleep(${0.08}), 'canary-5'`);
    await own.query(sql`select 'third'`);
    await own.query(sql`select 'fourth', 4`);
    channels.slowQuery.unsubscribe(listen);
    const stats = own.stats();
    expect(stats).toMatchObject({ count: 8, slow: 1, failed: 0 });
    expect(stats.p99Ms).toBeGreaterThanOrEqual(stats.p50Ms);
    const names = stats.statements.map((one) => `${one.statement} ${one.count}`);
    expect(names).toContain("select $n::int + ? 5");
    expect(names).toContain("other 2");
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      kind: "statement",
      statement: "select pg_sleep($n), ?",
      ok: true,
    });
    expect(published).toEqual(seen);
  });
});

describe("the pool", () => {
  test("it opens min connections by itself and reports its state", async () => {
    await using warm = createDatabase({ url: target.url, pool: { min: 3, max: 4 } });
    await expect.poll(() => warm.stats().pool.idle).toBe(3);
    expect(warm.stats().pool).toMatchObject({
      total: 3,
      active: 0,
      waiting: 0,
      max: 4,
      breaker: "closed",
    });
  });

  test("waiting for a connection ends by time-out, and beyond waitingMax at once", async () => {
    await using small = createDatabase({
      url: target.url,
      pool: { min: 0, max: 1, acquireTimeoutMs: 300, waitingMax: 1 },
    });
    const holder = small.transaction(async (tx) => {
      await tx.query(sql`select 1`);
      const first = failure(small.query(sql`select 2`));
      await expect.poll(() => small.stats().pool.waiting).toBe(1);
      expect(codeOf(await failure(small.query(sql`select 3`)))).toBe("HST_PG_POOL_FULL");
      expect(codeOf(await first)).toBe("HST_PG_ACQUIRE_TIMEOUT");
    });
    await holder;
    expect(await small.query(sql`select 4 as n`)).toEqual([{ n: 4 }]);
  });

  test("an abort ends the wait, and the late connection goes back", async () => {
    await using small = createDatabase({ url: target.url, pool: { min: 0, max: 1 } });
    const stop = new AbortController();
    await small.transaction(async (tx) => {
      await tx.query(sql`select 1`);
      const waiting = failure(small.query(sql`select 2`, { signal: stop.signal }));
      await expect.poll(() => small.stats().pool.waiting).toBe(1);
      stop.abort();
      expect(codeOf(await waiting)).toBe("HST_PG_ABORTED");
    });
    await expect.poll(() => small.stats().pool.active).toBe(0);
    expect(await small.query(sql`select 4 as n`)).toEqual([{ n: 4 }]);
  });

  test("health answers on demand with its latency", async () => {
    expect(await db.health()).toMatchObject({ kind: "healthy", latencyMs: expect.any(Number) });
    expect(db.lastHealth?.kind).toBe("healthy");
  });
});

describe("drain", () => {
  test("it waits for what runs, refuses what is new, and closes every connection", async () => {
    const closing = createDatabase({
      url: target.url,
      pool: { min: 2, max: 2 },
      applicationName: "drained",
    });
    const running = closing.query(sql`select pg_sleep(0.2), 1 as n`);
    await expect.poll(() => closing.stats().pool.active).toBe(1);
    const drained = closing.drain();
    expect(codeOf(await failure(closing.query(sql`select 1`)))).toBe("HST_PG_CLOSED");
    expect(await running).toMatchObject([{ n: 1 }]);
    await drained;
    const left = sql`select count(*)::int as n from pg_stat_activity where application_name = 'drained'`;
    await expect.poll(() => db.queryOne(left)).toEqual({ n: 0 });
    await closing.drain();
  });

  test("beyond its bound it cancels what still runs", async () => {
    const closing = createDatabase({
      url: target.url,
      pool: { min: 0 },
      drainTimeoutMs: 100,
      applicationName: "forced",
    });
    const running = failure(closing.query(sql`select pg_sleep(30)`));
    await expect.poll(() => closing.stats().pool.active).toBe(1);
    const startedMs = performance.now();
    await closing.drain();
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    expect(codeOf(await running)).toBe("HST_PG_CLOSED");
    const left = sql`select count(*)::int as n from pg_stat_activity where application_name = 'forced'`;
    await expect.poll(() => db.queryOne(left)).toEqual({ n: 0 });
  });
});
