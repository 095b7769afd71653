import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, type Database, SetError, sql } from "../../src/postgres/index.ts";

let target: TestDatabase;
let db: Database;
beforeAll(async () => {
  target = await freshDatabase();
  db = createDatabase({ url: target.url, pool: { min: 0, max: 2 }, applicationName: "batching" });
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
async function all<R>(rows: AsyncIterable<R>): Promise<R[]> {
  const got: R[] = [];
  for await (const row of rows) got.push(row);
  return got;
}
const upTo = (n: number) => sql`select g from generate_series(1, ${n}::int) as g`;
const counts = (to: number): number[] => Array.from({ length: to }, (_, index) => index % 4);

describe("batchQuery", () => {
  test.each([0, 1, 99, 100, 101, 250])("%i sets: the rows of each, in order", async (size) => {
    const answers = await all(db.batchQuery<number, { g: number }>(counts(size), upTo));
    expect(answers.map((rows) => rows.length)).toEqual(counts(size));
    expect(db.stats().pool.active).toBe(0);
  });

  test("takes an async input a batch ahead at most, and ends it when it is ended", async () => {
    let [taken, isEnded] = [0, false];
    async function* input(): AsyncGenerator<number> {
      try {
        for (;;) yield taken++ % 3;
      } finally {
        isEnded = true;
      }
    }
    const answers = db.batchQuery(input(), upTo, { batchSize: 10 });
    let seen = 0;
    for await (const rows of answers) {
      expect(rows).toHaveLength(seen % 3);
      seen += 1;
      expect(taken).toBeLessThanOrEqual(Math.ceil(seen / 10) * 10 + 10);
      if (seen === 25) break;
    }
    expect(isEnded).toBe(true);
    expect(db.stats().pool.active).toBe(0);
  });

  test("one that is refused is told by its number, without its values", async () => {
    const values = Array.from({ length: 250 }, (_, index) =>
      index === 217 ? "secret" : `${index}`,
    );
    const answers = db.batchQuery(values, (value) => sql`select ${value}::text::int as n`);
    const got: unknown[] = [];
    const error = await failure(
      (async () => {
        for await (const rows of answers) got.push(rows);
      })(),
    );
    expect(error).toBeInstanceOf(SetError);
    expect(error).toMatchObject({ code: "HST_PG_STATEMENT", sqlstate: "22P02", index: 217 });
    expect(error.message).not.toContain("secret");
    expect(got).toHaveLength(200);
    expect(db.stats().pool.active).toBe(0);
  });

  test("one that cannot be sent, and one with too many values, before anything is sent", async () => {
    const first = db.stats().count;
    const bad = db.batchQuery([1, undefined], (value) => sql`select ${value ?? null}::int`);
    expect(await all(bad)).toHaveLength(2);
    const many = { text: "select 1", values: Array(65_536).fill(1) };
    const error = await failure(all(db.batchQuery([1, 2], (n) => (n === 2 ? many : upTo(n)))));
    expect(error).toMatchObject({ code: "HST_PG_SQL", index: 1 });
    expect(await failure(db.query(many))).toMatchObject({ code: "HST_PG_SQL" });
    expect(await failure(db.executeMany([1], () => many))).toMatchObject({ code: "HST_PG_SQL" });
    expect(db.stats().count - first).toBeLessThanOrEqual(4);
    expect(() => db.batchQuery([1], upTo, { batchSize: 0 })).toThrow(
      expect.objectContaining({ code: "HST_PG_OPTION" }),
    );
  });

  test("a batch whose connection died is sent again; aborted and late ones are told", async () => {
    const killer = createDatabase({ url: target.url, pool: { min: 0, max: 1 } });
    let killed = 0;
    const answers = db.batchQuery(counts(40), upTo, { batchSize: 10 });
    for await (const rows of answers) {
      void rows;
      if (killed++ % 10 === 0)
        await killer.query(sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'batching'`);
    }
    expect(killed).toBe(40);
    await killer.drain();
    const slow = db.batchQuery([5], (s) => sql`select pg_sleep(${s})`, { timeoutMs: 100 });
    expect(await failure(all(slow))).toMatchObject({ code: "HST_PG_TIMEOUT" });
    const signal = AbortSignal.timeout(100);
    const aborted = db.batchQuery([5], (s) => sql`select pg_sleep(${s})`, { signal });
    expect(await failure(all(aborted))).toMatchObject({ code: "HST_PG_ABORTED" });
  });
});
