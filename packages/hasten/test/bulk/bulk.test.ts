/** What bulk writes promise, on a real server: columns, keys, counts, errors, chunks, order, locks. */
import { setTimeout as wait } from "node:timers/promises";
import {
  type BulkMethod,
  type BulkProgress,
  bulkOutcome,
  createDatabase,
  type Database,
  type PostgresError,
  trustedSql,
} from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import { describe, expect, test } from "vitest";

const METHODS: readonly BulkMethod[] = ["unnest", "copy"];

async function databaseWith(...ddl: string[]): Promise<Database> {
  const { url } = await freshDatabase();
  const db = createDatabase({ url, pool: { min: 1, max: 4 } });
  for (const text of ddl) await db.execute(trustedSql(text));
  return db;
}
const all = (db: Database, text: string) => db.query<Record<string, unknown>>(trustedSql(text));
const failed = (work: Promise<unknown>): Promise<PostgresError> =>
  work.then(
    () => expect.unreachable("should have failed"),
    (error: PostgresError) => error,
  );
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, at) => from + at);

describe.each(METHODS)("by %s", (method) => {
  test("columns: those of the first row; absent is refused, null is NULL, defaults fill the rest", async () => {
    await using db = await databaseWith(
      "create table t (id int primary key, a text default 'dflt', b text default 'dflt', g int generated always as (id * 2) stored)",
    );
    const t = db.bulk("t");
    await t.insert(
      [
        { id: 1, a: null, b: undefined },
        { id: 2, a: "x" },
        { a: "y", id: 3, b: undefined },
      ],
      { method },
    );
    expect(await all(db, "select * from t order by id")).toEqual([
      { id: 1, a: null, b: "dflt", g: 2 },
      { id: 2, a: "x", b: "dflt", g: 4 },
      { id: 3, a: "y", b: "dflt", g: 6 },
    ]);
    const refused: [object[], RegExp, number | undefined][] = [
      [[{ id: 4, a: "1" }, { id: 5 }], /Row 1, column a has no value/, 1],
      [
        [
          { id: 4, a: "1" },
          { id: 5, a: undefined },
        ],
        /Row 1, column a has no value/,
        1,
      ],
      [[{ id: 4 }, { id: 5, a: "1" }], /Row 1, column a is no column of this write/, 1],
      [[{ id: 4, nope: 1 }], /no column "nope"/, undefined],
      [[{ id: 4, g: 1 }], /Column g is computed/, undefined],
      [[{ id: 4, a: "secret\0" }], /Row 0, column a holds a NUL/, 0],
      [[{ id: 4, a: "secret\ud800" }], /Row 0, column a holds/, 0],
      [[{ id: 4, a: { secret: 1 } }], /Row 0, column a has an object where text/, 0],
      [[{ id: 1.5, a: "secret" }], /Row 0, column id has a number that is no exact integer/, 0],
    ];
    for (const [rows, message, row] of refused) {
      const error = await failed(t.insert(rows, { method }));
      expect(error).toMatchObject({ code: "HST_PG_BULK" });
      expect(error.message).toMatch(message);
      expect(error.message).not.toMatch(/secret/);
      expect(bulkOutcome(error)?.row).toBe(row);
    }
    expect((await all(db, "select count(*)::int as n from t"))[0]).toEqual({ n: 3 });
  });

  test("identity, arrays of values, schemas and odd names", async () => {
    await using db = await databaseWith(
      'create schema "s x"',
      'create table "s x"."t.""q" (id int generated always as identity primary key, "a ""b" text, c1 int)',
    );
    const t = db.bulk(["s x", 't."q']);
    await t.insert(
      [
        ["x", 1],
        ["y", 2],
      ],
      { columns: ['a "b', "c1"], method },
    );
    expect((await failed(t.insert([{ id: 9 }], { method }))).message).toMatch(/GENERATED ALWAYS/);
    await t.insert([{ id: 9, 'a "b': "z", c1: 3 }], { method, identity: "override" });
    expect(await all(db, 'select * from "s x"."t.""q" order by id')).toEqual([
      { id: 1, 'a "b': "x", c1: 1 },
      { id: 2, 'a "b': "y", c1: 2 },
      { id: 9, 'a "b': "z", c1: 3 },
    ]);
    expect((await failed(db.bulk("gone").insert([{ a: 1 }]))).code).toBe("HST_PG_BULK");
  });

  test("upsert: the last of equal keys wins, what is equal is not written, counts are exact", async () => {
    await using db = await databaseWith(
      "create table t (id int primary key, a text, j json, p point)",
      "insert into t values (1, 'same', '{}', '(1,2)'), (2, 'old', '{}', '(1,2)'), (3, 'old', null, null)",
    );
    const before = await all(db, "select xmin::text from t where id = 1");
    const one = (id: number, a: string) => ({ id, a, j: {}, p: "(1,2)" });
    const rows = [
      one(1, "same"),
      one(4, "first"),
      one(2, "new"),
      one(4, "second"),
      one(5, "x"),
      one(4, "last"),
    ];
    expect(await db.bulk("t").upsert(rows, { method })).toMatchObject({
      rows: 6,
      inserted: 2,
      updated: 1,
      unchanged: 3,
      method,
    });
    expect(await all(db, "select id, a from t order by id")).toEqual([
      { id: 1, a: "same" },
      { id: 2, a: "new" },
      { id: 3, a: "old" },
      { id: 4, a: "last" },
      { id: 5, a: "x" },
    ]);
    expect(await all(db, "select xmin::text from t where id = 1")).toEqual(before);
    await db.bulk("t").upsert([one(1, "kept"), one(6, "x")], { method, update: [] });
    expect(await all(db, "select a from t where id in (1, 6) order by id")).toEqual([
      { a: "same" },
      { a: "x" },
    ]);
  });

  test("upsert on partial, nullable and named keys, in partitions, with triggers", async () => {
    await using db = await databaseWith(
      "create table t (id int generated always as identity, mail text, gone bool not null, n int)",
      "create unique index on t (mail) where not gone",
      "create table u (a int, b int, n int, constraint u_ab unique (a, b))",
      "create table p (id int primary key, n int) partition by range (id)",
      "create table p1 (n int, id int not null primary key)",
      "alter table p attach partition p1 for values from (0) to (100)",
      "create table p2 partition of p for values from (100) to (200)",
      "create function up() returns trigger language plpgsql as $$ begin new.n := new.n + 1000; return new; end $$",
      "create trigger up before insert or update on p2 for each row execute function up()",
    );
    await db.bulk("t").upsert([{ mail: "a", gone: false, n: 1 }], { on: ["mail"], method });
    await db.bulk("t").upsert(
      [
        { mail: "a", gone: false, n: 2 },
        { mail: "b", gone: false, n: 3 },
      ],
      { on: ["mail"], method },
    );
    expect(await all(db, "select mail, n from t order by mail")).toEqual([
      { mail: "a", n: 2 },
      { mail: "b", n: 3 },
    ]);
    const rows = [
      { a: 1, b: null, n: 1 },
      { a: 1, b: null, n: 2 },
      { a: 1, b: 1, n: 3 },
    ];
    for (const _ of [1, 2]) await db.bulk("u").upsert(rows, { on: "u_ab", method });
    expect(await all(db, "select b, count(*)::int as c from u group by b order by b")).toEqual([
      { b: 1, c: 1 },
      { b: null, c: 4 },
    ]);
    const parts = [
      { id: 1, n: 1 },
      { id: 150, n: 1 },
    ];
    expect(await db.bulk("p").upsert(parts, { method })).toMatchObject({ inserted: 2, updated: 0 });
    expect(
      await db.bulk("p").upsert(
        [
          { id: 1, n: 2 },
          { id: 150, n: 2 },
          { id: 2, n: 0 },
        ],
        { method },
      ),
    ).toMatchObject({ inserted: 1, updated: 2 });
    expect(
      await db.bulk("p").update(
        [
          { id: 150, n: 5 },
          { id: 2, n: 6 },
        ],
        { method },
      ),
    ).toMatchObject({ updated: 2 });
    expect(await db.bulk("p").delete([{ id: 1 }, { id: 77 }], { method })).toMatchObject({
      deleted: 1,
      unchanged: 1,
    });
    expect(await all(db, "select id, n from p order by id")).toEqual([
      { id: 2, n: 6 },
      { id: 150, n: 1005 },
    ]);
    expect((await failed(db.bulk("u").upsert(rows, { on: ["a"], method }))).message).toMatch(
      /no unique index/,
    );
    expect((await failed(db.bulk("u").update(rows, { method }))).message).toMatch(/no primary key/);
  });

  test("update sets only what is given; absent rows are not made; keys of several columns", async () => {
    await using db = await databaseWith(
      "create table t (a int, b text, x int, y int, primary key (a, b))",
      "insert into t select n, 'k', 1, 1 from generate_series(1, 5) n",
    );
    const rows = [
      { b: "k", a: 3, x: 7 },
      { b: "k", a: 9, x: 7 },
      { b: "k", a: 1, x: 7 },
      { b: "k", a: 2, x: 1 },
    ];
    expect(await db.bulk("t").update(rows, { method })).toMatchObject({ updated: 2, unchanged: 2 });
    expect(
      await db.bulk("t").delete(
        [
          { a: 5, b: "k", more: 1 },
          { a: 5, b: "z", more: 1 },
        ],
        { method },
      ),
    ).toMatchObject({ deleted: 1 });
    expect(await all(db, "select a, x, y from t order by a")).toEqual([
      { a: 1, x: 7, y: 1 },
      { a: 2, x: 1, y: 1 },
      { a: 3, x: 7, y: 1 },
      { a: 4, x: 1, y: 1 },
    ]);
  });

  test("errors name row, column and constraint, and never the data", async () => {
    await using db = await databaseWith(
      "create table parent (id int primary key)",
      "create table t (id int primary key, n int check (n < 1000), s varchar(6) not null, p int references parent, d date)",
      "create table late (id int primary key, p int references parent deferrable initially deferred)",
    );
    const rows = (bad: object) =>
      range(0, 300).map((id) => ({
        id,
        n: id,
        s: "ok",
        p: null,
        d: "2026-01-01",
        ...(id === 237 ? bad : {}),
      }));
    const cases: [object, object][] = [
      [{ id: 3 }, { sqlstate: "23505", constraint: "t_pkey" }],
      [{ n: 4242 }, { sqlstate: "23514", constraint: "t_n_check" }],
      [{ s: null }, { sqlstate: "23502", column: "s" }],
      [{ s: "SECRETVALUE" }, { sqlstate: "22001" }],
      [{ d: "SECRETVALUE" }, { sqlstate: "22007" }],
      [{ p: 4242 }, { sqlstate: "23503", constraint: "t_p_fkey" }],
    ];
    for (const [bad, wanted] of cases) {
      const error = await failed(db.bulk("t").insert(rows(bad), { method }));
      expect(error).toMatchObject({ code: "HST_PG_STATEMENT", ...wanted });
      expect(JSON.stringify([error, error.message, error.cause, bulkOutcome(error)])).not.toMatch(
        /SECRETVALUE|4242/,
      );
      const outcome = bulkOutcome(error)!;
      // By COPY a foreign key names no row; two rows with one key fail only together.
      const vague = ("p" in bad && method === "copy") || ("id" in bad && method === "unnest");
      expect(outcome).toMatchObject({ row: vague ? undefined : 237, committedRows: 0 });
      expect(outcome.rows).toEqual(vague ? { from: 0, to: 300 } : { from: 237, to: 238 });
      if ("d" in bad) expect(outcome.column).toBe("d");
      expect(await all(db, "select 1 from t")).toEqual([]);
    }
    await db.bulk("t").insert(rows({}), { method });
    const error = await failed(db.bulk("t").upsert(rows({ n: 4242 }), { method }));
    expect(bulkOutcome(error)).toMatchObject({ row: 237 });
    const update = await failed(
      db.bulk("t").update(
        rows({ n: 4242 }).map(({ id, n }) => ({ id, n })),
        { method },
      ),
    );
    expect(bulkOutcome(update)).toMatchObject({ row: 237 });
    const deferred = await failed(db.bulk("late").insert([{ id: 1, p: 5 }], { method }));
    expect(deferred).toMatchObject({ sqlstate: "23503" });
    expect(bulkOutcome(deferred)).toMatchObject({ row: undefined, committedRows: 0 });
  });

  test("in a transaction: a savepoint of its own, and nothing else meanwhile", async () => {
    await using db = await databaseWith("create table t (id int primary key, n int)");
    await db.transaction(async (tx) => {
      await tx.bulk("t").insert(
        range(0, 10).map((id) => ({ id, n: 0 })),
        { method },
      );
      const error = await failed(
        tx.bulk("t").insert(
          [
            { id: 100, n: 0 },
            { id: 3, n: 0 },
          ],
          { method },
        ),
      );
      expect(bulkOutcome(error)).toMatchObject({ row: 1, committedRows: 0 });
      for (const _ of [1, 2])
        await tx.bulk("t").upsert(
          [
            { id: 3, n: 1 },
            { id: 50, n: 1 },
          ],
          { method },
        );
      async function* own() {
        for (let id = 200; id < 20_000; id++) yield { id, n: 0 };
        await tx.query(trustedSql("select 1"));
      }
      expect((await failed(tx.bulk("t").insert(own(), { method }))).code).toBe("HST_PG_TX");
    });
    expect(await all(db, "select id from t where n = 1 or id >= 100 order by id")).toEqual([
      { id: 3 },
      { id: 50 },
    ]);
  });

  test("chunks: each committed by itself, and a failure says how many", async () => {
    await using db = await databaseWith("create table t (id int primary key, n int not null)");
    const seen: BulkProgress[] = [];
    const rows = range(0, 1_000).map((id) => ({ id, n: id === 730 ? null : id }));
    const error = await failed(
      db.bulk("t").insert(rows, {
        method,
        transaction: "chunks",
        chunkRows: 100,
        onProgress: (p) => seen.push(p),
      }),
    );
    expect(bulkOutcome(error)).toMatchObject({
      row: 730,
      column: "n",
      committedRows: 700,
      unknownRows: 0,
    });
    expect(seen.map(({ committedRows }) => committedRows)).toEqual([
      100, 200, 300, 400, 500, 600, 700,
    ]);
    expect(seen.at(-1)!.rows).toBe(700);
    expect((await all(db, "select count(*)::int as n from t"))[0]).toEqual({ n: 700 });
  });

  test("an abort ends it and leaves nothing", async () => {
    await using db = await databaseWith("create table t (id int primary key)");
    const stop = new AbortController();
    async function* rows() {
      for (let id = 0; ; id++) {
        if (id === 20_000) setTimeout(() => stop.abort(), 20);
        if (id > 20_000) await wait(1);
        yield { id };
      }
    }
    const error = await failed(db.bulk("t").insert(rows(), { method, signal: stop.signal }));
    expect(error.code).toBe("HST_PG_ABORTED");
    expect(await all(db, "select 1 from t")).toEqual([]);
  });

  test("two writes of the same keys in opposite orders wait for each other", async () => {
    await using db = await databaseWith(
      "create table t (id int primary key, n int)",
      "insert into t select n, 0 from generate_series(0, 399) n",
    );
    for (let round = 1; round <= 6; round++) {
      const up = range(0, 600).map((id) => ({ id, n: round * 2 }));
      const down = range(0, 600)
        .reverse()
        .map((id) => ({ id, n: round * 2 + 1 }));
      const t = db.bulk("t");
      await Promise.all([
        t.upsert(up, { method }),
        t.upsert(down, { method }),
        t.update(up, { method }),
        t.update(down, { method }),
      ]);
    }
    expect((await all(db, "select count(*)::int as n from t"))[0]).toEqual({ n: 600 });
  });
});

