/** A connection that is not given back is told within a second of the limit, with the line that took it. */
import { type CheckoutReport, createDatabase, sql, type Tx, watchPool } from "hasten/postgres";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Events, knexOf, lineWith, poolOf, resources, sequelizeOf } from "./pools.ts";

let target: TestDatabase;
beforeAll(async () => {
  target = await freshDatabase();
});
afterAll(async () => {
  await target?.drop();
});

const LEAK_MS = 300;
const HERE = new URL(import.meta.url).pathname;

/** Waits until it is told, and says how late that was. */
async function told(events: Events): Promise<CheckoutReport> {
  await expect.poll(() => events.of("leak").length, { timeout: 5_000, interval: 10 }).toBe(1);
  const { checkout } = events.of("leak")[0]!;
  expect(checkout.ageMs).toBeGreaterThanOrEqual(LEAK_MS);
  expect(checkout.ageMs).toBeLessThan(LEAK_MS + 1_000);
  return checkout;
}

async function expectOnce(events: Events): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 2 * LEAK_MS));
  expect(events.of("leak")).toHaveLength(1);
  expect(events.of("leak-returned")).toHaveLength(0);
}

test("pg.Pool: connect() without release", async () => {
  const before = resources();
  const pool = poolOf(target);
  const events = new Events();
  const watch = watchPool(pool, { leakMs: LEAK_MS, onEvent: events.listen });
  async function forgetful() {
    const client = await pool.connect(); // pg.Pool takes it
    await client.query("begin");
    await client.query("select $1::text as secret", ["hunter2"]);
    return client;
  }
  const client = await forgetful();
  const checkout = await told(events);
  expect(checkout).toMatchObject({
    kind: "held",
    site: {
      file: HERE,
      line: lineWith(import.meta.url, "pg.Pool takes it"),
      functionName: "forgetful",
    },
    doing: "idle in transaction",
    statement: "select $n::text as secret",
  });
  expect(JSON.stringify(events.all)).not.toContain("hunter2");
  expect(watch.report()).toMatchObject({ leaks: 1, leaksOut: 1, active: 1 });
  expect(watch.checkouts()).toHaveLength(1);
  await expectOnce(events);
  await client.query("rollback");
  client.release();
  expect(events.of("leak-returned")).toMatchObject([{ checkout: { id: checkout.id } }]);
  expect(events.of("leak-returned")[0]!.checkout.ageMs).toBeGreaterThan(2 * LEAK_MS);
  expect(watch.checkouts()).toHaveLength(0);
  expect(watch.report()).toMatchObject({ leaks: 1, leaksOut: 0, active: 0 });
  watch.close();
  await pool.end();
  await expect.poll(resources).toEqual(before);
});

test("Sequelize: a transaction that nobody ends", async () => {
  const sequelize = sequelizeOf(target);
  const events = new Events();
  const watch = watchPool(sequelize, { leakMs: LEAK_MS, onEvent: events.listen });
  async function forgetful() {
    const transaction = await sequelize.transaction(); // Sequelize takes it
    await sequelize.query("select 1", { transaction });
    return transaction;
  }
  const transaction = await forgetful();
  expect(await told(events)).toMatchObject({
    kind: "either",
    site: {
      file: HERE,
      line: lineWith(import.meta.url, "Sequelize takes it"),
      functionName: "forgetful",
    },
    doing: "idle in transaction",
  });
  await expectOnce(events);
  await transaction.rollback();
  await expect.poll(() => events.of("leak-returned").length).toBe(1);
  watch.close();
  await sequelize.close();
});

test("Knex: a transaction that nobody ends", async () => {
  const db = knexOf(target);
  const events = new Events();
  const watch = watchPool(db, { leakMs: LEAK_MS, onEvent: events.listen });
  async function forgetful() {
    const transaction = await db.transaction(); // Knex takes it
    await transaction.raw("select 1");
    return transaction;
  }
  const transaction = await forgetful();
  expect(await told(events)).toMatchObject({
    kind: "either",
    site: {
      file: HERE,
      line: lineWith(import.meta.url, "Knex takes it"),
      functionName: "forgetful",
    },
    doing: "idle in transaction",
  });
  await expectOnce(events);
  await transaction.rollback();
  await expect.poll(() => events.of("leak-returned").length).toBe(1);
  watch.close();
  await db.destroy();
});

