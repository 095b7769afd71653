/** Rows, tables and roles that are not what one expects, by both methods. */
import {
  type BulkMethod,
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

describe.each(METHODS)("by %s", (method) => {
  test("a row that is undefined is refused, it is not the end", async () => {
    await using db = await databaseWith("create table t (id int primary key)");
    const holes: unknown[] = [{ id: 1 }];
    holes[2] = { id: 3 };
    async function* later() {
      yield { id: 1 };
      yield undefined;
      yield { id: 3 };
    }
    for (const rows of [holes, [{ id: 1 }, Promise.resolve(undefined)], later()]) {
      const error = await failed(db.bulk("t").insert(rows as object[], { method }));
      expect(error.code).toBe("HST_PG_BULK");
      expect(bulkOutcome(error)?.row).toBe(1);
    }
    const first = await failed(db.bulk("t").insert([undefined as never], { method }));
    expect(first.code).toBe("HST_PG_BULK");
    expect(await all(db, "select * from t")).toEqual([]);
  });

  test("what is too long for the type behind a domain is refused, never cut", async () => {
    await using db = await databaseWith(
      "create domain code as varchar(4)",
      "create domain bits as bit(3)",
      "create domain codes as varchar(3)[]",
      "create table t (id int primary key, c code, b bits, l codes)",
    );
    const good = { id: 1, c: "abcd", b: "101", l: ["abc", null] };
    await db.bulk("t").insert([good], { method });
    const bad: [object, string][] = [
      [{ ...good, c: "abcde" }, "22001"],
      [{ ...good, b: "1010" }, "22026"],
      [{ ...good, l: ["abcd"] }, "22001"],
    ];
    for (const [row, sqlstate] of bad)
      for (const write of ["insert", "upsert", "update"] as const)
        expect(await failed(db.bulk("t")[write]([row], { method }))).toMatchObject({ sqlstate });
    expect(await all(db, "select * from t")).toEqual([good]);
  });

  test("a delete by arrays takes the key from where columns has it", async () => {
    await using db = await databaseWith(
      "create table t (id int primary key, n int)",
      "insert into t values (5, 7), (7, 5)",
    );
    const columns = ["n", "id"];
    expect((await db.bulk("t").delete([[5, 7]], { columns, method })).deleted).toBe(1);
    expect(await all(db, "select id from t")).toEqual([{ id: 5 }]);
    expect((await failed(db.bulk("t").delete([[5]], { method }))).code).toBe("HST_PG_BULK");
  });

  test("equal keys are those that the index takes for equal", async () => {
    await using db = await databaseWith(
      "create table n (a int, b int, v int, unique nulls not distinct (a, b))",
      "create table np (a int, v int, unique nulls not distinct (a)) partition by list (a)",
      "create table np1 partition of np default",
      "create table p (mail text, gone bool, v int)",
      "create unique index on p (mail) where not gone",
      "create table d (mail text, gone bool default false, v int)",
      "create unique index on d (mail) where not gone",
      "create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
      "create table c (k text collate ci primary key, v int)",
    );
    const nulls = [1, 2].map((v) => ({ a: null, b: 1, v }));
    for (const wanted of [{ inserted: 1, unchanged: 1 }, { unchanged: 2 }])
      expect(await db.bulk("n").upsert(nulls, { on: ["a", "b"], method })).toMatchObject(wanted);
    for (const [at, wanted] of [{ inserted: 1 }, { updated: 1, inserted: 0 }].entries())
      expect(await db.bulk("np").upsert([{ a: null, v: at }], { on: ["a"], method })).toMatchObject(
        wanted,
      );
    const mails = [true, true, null, null, false, false].map((gone, v) => ({ mail: "a", gone, v }));
    expect(await db.bulk("p").upsert(mails, { on: ["mail"], method })).toMatchObject({
      inserted: 5,
      unchanged: 1,
    });
    expect(await all(db, "select v from p order by v")).toEqual(
      [0, 1, 2, 3, 5].map((v) => ({ v })),
    );
    // Whether these meet in the index is up to a default: PostgreSQL says so, none is dropped.
    const unsaid = [1, 2].map((v) => ({ mail: "a", v }));
    const twice = await failed(db.bulk("d").upsert(unsaid, { on: ["mail"], method }));
    expect(twice).toMatchObject({ sqlstate: "21000" });
    const keys = ["a", "A"].map((k, v) => ({ k, v }));
    expect(await db.bulk("c").upsert(keys, { method })).toMatchObject({ inserted: 1 });
    const more = ["a", "A", "a"].map((k, v) => ({ k, v: v + 5 }));
    expect(await db.bulk("c").update(more, { method })).toMatchObject({ updated: 1, unchanged: 2 });
    expect(await all(db, "select v from c")).toEqual([{ v: 7 }]);
  });

  test("rows that a trigger drops count as unchanged, and positions stay right", async () => {
    await using db = await databaseWith(
      "create table t (id int primary key, n int)",
      "create function odd() returns trigger language plpgsql as $$ begin return case when new.id % 2 = 0 then new end; end $$",
      "create trigger odd before insert on t for each row execute function odd()",
    );
    const rows = (from: number, bad?: number) =>
      Array.from({ length: 30 }, (_, at) => ({ id: from + at, n: at === bad ? "x" : at }));
    const options = { method, transaction: "chunks", chunkRows: 10 } as const;
    expect(await db.bulk("t").insert(rows(0), options)).toMatchObject({
      rows: 30,
      inserted: 15,
      unchanged: 15,
      chunks: 3,
    });
    const error = await failed(db.bulk("t").insert(rows(100, 25), options));
    expect(bulkOutcome(error)).toMatchObject({ row: 25, committedRows: 20 });
  });

  test("row and column are told whatever the table and its columns are called", async () => {
    const table = "t, line 77, column id";
    await using db = await databaseWith(
      `create table "${table}" (id int primary key, "x:y" int, x int, c1 int, "a, line 5" int)`,
    );
    const one = (id: number) => ({ id, "x:y": 1, x: 1, c1: 1, "a, line 5": 1 });
    for (const column of Object.keys(one(0)))
      for (const write of ["insert", "upsert"] as const) {
        const bad = { ...one(3), [column]: 'x\nCOPY q, line 99, column c1: "' };
        const rows = [one(0), one(1), one(2), bad, one(4)];
        const error = await failed(db.bulk(table)[write](rows, { method }));
        expect(bulkOutcome(error)).toMatchObject({ row: 3, column });
      }
  });

  test("bytes that no text can hold are refused by row and column", async () => {
    await using db = await databaseWith("create table t (id int primary key, b bytea)");
    const rows = [4, 2 ** 28].map((size, id) => ({ id, b: Buffer.alloc(size) }));
    const error = await failed(db.bulk("t").insert(rows, { method }));
    expect(error.code).toBe("HST_PG_BULK");
    expect(bulkOutcome(error)).toMatchObject({ row: 1, column: "b" });
  });

  test("a role that may delete but not update", async () => {
    await using db = await databaseWith(
      "create table t (id int primary key)",
      "insert into t values (1), (2)",
      "do $$ begin create role bulk_deletes; exception when duplicate_object then null; end $$",
      "grant select, delete on t to bulk_deletes",
    );
    await db.transaction(async (tx) => {
      await tx.execute(trustedSql("set local role bulk_deletes"));
      expect((await tx.bulk("t").delete([{ id: 1 }], { method })).deleted).toBe(1);
    });
    await db.execute(trustedSql("drop owned by bulk_deletes"));
  });
});

test("where row security is on for the role, COPY is not chosen", async () => {
  await using db = await databaseWith(
    "create table t (id int primary key, owner text default current_user)",
    "alter table t enable row level security",
    "create policy own on t using (owner = current_user)",
    "do $$ begin create role bulk_secured; exception when duplicate_object then null; end $$",
    "grant select, insert, update on t to bulk_secured",
  );
  const rows = Array.from({ length: 6_000 }, (_, id) => ({ id }));
  await db.transaction(async (tx) => {
    await tx.execute(trustedSql("set local role bulk_secured"));
    expect(await tx.bulk("t").insert(rows)).toMatchObject({ inserted: 6_000, method: "unnest" });
    expect(await tx.bulk("t").upsert(rows)).toMatchObject({ unchanged: 6_000, method: "copy" });
  });
  await db.execute(trustedSql("drop owned by bulk_secured"));
});

test("rows given back follow a column whose type is changed", async () => {
  await using db = await databaseWith("create table t (id int primary key, v int default 3)");
  const given: unknown[] = [];
  const insert = (id: number) =>
    db.bulk("t").insert([{ id }], {
      returning: ["v"],
      onReturned: (rows) => given.push(...rows),
    });
  await insert(1);
  await db.execute(trustedSql("alter table t alter v type text"));
  await insert(2);
  expect(given).toEqual([{ v: 3 }, { v: "3" }]);
});

test("a day that is none is refused in every form, and never another day", async () => {
  await using db = await databaseWith(
    "create table t (id int primary key, d date, i timestamptz, l timestamptz[])",
  );
  const days: [object, string][] = [
    [{ d: "0000-01-01" }, "d"],
    [{ d: "2026-02-30" }, "d"],
    [{ i: "2026-02-30T00:00:00Z" }, "i"],
    [{ i: "2026-06-31T12:00:00.5Z" }, "i"],
    [{ l: ["2026-02-29T00:00:00Z"] }, "l"],
  ];
  for (const [bad, column] of days) {
    function* rows() {
      const row = { d: null, i: null, l: null };
      // So many that COPY has taken its binary form.
      for (let id = 0; id < 10_100; id++) yield { id, ...row };
      yield { id: 10_100, ...row, ...bad };
    }
    const error = await failed(db.bulk("t").insert(rows(), { method: "copy" }));
    expect(error).toMatchObject({ sqlstate: "22008" });
    expect(bulkOutcome(error)).toMatchObject({ row: 10_100, column });
  }
});