test("locks are taken in the order of the keys: without it the same writes deadlock", async () => {
  await using db = await databaseWith(
    "create table t (id int primary key, n int)",
    "insert into t select n, 0 from generate_series(0, 39) n",
    "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.005); return new; end $$",
    "create trigger slow before insert or update on t for each row execute function slow()",
  );
  const up = range(0, 40).map((id) => ({ id, n: 1 }));
  const down = up.toReversed().map(({ id }) => ({ id, n: 2 }));
  for (const method of METHODS)
    for (const write of ["upsert", "update"] as const)
      await Promise.all([
        db.bulk("t")[write](up, { method }),
        db.bulk("t")[write](down, { method }),
      ]);
  // The mutant: the same rows in the order given.
  const mutant = (rows: typeof up) =>
    db.execute({
      text: "insert into t select * from unnest($1::int[], $2::int[]) on conflict (id) do update set n = excluded.n + 1",
      values: [rows.map(({ id }) => id), rows.map(({ n }) => n)],
    });
  const outcomes = await Promise.allSettled([mutant(up), mutant(down)]);
  expect(
    outcomes.map((one) => (one.status === "rejected" ? one.reason.sqlstate : "done")).sort(),
  ).toEqual(["40P01", "done"]);
});

test("the method is chosen by size, and beyond 65,535 values nothing changes", async () => {
  await using db = await databaseWith(
    `create table t (${range(0, 40)
      .map((n) => `c${n} int`)
      .join(", ")}, id int primary key)`,
  );
  const rows = (count: number, from: number) =>
    range(from, from + count).map((id) => ({
      ...Object.fromEntries(range(0, 40).map((n) => [`c${n}`, n])),
      id,
    }));
  expect(await db.bulk("t").insert(rows(5_000, 0))).toMatchObject({
    method: "unnest",
    inserted: 5_000,
    statements: 1,
  });
  expect(await db.bulk("t").insert(rows(5_001, 5_000))).toMatchObject({
    method: "copy",
    inserted: 5_001,
    statements: 1,
  });
  expect(await db.bulk("t").insert(rows(12_000, 20_000), { method: "unnest" })).toMatchObject({
    inserted: 12_000,
    statements: 3,
  });
  expect(
    await db.bulk("t").insert(rows(12_000, 40_000), { chunkRows: 5_000, method: "copy" }),
  ).toMatchObject({ inserted: 12_000, statements: 3, chunks: 1 });
  expect(await db.bulk("t").insert([])).toMatchObject({ rows: 0, chunks: 0, statements: 0 });
});