test("Database: a transaction whose work does not end, and its pool in the hands of others", async () => {
  const before = resources();
  const events = new Events();
  const db = createDatabase({
    url: target.url,
    pool: { min: 0, max: 2 },
    poolWatch: { leakMs: LEAK_MS, onEvent: events.listen },
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = async (tx: Tx): Promise<void> => {
    await tx.query(sql`select 1`);
    await promise;
  };
  function stuck() {
    return db.transaction(first); // Database takes it
  }
  const work = stuck();
  expect(await told(events)).toMatchObject({
    kind: "held",
    site: {
      file: HERE,
      line: lineWith(import.meta.url, "Database takes it"),
      functionName: "stuck",
    },
    doing: "idle in transaction",
  });
  await expectOnce(events);
  resolve();
  await work;
  expect(events.of("leak-returned")).toHaveLength(1);
  const client = await db.pool.connect(); // an ORM takes it
  await expect.poll(() => events.of("leak").length, { timeout: 3_000 }).toBe(2);
  expect(events.of("leak")[1]!.checkout.site?.line).toBe(
    lineWith(import.meta.url, "an ORM takes it"),
  );
  client.release();
  expect(db.poolWatch!.report()).toMatchObject({ leaks: 2, leaksOut: 0, active: 0 });
  await db.drain();
  await expect.poll(resources).toEqual(before);
});

test("a statement that runs long is no leak of pool.query, Knex and Database, and is told as what it is", async () => {
  const pool = poolOf(target);
  const db = knexOf(target);
  const own = createDatabase({
    url: target.url,
    pool: { min: 0, max: 2 },
    poolWatch: { leakMs: LEAK_MS, longQueryMs: LEAK_MS, onEvent: (event) => events.listen(event) },
  });
  const events = new Events();
  const options = { leakMs: LEAK_MS, longQueryMs: LEAK_MS, onEvent: events.listen };
  const watches = [watchPool(pool, options), watchPool(db, options)];
  await Promise.all([
    pool.query("select pg_sleep(0.8)"),
    db.raw("select pg_sleep(0.8)"),
    own.query(sql`select pg_sleep(0.8)`),
  ]);
  expect(events.of("leak")).toEqual([]);
  const long = events.of("query-long").map(({ checkout }) => checkout);
  expect(long.map(({ kind }) => kind).sort()).toEqual(["either", "query", "query"]);
  for (const one of long)
    expect(one).toMatchObject({ doing: "statement", statement: "select pg_sleep(?)" });
  for (const watch of watches) watch.close();
  await Promise.all([pool.end(), db.destroy(), own.drain()]);
});

test("a leak without a stack makes that the line is named the next time", async () => {
  const pool = poolOf(target);
  const events = new Events();
  const watch = watchPool(pool, { leakMs: 50, stackShare: 0, onEvent: events.listen });
  for (const wanted of [undefined, HERE]) {
    events.all.length = 0;
    const client = await pool.connect();
    await expect.poll(() => events.of("leak").length).toBe(1);
    expect(events.of("leak")[0]!.checkout.site?.file).toBe(wanted);
    client.release();
  }
  watch.close();
  await pool.end();
});

test("by force: the connection is destroyed, its slot is free, and its taker's next statement fails", async () => {
  const pool = poolOf(target, { max: 1 });
  const db = createDatabase({
    url: target.url,
    pool: { min: 0, max: 1 },
    poolWatch: { leakMs: 50, destroyAfterMs: 100 },
  });
  const events = new Events();
  const watch = watchPool(pool, { leakMs: 50, destroyAfterMs: 100, onEvent: events.listen });
  const client = await pool.connect();
  client.on("error", () => undefined);
  expect((await pool.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
  expect(events.all.map(({ kind }) => kind)).toEqual([
    ...["waiting-began", "leak", "leak-destroyed", "leak-returned"],
  ]);
  await expect(client.query("select 1")).rejects.toThrow();
  expect(() => client.release()).toThrow(/already been released/);
  const stuck = db.transaction(async (tx) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await tx.query(sql`select 1`);
  });
  await expect(Promise.all([stuck, db.query(sql`select 2`)])).rejects.toMatchObject({
    code: "HST_PG_TX",
    message: expect.stringContaining("destroyAfterMs"),
  });
  expect(await db.query(sql`select 2 as n`)).toEqual([{ n: 2 }]);
  watch.close();
  await pool.end();
  await db.drain();
});
