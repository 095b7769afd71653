/** Every type through both methods, against what the driver itself writes by INSERT. */

import fc from "fast-check";
import { type BulkMethod, createDatabase, trustedSql } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";

const DDL = `
create extension if not exists hstore;
create type mood as enum ('sad', 'it''s "ok"', 'back\\slash', 'a b');
create type pair as (a int, b text);
create domain positive as numeric(12, 3) check (value >= 0);
create domain words as text[];
create domain code as varchar(8);
create table t (
  k int primary key, i2 int2, i4 int4, i8 int8, n numeric, n2 numeric(12, 3), f4 float4, f8 float8, b bool,
  s text, v varchar(40), c char(5), u uuid, by bytea, ts timestamptz, tl timestamp, d date, j json, jb jsonb,
  e mood, dm positive, dw words, dc code, ip inet, r int4range, mr int4multirange, p pair, iv interval,
  ai int4[], at text[], an numeric[], ab bytea[], ae mood[], aj jsonb[], aip inet[], ats timestamptz[], bx box[], h hstore,
  m macaddr, bi bit(3), vb varbit, x xml, mo money, tv tsvector
)`;

/** Text that PostgreSQL can hold. */
const text = fc
  .oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({
      unit: fc.constantFrom(
        "\\",
        "\t",
        "\n",
        "\r",
        "N",
        ".",
        "{",
        "}",
        ",",
        '"',
        "'",
        "\b",
        "\v",
        "\f",
        "ä",
        "🦊",
        "é",
        "\u2028",
      ),
    }),
    fc.constantFrom(
      "\\N",
      "\\.",
      "NULL",
      "null",
      "",
      " ",
      "\\",
      "{}",
      "{a,b}",
      '"',
      "\\\\.",
      "a\nb",
      "\r\n",
    ),
  )
  .map((one) => one.replaceAll("\0", ""))
  .filter((one) => one.isWellFormed());
const json = fc.jsonValue({ noUnicodeString: false }).filter((one) => {
  const written = JSON.stringify(one);
  return (
    one !== null &&
    !written.includes("\\u0000") &&
    !/\\ud[89a-f]/i.test(written) &&
    !/e[+-]?\d{3}/i.test(written)
  );
});
const instant = fc.date({
  min: new Date("0001-01-01T00:00:00Z"),
  max: new Date("9999-12-31T00:00:00Z"),
  noInvalidDate: true,
});
const mood = fc.constantFrom("sad", `it's "ok"`, "back\\slash", "a b");
const big = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const bytes = fc.uint8Array({ maxLength: 40 }).map((one) => Buffer.from(one));
const numeric = fc.oneof(
  fc
    .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(99999))
    .map(([a, b]) => `${a}.${b}`),
  fc.integer(),
  big,
  fc.constantFrom("NaN", "0.000", "1.10", "-0", "1e30"),
);
const float = fc
  .oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, 1e300, 5e-324, 0.1))
  .map((one) => (one === 0 ? 0 : one));
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { freq: 5 });
const list = <T>(one: fc.Arbitrary<T>) => maybe(fc.array(maybe(one), { maxLength: 4 }));
const nested = <T>(one: fc.Arbitrary<T>) =>
  fc.integer({ min: 1, max: 3 }).chain((size) =>
    fc.array(fc.array(maybe(one), { minLength: size, maxLength: size }), {
      minLength: 1,
      maxLength: 3,
    }),
  );