test("rows given back, a statement at a time", async () => {
  await using db = await databaseWith(
    "create table t (id int generated always as identity primary key, a int, b text default 'd')",
  );
  const back: Record<string, unknown>[] = [];
  const sizes: number[] = [];
  const onReturned = (rows: readonly Readonly<Record<string, unknown>>[]) => {
    sizes.push(rows.length);
    back.push(...rows);
  };
  await db.bulk("t").insert(
    range(0, 12_000).map((a) => ({ a })),
    { returning: ["id", "b"], onReturned },
  );
  expect(sizes).toEqual([5_000, 5_000, 2_000]);
  expect(back[11_999]).toEqual({ id: 12_000, b: "d" });
  back.length = 0;
  await db.bulk("t").update(
    [
      { id: 1, a: -1 },
      { id: 2, a: 1 },
    ],
    { returning: ["id", "a"], onReturned },
  );
  await db.bulk("t").delete([{ id: 3 }], { returning: ["a"], onReturned, transaction: "chunks" });
  expect(back).toEqual([{ id: 1, a: -1 }, { a: 2 }]);
  const upserted = await db.bulk("t").upsert(
    [
      { id: 1, a: 5 },
      { id: 99_999, a: 6 },
    ],
    { identity: "override", returning: ["id"], onReturned },
  );
  expect(upserted).toMatchObject({ inserted: 1, updated: 1 });
  expect((await failed(db.bulk("t").insert([{ a: 1 }], { returning: ["id"] }))).code).toBe(
    "HST_PG_OPTION",
  );
});

