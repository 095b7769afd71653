import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createDatabase, type Database, type IndexSpec, sql } from "../index.ts";
import { renderIndex } from "./spec.ts";

let target: TestDatabase;
let db: Database;
beforeAll(async () => {
  target = await freshDatabase();
  db = createDatabase({ url: target.url, pool: { min: 0, max: 4 } });
});
beforeEach(async () => {
  await db.execute(sql`create table orders (
    id int8 primary key, customer int, total numeric, at timestamptz, data jsonb, note text)`);
  await db.execute(sql`
    insert into orders select n, n % 100, n, now(), '{"a":1}', 'note ' || (n / 2)
    from generate_series(1, 1000) as n`);
});
afterEach(async () => {
  await db.execute(sql`drop table if exists orders cascade`);
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
const definition = async (name: string): Promise<string | undefined> =>
  (
    await db.queryOne<{ d: string }>(
      sql`select indexdef as d from pg_indexes where indexname = ${name}`,
    )
  )?.d;

const kinds: Record<string, Omit<IndexSpec, "table">> = {
  plain: { columns: ["customer", "at"] },
  "with direction and nulls": {
    columns: [
      "customer",
      { column: "at", direction: "desc", nulls: "last" },
      { column: "id", direction: "desc" },
    ],
  },
  unique: { columns: ["id", "customer"], unique: true },
  partial: { columns: ["at"], where: sql`total > 10 and note is not null` },
  expression: { columns: [{ expression: sql`lower(note)` }, { expression: sql`(data ->> 'a')` }] },
  covering: { columns: ["customer"], include: ["total", "note"] },
  "gin with operator class": {
    columns: [{ column: "data", opclass: "jsonb_path_ops" }],
    method: "gin",
  },
  "full text": {
    columns: [{ expression: sql`to_tsvector('english', coalesce(note, ''))` }],
    method: "gin",
  },
  brin: { columns: ["at"], method: "brin" },
  hash: { columns: ["note"], method: "hash" },
  "with operator class and collation": {
    columns: [{ column: "note", collation: "C", opclass: "text_pattern_ops" }],
  },
  "not concurrently": { columns: ["total"], concurrently: false },
};

for (const [kind, spec] of Object.entries(kinds))
  test(`an index ${kind} is created once and found equal afterwards`, async () => {
    const first = await db.indexes.ensure({ table: "orders", ...spec });
    expect(first.kind).toBe("created");
    expect(await definition(first.name)).toBeDefined();
    expect(await db.indexes.ensure({ table: ["public", "orders"], ...spec })).toEqual({
      kind: "exists",
      name: first.name,
    });
  });

test("a dropped column before it does not make an index look different", async () => {
  await db.execute(sql`alter table orders drop column customer`);
  const spec: IndexSpec = { table: "orders", columns: ["at", "note"] };
  expect((await db.indexes.ensure(spec)).kind).toBe("created");
  expect((await db.indexes.ensure(spec)).kind).toBe("exists");
});

test("an equal index under another name is enough; a wanted name is not", async () => {
  await db.execute(sql`create index by_hand on orders (customer, at desc)`);
  const spec: IndexSpec = {
    table: "orders",
    columns: ["customer", { column: "at", direction: "desc" }],
  };
  expect(await db.indexes.ensure(spec)).toEqual({ kind: "exists", name: "by_hand" });
  expect(await db.indexes.ensure({ ...spec, name: "mine" })).toMatchObject({
    kind: "created",
    name: "mine",
  });
});

test("a name that belongs to another definition is refused, and nothing changes", async () => {
  await db.execute(sql`create index mine on orders (at)`);
  const error = await failure(
    db.indexes.ensure({ table: "orders", columns: ["customer"], name: "mine" }),
  );
  expect(error.code).toBe("HST_PG_INDEX");
  expect(await definition("mine")).toContain("(at)");
  const gone = await failure(db.indexes.ensure({ table: "no_such_table", columns: ["a"] }));
  expect(gone.code).toBe("HST_PG_INDEX");
});

test("a failed concurrent build leaves no unusable index behind", async () => {
  const spec: IndexSpec = { table: "orders", columns: ["note"], unique: true };
  expect(await failure(db.indexes.ensure(spec))).toMatchObject({ sqlstate: "23505" });
  expect(await definition("orders_note_key")).toBeUndefined();
});

test("an index that another session gave the name meanwhile is left alone", async () => {
  const other = await db.pool.connect();
  await other.query("begin");
  await other.query("lock table orders in share update exclusive mode");
  const late = failure(db.indexes.ensure({ table: "orders", columns: ["customer"], name: "late" }));
  const waiting = sql`select from pg_locks where not granted and relation = 'orders'::regclass`;
  await expect.poll(async () => (await db.query(waiting)).length).toBe(1);
  await other.query("create index late on orders (at)");
  await other.query("commit");
  other.release();
  expect(await late).toMatchObject({ sqlstate: "42P07" });
  expect(await definition("late")).toContain("(at)");
});

test("the index of a deferrable constraint is not the unique one that was asked for", async () => {
  await db.execute(sql`alter table orders add constraint later unique (total) deferrable`);
  const unique: IndexSpec = { table: "orders", columns: ["total"], unique: true };
  expect((await db.indexes.ensure(unique)).kind).toBe("created");
});

test("an INVALID leftover of an interrupted build is replaced", async () => {
  await db
    .execute(sql`create unique index concurrently orders_note_key on orders (note)`)
    .catch(() => undefined);
  const invalid = sql`select indisvalid as v from pg_index where indexrelid = to_regclass('orders_note_key')`;
  expect(await db.queryOne(invalid)).toEqual({ v: false });
  await db.execute(sql`update orders set note = 'note ' || id`);
  const spec: IndexSpec = { table: "orders", columns: ["note"], unique: true };
  expect(await db.indexes.ensure(spec)).toMatchObject({ kind: "rebuilt", name: "orders_note_key" });
  expect(await db.queryOne(invalid)).toEqual({ v: true });
});

test("the statistics are fresh afterwards, so that an expression index is used", async () => {
  await db.indexes.ensure({ table: "orders", columns: [{ expression: sql`(total % 7)` }] });
  const row = await db.queryOne(sql`
    select count(*)::int as n from pg_stats
    where tablename like 'orders_%' and attname = 'expr'`);
  expect(row).toEqual({ n: 1 });
});

test("nine calls on three pools that ensure the same index at once build it once", async () => {
  const spec: IndexSpec = { table: "orders", columns: ["customer", "note"] };
  const others = Array.from({ length: 3 }, () =>
    createDatabase({ url: target.url, pool: { min: 0, max: 3 } }),
  );
  const outcomes = await Promise.all(
    others.flatMap((one) => [1, 2, 3].map(() => one.indexes.ensure(spec))),
  );
  const created = outcomes.filter((outcome) => outcome.kind === "created");
  expect(created).toHaveLength(1);
  expect(outcomes.every((outcome) => outcome.name === "orders_customer_note_idx")).toBe(true);
  await Promise.all(others.map((one) => one.drain()));
}, 60_000);

test("no session setting or lock survives", async () => {
  await using one = createDatabase({ url: target.url, pool: { min: 0, max: 1 } });
  await one.indexes.ensure({ table: "orders", columns: ["total"] });
  expect(await one.queryOne(sql`select current_setting('statement_timeout') as t`)).toEqual({
    t: "30s",
  });
  const locks = sql`select count(*)::int as n from pg_locks where locktype = 'advisory'`;
  await expect.poll(() => db.queryOne(locks)).toEqual({ n: 0 });
});

test("a name is derived from the definition, fits 63 bytes and is stable", () => {
  const name = (spec: Omit<IndexSpec, "table">) => renderIndex({ table: "orders", ...spec }).name;
  expect(name({ columns: ["customer", "at"] })).toBe("orders_customer_at_idx");
  expect(name({ columns: ["note"], unique: true })).toBe("orders_note_key");
  const long = name({
    columns: Array.from({ length: 8 }, (_, n) => `größe_${n}_${"x".repeat(20)}`),
  });
  expect(Buffer.byteLength(long)).toBeLessThanOrEqual(63);
  expect(long.isWellFormed()).toBe(true);
  const down = name({ columns: [{ column: "at", direction: "desc" }] });
  expect(down).not.toBe(name({ columns: ["at"] }));
  expect(down).toBe(name({ columns: [{ column: "at", direction: "desc" }] }));
});

test("a description with values, no columns, or hostile parts is refused or quoted", async () => {
  const bad: IndexSpec[] = [
    { table: "orders", columns: [] },
    { table: "orders", columns: [{}] },
    { table: "orders", columns: ["at"], where: sql`total > ${10}` },
    { table: "orders", columns: ["at"], method: "x; drop table orders" as "btree" },
    { table: "orders", columns: [{ column: "at", direction: "; drop" as "asc" }] },
  ];
  for (const spec of bad)
    expect((await failure(db.indexes.ensure(spec))).code).toBe("HST_PG_INDEX");
  const hostile = { table: "orders", columns: ["at) ; drop table orders; --"] };
  expect((await failure(db.indexes.ensure(hostile))).code).toBe("HST_PG_STATEMENT");
  expect(await db.queryOne(sql`select count(*)::int as n from orders`)).toEqual({ n: 1000 });
});