const row = fc.record({
  i2: maybe(fc.integer({ min: -32768, max: 32767 })),
  i4: maybe(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  i8: maybe(fc.oneof(big, big.map(String), fc.maxSafeInteger())),
  n: maybe(numeric),
  n2: maybe(fc.integer({ min: -1e6, max: 1e6 }).map((one) => one / 7)),
  f4: maybe(fc.float().map((one) => (one === 0 ? 0 : one))),
  f8: maybe(float),
  b: maybe(fc.boolean()),
  s: maybe(text),
  v: maybe(text.map((one) => [...one].slice(0, 40).join(""))),
  c: maybe(fc.constantFrom("", "a", "ab   ", "\\N", "a\tb")),
  u: maybe(fc.uuid()),
  by: maybe(bytes),
  ts: maybe(
    fc.oneof(
      instant,
      fc.constantFrom("2026-01-02 03:04:05.123456+00", "infinity", "0044-03-15 00:00:00+00 BC"),
    ),
  ),
  tl: maybe(fc.oneof(instant, fc.constantFrom("2026-01-02 03:04:05.123456", "-infinity"))),
  d: maybe(fc.oneof(instant, fc.constantFrom("2026-02-28", "infinity", "0044-03-15 BC"))),
  e: maybe(mood),
  dm: maybe(fc.nat(1e6).map((one) => one / 8)),
  dw: list(text),
  dc: maybe(fc.constantFrom("a", "\\", "12345678")),
  ip: maybe(fc.constantFrom("10.0.0.1", "::1", "192.168.0.0/16")),
  r: maybe(fc.constantFrom("[1,5)", "empty", "(,3]")),
  mr: maybe(fc.constantFrom("{}", "{[1,5),[7,9)}")),
  p: maybe(fc.constantFrom('(1,"a ""b"" \\\\ c")', "(,)", "(2,)")),
  iv: maybe(fc.constantFrom("1 day 02:03:04.567", "-1 mon", "24:00:00")),
  ai: maybe(
    fc.oneof(fc.array(maybe(fc.integer({ min: -9, max: 9 })), { maxLength: 4 }), nested(fc.nat(9))),
  ),
  at: maybe(fc.oneof(fc.array(maybe(text), { maxLength: 4 }), nested(text))),
  an: list(numeric),
  ab: list(bytes),
  ae: maybe(fc.array(mood, { maxLength: 3 }).map((all) => all as (string | null)[])),
  aip: list(fc.constantFrom("10.0.0.1", "::1")),
  ats: list(instant),
  h: maybe(fc.constantFrom('"a"=>"1", "b"=>NULL', '"\\"q\\""=>"\\\\"')),
  m: maybe(fc.constantFrom("08:00:2b:01:02:03")),
  bi: maybe(fc.constantFrom("101")),
  vb: maybe(fc.constantFrom("", "10101")),
  x: maybe(fc.constantFrom("<a>b &amp; c</a>")),
  mo: maybe(fc.constantFrom("$1,234.50")),
  tv: maybe(fc.constantFrom("'a':1 'b''c':2")),
  bx: maybe(fc.constantFrom("{(1,1),(0,0);(2,2),(1,1)}")),
  j: maybe(json),
  jb: maybe(json),
  aj: list(json),
});
type Row = Record<string, unknown>;

test("both methods write what the driver writes, in inserts, upserts and updates", async () => {
  const { url } = await freshDatabase();
  await using db = createDatabase({ url, pool: { min: 1, max: 2 } });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(DDL);
    const read = async (): Promise<unknown> =>
      (await client.query("select t::text as row, ts::text, tl::text from t order by k")).rows;
    const names = ["k", ...Object.keys(fc.sample(row, 1)[0]!)];
    const places = names.map((_, at) => `$${at + 1}`).join(", ");
    const insert = `insert into t (${names.join(", ")}) values (${places})`;
    /** What the driver has no form of its own for. */
    const forDriver = (name: string, value: unknown): unknown => {
      if (value === null) return null;
      if (name === "j" || name === "jb") return JSON.stringify(value);
      // The driver sends an instant in the process's zone: the same instant.
      if (name === "aj")
        return (value as unknown[]).map((one) => (one === null ? null : JSON.stringify(one)));
      return value;
    };
    const write: Record<string, (rows: Row[], method: BulkMethod) => Promise<unknown>> = {
      insert: (rows, method) => db.bulk("t").insert(rows, { method }),
      upsert: (rows, method) => db.bulk("t").upsert(rows, { method }),
      update: async (rows, method) => {
        await client.query(`insert into t (k) select unnest($1::int[])`, [rows.map(({ k }) => k)]);
        await db.bulk("t").update(rows, { method });
      },
    };
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), async (given) => {
        const rows: Row[] = given.map((one, k) => ({ k, ...one }));
        await client.query("truncate t");
        for (const one of rows)
          await client.query(
            insert,
            names.map((name) => forDriver(name, one[name])),
          );
        const wanted = await read();
        for (const [, run] of Object.entries(write))
          for (const method of ["unnest", "copy"] as const) {
            await client.query("truncate t");
            await run(rows, method);
            expect(await read()).toEqual(wanted);
          }
        // What is there already is left alone.
        for (const method of ["unnest", "copy"] as const)
          expect(await db.bulk("t").upsert(rows, { method })).toMatchObject({
            inserted: 0,
            updated: 0,
          });
      }),
      { numRuns: 60 },
    );
  } finally {
    await client.end();
  }
}, 120_000);

test("numbers at the edge keep every digit", async () => {
  const { url } = await freshDatabase();
  await using db = createDatabase({ url });
  await db.execute(
    trustedSql("create table e (k int primary key, n numeric, i int8, f float8, t timestamptz)"),
  );
  const rows = [
    {
      k: 1,
      n: `${"9".repeat(60)}.${"1".repeat(60)}`,
      i: 9223372036854775807n,
      f: -0,
      t: "2026-01-02T03:04:05.123456Z",
    },
    { k: 2, n: 10n ** 40n, i: "-9223372036854775808", f: 2 ** -1074, t: new Date(1) },
    { k: 3, n: 0.1, i: Number.MAX_SAFE_INTEGER, f: Number.MAX_VALUE, t: new Date(-62198755200000) },
  ];
  for (const method of ["unnest", "copy"] as const) {
    await db.execute(trustedSql("truncate e"));
    await db.bulk("e").insert(rows, { method });
    expect(
      await db.query(
        trustedSql(
          "select n::text, i::text, f::text, (t at time zone 'utc')::text as t from e order by k",
        ),
      ),
    ).toEqual([
      {
        n: `${"9".repeat(60)}.${"1".repeat(60)}`,
        i: "9223372036854775807",
        f: "-0",
        t: "2026-01-02 03:04:05.123456",
      },
      {
        n: `1${"0".repeat(40)}`,
        i: "-9223372036854775808",
        f: "5e-324",
        t: "1970-01-01 00:00:00.001",
      },
      {
        n: "0.1",
        i: "9007199254740991",
        f: "1.7976931348623157e+308",
        t: "0002-01-01 00:00:00 BC",
      },
    ]);
  }
});
