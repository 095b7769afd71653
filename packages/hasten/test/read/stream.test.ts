import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDatabase, type Database, type SnapshotHeld, sql } from "../../src/postgres/index.ts";

let target: TestDatabase;
let db: Database;
let watcher: Database;
beforeAll(async () => {
  target = await freshDatabase();
  db = createDatabase({ url: target.url, pool: { min: 0, max: 3 }, applicationName: "streaming" });
  watcher = createDatabase({ url: target.url, pool: { min: 0, max: 2 } });
  await db.execute(sql`
    create table event as
    select n::int8 as id, 'name ' || n as name, now() as at, (n % 7)::numeric / 3 as part,
      case when n % 2 = 0 then n::int end as even
    from generate_series(1, 10500) as n`);
});
afterAll(async () => {
  await db?.drain();
  await watcher?.drain();
  await target?.drop();
});

/** Every connection is back in the pool, clean, and the server knows of nothing open. */
async function clean(): Promise<void> {
  expect(db.stats().pool.active).toBe(0);
  const busy = (): Promise<readonly unknown[]> =>
    watcher.query(sql`
      select state, query from pg_stat_activity
      where application_name = 'streaming' and (state <> 'idle' or backend_xmin is not null)`);
  // One that is ended says so before it is gone.
  for (let left = 100; left > 0 && (await busy()).length > 0; left--) await pause(20);
  expect(await busy()).toEqual([]);
}
beforeEach(clean);

const numbers = (to: number) => sql`select n from generate_series(1, ${to}::int) as n`;
const failure = (
  promise: Promise<unknown>,
): Promise<Error & { code?: string; sqlstate?: string }> =>
  promise.then(
    () => expect.fail("it did not fail"),
    (error: Error) => error,
  );
async function all<R>(rows: AsyncIterable<R>): Promise<R[]> {
  const got: R[] = [];
  for await (const row of rows) got.push(row);
  return got;
}
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("rows", () => {
  test("are those of query(): same values, same kind of object, same order", async () => {
    const statement = sql`select * from event where id > ${3} order by id`;
    const streamed = await all(db.stream(statement));
    const queried = await db.query<object>(statement);
    expect(streamed).toEqual(queried);
    expect(Object.keys(streamed[0]!)).toEqual(Object.keys(queried[0]!));
    expect(Object.getPrototypeOf(streamed[0])).toBe(Object.getPrototypeOf(queried[0]));
    await clean();
  });

  test.each([0, 1, 999, 1_000, 1_001, 2_000, 2_001])("%i of them", async (count) => {
    const rows = db.stream<{ n: number }>(numbers(count));
    expect((await all(rows)).map((row) => row.n)).toEqual(
      Array.from({ length: count }, (_, index) => index + 1),
    );
    expect(rows.rowCount).toBe(count);
    expect(await rows.next()).toEqual({ done: true, value: undefined });
    await clean();
  });

  test("batches() gives portions, what is left of the present one first", async () => {
    const rows = db.stream<{ n: number }>(numbers(25), { rowsPerRead: 10 });
    expect(await rows.next()).toEqual({ done: false, value: { n: 1 } });
    const sizes = (await all(rows.batches())).map((batch) => batch.length);
    expect(sizes).toEqual([9, 10, 5]);
    expect(rows.rowCount).toBe(25);
  });

  test("next() called many times at once is answered in order", async () => {
    const rows = db.stream<{ n: number }>(numbers(25), { rowsPerRead: 10 });
    const steps = await Promise.all(Array.from({ length: 30 }, () => rows.next()));
    expect(steps.map((step) => step.value?.n)).toEqual([
      ...Array.from({ length: 25 }, (_, index) => index + 1),
      ...Array<undefined>(5).fill(undefined),
    ]);
  });

  test("custom parsers hold, and one that throws ends the stream with HST_PG_VALUE", async () => {
    let calls = 0;
    const own = createDatabase({
      url: target.url,
      pool: { min: 0, max: 1 },
      parsers: {
        23: (text) => {
          calls += 1;
          if (calls === 15) throw new Error("secret 15");
          return `int ${text}`;
        },
      },
    });
    const rows = own.stream<{ n: string }>(numbers(30), { rowsPerRead: 10 });
    expect((await rows.next()).value).toEqual({ n: "int 1" });
    const error = await failure(all(rows));
    expect(error).toMatchObject({ code: "HST_PG_VALUE" });
    expect(error.message).not.toContain("secret");
    expect(own.stats().pool).toMatchObject({ active: 0, idle: 1 });
    await own.drain();
  });

  test("duplicate names, NULLs, no columns, and statements that return nothing", async () => {
    expect(await all(db.stream(sql`select 1 as a, 2 as a, null as b`))).toEqual([
      { a: 2, b: null },
    ]);
    expect(await all(db.stream(sql`select from generate_series(1, 3)`))).toEqual([{}, {}, {}]);
    expect(await all(db.stream(sql`update event set name = name where false`))).toEqual([]);
    expect(await all(db.stream(sql`-- nothing`))).toEqual([]);
    await clean();
  });
});

