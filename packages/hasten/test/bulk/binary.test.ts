/** COPY's binary form: the same rows as by text, to the byte; and back to text where a value has none. */
import fc from "fast-check";
import {
  bulkOutcome,
  createDatabase,
  type Database,
  type PostgresError,
  trustedSql,
} from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import { expect, test } from "vitest";

const DDL = `create domain code as varchar(8);
create domain positive as numeric(14, 3) check (value >= 0);
create table t (k int primary key, i2 int2, i4 int4, i8 int8, n numeric, n2 numeric(12, 3), dm positive, f8 float8, b bool,
  s text, v varchar(40), c char(5), dc code, u uuid, by bytea, ts timestamptz, ts0 timestamptz(0), tl timestamp, d date,
  j json, jb jsonb, ai int4[], at text[], an numeric[], ab bytea[], aj jsonb[], ats timestamptz[], af float8[], au uuid[])`;
/** So many rows go as text first. */
const BEFORE = 10_000;

const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { freq: 5 });
const list = <T>(one: fc.Arbitrary<T>) => maybe(fc.array(maybe(one), { maxLength: 4 }));
const text = fc
  .oneof(
    fc.string({ unit: "grapheme", maxLength: 80 }),
    fc.string({ unit: fc.constantFrom("\\", "\t", "\n", "é", "🦊", "a", " ") }),
    fc.constantFrom("\\N", "\\.", "", "NULL", "x".repeat(5_000), "ä".repeat(70_000)),
  )
  .map((one) => one.replaceAll("\0", ""))
  .filter((one) => one.isWellFormed());
const digits = fc.stringMatching(/^-?\d{1,30}(\.\d{1,20})?$/);
const numeric = fc.oneof(
  digits,
  fc.integer(),
  fc.bigInt(-(10n ** 30n), 10n ** 30n),
  fc.constantFrom("0", "-0", "0.000", "00012.50", "10000", "0.0001", "99999999.99990000"),
);
const when = fc.date({
  min: new Date("1800-01-02T00:00:00Z"),
  max: new Date("2199-12-30T00:00:00Z"),
  noInvalidDate: true,
});
const bytes = fc.uint8Array({ maxLength: 40 });
const json = fc.jsonValue().filter((one) => {
  const written = JSON.stringify(one);
  return one !== null && !/\\u0000|\\ud[89a-f]|e[+-]?\d{3}/i.test(written);
});
const row = fc.record({
  i2: maybe(fc.integer({ min: -32768, max: 32767 })),
  i4: maybe(
    fc.oneof(
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.constantFrom("-12", "2147483647"),
    ),
  ),
  i8: maybe(
    fc.oneof(
      fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
      fc.maxSafeInteger(),
      fc.maxSafeInteger().map((n) => `${Math.trunc(n / 100)}`),
    ),
  ),
  n: maybe(numeric),
  n2: maybe(fc.integer({ min: -1e6, max: 1e6 }).map((one) => one / 8)),
  dm: maybe(fc.nat(1e6).map((one) => one / 64)),
  f8: maybe(fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 5e-324))),
  b: maybe(fc.boolean()),
  s: maybe(fc.oneof(text, fc.integer())),
  v: maybe(text.map((one) => [...one].slice(0, 40).join(""))),
  c: maybe(fc.constantFrom("", "a", "ab   ", "\\N", "a\tb")),
  dc: maybe(fc.constantFrom("a", "\\", "12345678", "12345678  ")),
  u: maybe(
    fc.oneof(
      fc.uuid(),
      fc.uuid().map((one) => one.toUpperCase()),
    ),
  ),
  by: maybe(bytes),
  ts: maybe(
    fc.oneof(
      when,
      when.map((one) => one.toISOString()),
      fc.constantFrom("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.1Z", "2024-02-29T24:00:00Z"),
    ),
  ),
  ts0: maybe(when),
  tl: maybe(when),
  d: maybe(fc.oneof(when, fc.constantFrom("2024-02-29", "1999-12-31", "2000-01-01", "1800-01-01"))),
  j: maybe(json),
  jb: maybe(json),
  ai: list(fc.integer({ min: -9, max: 9 })),
  at: list(text),
  an: list(numeric),
  ab: list(bytes),
  aj: list(json),
  ats: list(when),
  af: list(fc.double()),
  au: list(fc.uuid()),
});

const NAMES = ["k", ...Object.keys(fc.sample(row, 1)[0]!)];
const FILL = Object.fromEntries(NAMES.map((name) => [name, null]));
const filled = (rows: readonly object[]): object[] =>
  [...Array.from({ length: BEFORE }, () => FILL), ...rows].map((one, k) => ({
    ...FILL,
    ...one,
    k,
  }));