test("a slow input does not count against the statement, and none of its rows is lost", async () => {
  const { url } = await freshDatabase();
  await using db = createDatabase({ url, statementTimeoutMs: 1_500 });
  await db.execute(trustedSql("create table t (id int primary key, s text)"));
  async function* rows() {
    for (let id = 0; id < 9_000; id++) {
      if (id === 6_000 || id === 8_000) await wait(1_700);
      yield { id, s: "x".repeat(100) };
    }
  }
  const result = await db.bulk("t").insert(rows());
  expect(result).toMatchObject({ rows: 9_000, inserted: 9_000, method: "copy" });
  expect(result.statements).toBeGreaterThan(1);
});

test("what the input throws ends the write, and the input is closed", async () => {
  await using db = await databaseWith("create table t (id int primary key)");
  let closed = 0;
  function* rows(fail: boolean) {
    try {
      for (let id = 0; id < 20_000; id++) {
        if (fail && id === 15_000) throw new Error("the file ends here");
        yield { id: fail ? id : 0 };
      }
    } finally {
      closed++;
    }
  }
  const error = await failed(db.bulk("t").insert(rows(true)));
  expect(error.message).toBe("the file ends here");
  expect(bulkOutcome(error)).toMatchObject({ committedRows: 0 });
  await failed(db.bulk("t").insert(rows(false)));
  expect(closed).toBe(2);
  expect(await all(db, "select 1 from t")).toEqual([]);
  expect(db.stats().pool.waiting).toBe(0);
});