describe("ending early", () => {
  test("a stream that is never read takes no connection", async () => {
    const rows = db.stream(numbers(5));
    expect(db.stats().pool.active).toBe(0);
    await rows.return();
    expect(await rows.next()).toEqual({ done: true, value: undefined });
  });

  test("break, 200 times at every place: connections stay, nothing is left open", async () => {
    await Promise.all(Array.from({ length: 3 }, () => db.query(sql`select pg_sleep(0.05)`)));
    const before = await pids();
    for (let round = 0; round < 200; round++) {
      let seen = 0;
      for await (const row of db.stream<{ id: string }>(sql`select * from event`, {
        rowsPerRead: 100,
      })) {
        void row;
        if (seen++ === round * 7) break;
      }
      expect(db.stats().pool.active).toBe(0);
      if (round % 20 === 0) await clean();
    }
    expect(await pids()).toEqual(before);
    await clean();
  });

  test("throw inside the loop, throw(), and await using", async () => {
    await expect(
      (async () => {
        for await (const row of db.stream(numbers(5_000))) if (row) throw new Error("mine");
      })(),
    ).rejects.toThrow("mine");
    const rows = db.stream(numbers(5_000));
    await rows.next();
    await expect(rows.throw!(new Error("given"))).rejects.toThrow("given");
    {
      await using held = db.stream(numbers(5_000));
      await held.next();
      expect(db.stats().pool.active).toBe(1);
    }
    await clean();
  });

  test("return() while the first portion is on its way", async () => {
    const rows = db.stream(sql`select n, pg_sleep(0.2) from generate_series(1, 2) as n`);
    const first = rows.next();
    await pause(50);
    await rows.return();
    expect(await first).toEqual({ done: true, value: undefined });
    await clean();
  });

  async function pids(): Promise<readonly unknown[]> {
    return watcher.query(sql`
      select pid from pg_stat_activity where application_name = 'streaming' order by pid`);
  }
});

describe("abort", () => {
  const abortedAfter = async (rowsSeen: number, size: number): Promise<void> => {
    const abort = new AbortController();
    const rows = db.stream(numbers(size), { signal: abort.signal, rowsPerRead: 100 });
    for (let seen = 0; seen < rowsSeen; seen++) await rows.next();
    abort.abort();
    const error = await failure(all(rows));
    expect(error).toMatchObject({ code: "HST_PG_ABORTED" });
    await clean();
  };
  test("before it began", () => abortedAfter(0, 1_000));
  test("between portions", () => abortedAfter(100, 1_000));
  test("inside a portion: what came already may still be read, then it is told", () =>
    abortedAfter(50, 1_000));

  test("before the first row, while the server works: the reader is told at once", async () => {
    const rows = db.stream(sql`select pg_sleep(20)`, { signal: AbortSignal.timeout(100) });
    const startedMs = performance.now();
    expect(await failure(rows.next())).toMatchObject({ code: "HST_PG_ABORTED" });
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    await pause(200);
    await clean();
  });

  test("after the last row it changes nothing", async () => {
    const abort = new AbortController();
    const rows = db.stream(numbers(10), { signal: abort.signal });
    await all(rows);
    abort.abort();
    expect(await rows.next()).toEqual({ done: true, value: undefined });
    await clean();
  });
});