const databaseWith = async (ddl: string): Promise<Database> => {
  const { url } = await freshDatabase();
  const db = createDatabase({ url, pool: { min: 1, max: 2 } });
  for (const one of ddl.split(";\n")) await db.execute(trustedSql(one));
  return db;
};
const failed = (work: Promise<unknown>): Promise<PostgresError> =>
  work.then(
    () => expect.unreachable("should have failed"),
    (error: PostgresError) => error,
  );

test("every type: the binary form writes what text writes", async () => {
  await using db = await databaseWith(DDL);
  const read = () =>
    db.query(
      trustedSql(
        `select t::text as row, n::text, an::text, jb::text from t where k >= ${BEFORE} order by k`,
      ),
    );
  const rows = filled(fc.sample(row, 1_500));
  await db.bulk("t").insert(rows, { method: "unnest" });
  const wanted = await read();
  expect(wanted).toHaveLength(1_500);
  for (const [kind, copies, others] of [
    ["insert", 2, 0],
    ["upsert", 2, 1],
  ] as const) {
    await db.execute(trustedSql("truncate t"));
    const { statements, method } = await db.bulk("t")[kind](rows, { method: "copy" });
    expect(method).toBe("copy");
    // One COPY of text and one binary: a value without a binary form would have begun a third.
    if (others === 0) expect(statements).toBe(copies);
    expect(await read()).toEqual(wanted);
  }
  // What is there already is left alone, byte for byte.
  expect(await db.bulk("t").upsert(rows, { method: "copy" })).toMatchObject({
    inserted: 0,
    updated: 0,
  });
}, 60_000);

test("a value without a binary form: from its row on all go as text, and none is lost", async () => {
  await using db = await databaseWith(
    "create table t (k int primary key, at timestamptz, n numeric)",
  );
  const odd = ["infinity", "2026-01-02 03:04:05.123456+00", new Date(Date.UTC(1066, 9, 14))];
  for (const value of odd) {
    const rows = Array.from({ length: 30_000 }, (_, k) => ({
      k,
      at: k === 20_000 ? value : new Date(k),
      n: k / 4,
    }));
    await db.execute(trustedSql("truncate t"));
    async function* later() {
      for (const one of rows) yield one;
    }
    for (const input of [rows, later()]) {
      await db.execute(trustedSql("truncate t"));
      const given = await db.bulk("t").insert(input);
      expect(given).toMatchObject({ rows: 30_000, inserted: 30_000, statements: 3 });
      const [sums] = await db.query(
        trustedSql(
          "select count(*)::int as c, sum(k)::int8::text as k, sum(n)::text as n, count(distinct at)::int as a from t",
        ),
      );
      expect(sums).toEqual({ c: 30_000, k: "449985000", n: "112496250.00", a: 30_000 });
    }
  }
});

test("errors of binary rows name row and column, and never the data", async () => {
  await using db = await databaseWith(
    "create table t (k int primary key, n numeric(8, 2) check (n < 1000), s varchar(6) not null)",
  );
  const rows = (bad: object) =>
    Array.from({ length: 20_000 }, (_, k) => ({
      k,
      n: 1.5,
      s: "ok",
      ...(k === 12_345 ? bad : {}),
    }));
  const cases: [object, object, string | undefined][] = [
    [{ k: 3 }, { sqlstate: "23505", constraint: "t_pkey" }, undefined],
    [{ n: 4242 }, { sqlstate: "23514", constraint: "t_n_check" }, undefined],
    [{ n: "42424242.42" }, { sqlstate: "22003" }, "n"],
    [{ s: null }, { sqlstate: "23502" }, "s"],
    [{ s: "SECRETVALUE" }, { sqlstate: "22001" }, "s"],
    [{ s: "a\0b" }, { code: "HST_PG_BULK" }, "s"],
    [{ s: "\ud800" }, { code: "HST_PG_BULK" }, "s"],
    [{ k: 2 ** 31 }, { sqlstate: "22003" }, "k"],
    [{ s: undefined }, { code: "HST_PG_BULK" }, "s"],
    [{ more: 1 }, { code: "HST_PG_BULK" }, undefined],
  ];
  for (const [bad, wanted, column] of cases) {
    const error = await failed(db.bulk("t").insert(rows(bad)));
    expect(error).toMatchObject(wanted);
    const outcome = bulkOutcome(error)!;
    expect(outcome).toMatchObject({ row: 12_345, committedRows: 0 });
    if (column !== undefined) expect(outcome.column).toBe(column);
    expect(JSON.stringify([error, error.message, error.cause, outcome])).not.toMatch(
      /SECRETVALUE|4242/,
    );
  }
  expect(await db.query(trustedSql("select 1 from t"))).toEqual([]);
  expect(db.stats().pool.waiting).toBe(0);
});