describe("limits and failures", () => {
  test("an error in the middle keeps the connection and loses nothing that came before", async () => {
    const rows = db.stream<{ n: number }>(
      sql`select n, 1 / (${500_000}::int - n) from generate_series(1, 600000) as n`,
    );
    let seen = 0;
    const error = await failure(
      (async () => {
        for await (const row of rows) seen = row.n;
      })(),
    );
    expect(error).toMatchObject({ code: "HST_PG_STATEMENT", sqlstate: "22012" });
    expect(seen).toBeGreaterThan(498_000);
    await clean();
  });

  test("a statement that is refused, or has values that cannot be sent", async () => {
    expect(await failure(all(db.stream(sql`select nothing`)))).toMatchObject({
      code: "HST_PG_STATEMENT",
      sqlstate: "42703",
    });
    const ring: Record<string, unknown> = {};
    ring["self"] = ring;
    expect(await failure(all(db.stream(sql`select ${ring}::json`)))).toMatchObject({
      code: "HST_PG_VALUE",
    });
    expect(() => db.stream({ text: "select 1", values: Array(65_536).fill(1) })).toThrow(
      expect.objectContaining({ code: "HST_PG_SQL" }),
    );
    expect(await failure(all(db.stream(sql`copy event to stdout`)))).toMatchObject({
      code: "HST_PG_SQL",
    });
    await clean();
    expect(await all(db.stream(numbers(2)))).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test("a snapshot that is held is told once, then ended, though nobody reads", async () => {
    const events: SnapshotHeld[] = [];
    const rows = db.stream(sql`select * from event where id > ${0}`, {
      snapshotWarnMs: 100,
      snapshotMaxMs: 400,
      onSnapshotHeld: (event) => events.push(event),
    });
    await rows.next();
    await pause(200);
    expect(events).toEqual([
      {
        kind: "snapshot-held",
        database: expect.any(String),
        statement: "select * from event where id > $n",
        heldMs: 100,
        rows: expect.any(Number),
      },
    ]);
    await pause(400);
    await clean();
    expect(await failure(all(rows))).toMatchObject({ code: "HST_PG_SNAPSHOT" });
    expect(events).toHaveLength(1);
  });

  test("reads longer than the session's statement_timeout go on, one wait is bounded by timeoutMs", async () => {
    const brief = createDatabase({ url: target.url, pool: { min: 0 }, statementTimeoutMs: 300 });
    const slow = brief.stream(numbers(30), { rowsPerRead: 10 });
    for await (const batch of slow.batches()) {
      expect(batch).toHaveLength(10);
      await pause(200);
    }
    expect(await brief.queryOne(sql`show statement_timeout`)).toEqual({
      statement_timeout: "300ms",
    });
    const late = brief.stream(sql`select pg_sleep(20)`, { timeoutMs: 200 });
    expect(await failure(late.next())).toMatchObject({ code: "HST_PG_TIMEOUT" });
    await brief.drain();
  });

  test("the session is ended in the middle", async () => {
    const rows = db.stream(sql`select n, repeat('x', 1000) from generate_series(1, 100000) as n`);
    await rows.next();
    await watcher.query(sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'streaming' and state = 'active'`);
    const error = await failure(all(rows));
    expect(error).toMatchObject({ code: "HST_PG_UNAVAILABLE" });
    await clean();
    expect(await all(db.stream(numbers(1)))).toEqual([{ n: 1 }]);
  });

  test("more streams than connections wait their turn and all end", async () => {
    const counts = await Promise.all(
      Array.from({ length: 12 }, async () => (await all(db.stream(numbers(3_000)))).length),
    );
    expect(counts).toEqual(Array(12).fill(3_000));
    await clean();
  });

  test("drain() ends what is still open", async () => {
    const own = createDatabase({ url: target.url, pool: { min: 0 }, drainTimeoutMs: 100 });
    const rows = own.stream(numbers(50_000));
    await rows.next();
    await own.drain();
    expect(await failure(all(rows))).toMatchObject({ code: "HST_PG_CLOSED" });
  });
});
