/** A pool that is watched behaves as one that is not, and is afterwards as it was before. */
import { watchPool } from "hasten/postgres";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Events, knexOf, poolOf, resources, sequelizeOf } from "./pools.ts";

let target: TestDatabase;
beforeAll(async () => {
  target = await freshDatabase();
});
afterAll(async () => {
  await target?.drop();
});

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ["resolved", value],
    (error: Error) => [
      "rejected",
      error.constructor.name,
      error.message,
      Object.keys(error).sort(),
    ],
  );

/** Everything that can be done with a pool, and what came of it. */
async function everything(pool: pg.Pool): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (const event of ["connect", "acquire", "release"] as const)
    pool.on(event, () => void seen.push(event));
  const client = await pool.connect();
  seen.push([pool.totalCount, pool.idleCount, pool.waitingCount]);
  const waits = pool.connect();
  const second = await waits;
  const third = pool.connect();
  seen.push([waits instanceof Promise, pool.totalCount, pool.waitingCount]);
  client.release();
  (await third).release(true);
  second.release();
  try {
    second.release();
  } catch (error) {
    seen.push((error as Error).message);
  }
  await new Promise<void>((resolve) => {
    const returned: unknown = pool.connect((error, given, done) => {
      seen.push([error, typeof given!.query, done === given!.release, pool.idleCount]);
      done();
      resolve();
    });
    seen.push(returned);
  });
  seen.push(await outcome(pool.query("select 1 as n").then(({ rows }) => rows)));
  seen.push(await outcome(pool.query("select $1::int as n", [3]).then(({ rows }) => rows)));
  seen.push(await outcome(pool.query("select nothing")));
  await new Promise<void>((resolve) =>
    pool.query("select 2 as n", (error, { rows }) => {
      seen.push([error, rows]);
      resolve();
    }),
  );
  const held = [await pool.connect(), await pool.connect()];
  seen.push(await outcome(pool.connect()), await outcome(pool.query("select 1")));
  await new Promise<void>((resolve) =>
    pool.connect((error, given, done) => {
      seen.push([error?.message, given, typeof done]);
      resolve();
    }),
  );
  for (const one of held) one.release(new Error("broken"));
  await pool.end();
  seen.push(await outcome(pool.connect()));
  return seen;
}

test("pg.Pool: promises, callbacks, done, errors, events and counts", async () => {
  const before = resources();
  const options = { connectionTimeoutMillis: 200 };
  const plain = await everything(poolOf(target, options));
  const pool = poolOf(target, options);
  const watch = watchPool(pool);
  expect(await everything(pool)).toEqual(plain);
  expect(watch.report()).toMatchObject({ active: 0, timeouts: 3 });
  expect(watch.checkouts()).toEqual([]);
  watch.close();
  await expect.poll(resources).toEqual(before);
});

test("a rejection that nobody handles is still one", async () => {
  const pool = poolOf(target, { port: 1, host: "127.0.0.1", connectionString: undefined });
  const watch = watchPool(pool);
  const unhandled: unknown[] = [];
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (error) => unhandled.push(error));
  try {
    void pool.connect();
    await expect.poll(() => unhandled).toMatchObject([{ code: "ECONNREFUSED" }]);
  } finally {
    process.removeAllListeners("unhandledRejection");
    for (const one of others) process.on("unhandledRejection", one);
  }
  expect(watch.report()).toMatchObject({ failed: 1 });
  watch.close();
  await pool.end();
});

test("the pool's own Promise class is used", async () => {
  class Own<T> extends Promise<T> {}
  const pool = poolOf(target, { Promise: Own } as pg.PoolConfig);
  const watch = watchPool(pool);
  const asked = pool.connect();
  expect(asked).toBeInstanceOf(Own);
  (await asked).release();
  watch.close();
  await pool.end();
});

describe("watching twice is watching once, and undone it is gone", () => {
  const layered = (object: object): string[] => Object.getOwnPropertyNames(object).sort();

  test("pg.Pool", async () => {
    const pool = poolOf(target);
    const client = await pool.connect();
    client.release();
    const { connection } = client as unknown as { connection: object };
    const before = [layered(pool), layered(connection)];
    const listeners = () => pool.eventNames().map((name) => [name, pool.listenerCount(name)]);
    const heard = listeners();
    const [first, second] = [watchPool(pool, { name: "one" }), watchPool(pool, { name: "two" })];
    expect([first.name, second.name]).toEqual(["one", "one"]);
    (await pool.connect()).release();
    expect(first.report()).toMatchObject({ acquired: 1 });
    expect(second.report()).toMatchObject({ acquired: 1 });
    first.close();
    first.close();
    (await pool.connect()).release();
    expect(second.report()).toMatchObject({ acquired: 2 });
    second.close();
    expect([layered(pool), layered(connection)]).toEqual(before);
    expect(listeners()).toEqual(heard);
    const again = watchPool(pool, { name: "three" });
    expect(again.name).toBe("three");
    again.close();
    await pool.end();
  });

  test("while a connection is out", async () => {
    const pool = poolOf(target);
    const events = new Events();
    const watch = watchPool(pool, { leakMs: 20, onEvent: events.listen });
    const client = await pool.connect();
    watch.close();
    await new Promise((resolve) => setTimeout(resolve, 60));
    client.release();
    expect(events.all).toEqual([]);
    await pool.end();
  });

  test("Sequelize and Knex", async () => {
    const sequelize = sequelizeOf(target);
    const db = knexOf(target);
    const pools = [
      (sequelize as unknown as { connectionManager: { pool: object } }).connectionManager.pool,
      (db.client as { pool: object }).pool,
      db.client as object,
    ];
    const watches = [watchPool(sequelize), watchPool(db)];
    await Promise.all([sequelize.query("select 1"), db.raw("select 1")]);
    for (const watch of watches)
      expect(watch.report()).toMatchObject({ acquired: 1, opened: 1, active: 0, total: 1 });
    for (const [index, kind] of ["sequelize-pool", "tarn"].entries()) {
      const again = watchPool(pools[index]!);
      expect([again.kind, again.report().acquired]).toEqual([kind, 1]);
      again.close();
    }
    for (const watch of watches) watch.close();
    await Promise.all([sequelize.close(), db.destroy()]);
    for (const pool of pools)
      for (const name of ["acquire", "release", "destroy", "transaction"])
        expect(Object.hasOwn(pool, name)).toBe(false);
  });

  test("what is no pool is refused", () => {
    for (const wrong of [{}, new pg.Client(), []])
      expect(() => watchPool(wrong)).toThrow(/HST_PG_OPTION/);
    expect(() => watchPool(poolOf(target), { leakMs: 1 })).toThrow(/leakMs/);
  });
});

describe("what comes back in a state that nobody should find", () => {
  const busy = (events: Events) => events.of("returned-busy").map(({ destroyed }) => destroyed);

  test("a statement that query_timeout gave up: its connection is not handed out again", async () => {
    const pool = poolOf(target, { max: 1, query_timeout: 100 });
    const events = new Events();
    const watch = watchPool(pool, { onEvent: events.listen });
    const client = await pool.connect();
    await expect(client.query("select pg_sleep(1)")).rejects.toThrow("Query read timeout");
    client.release();
    expect(busy(events)).toEqual([true]);
    const startedMs = performance.now();
    const next = await pool.connect();
    expect(next).not.toBe(client);
    await next.query("select 1");
    expect(performance.now() - startedMs).toBeLessThan(700);
    next.release();
    watch.close();
    await pool.end();
  });

  test("a statement that is not awaited stays as it is, and is told", async () => {
    const pool = poolOf(target, { max: 1 });
    const events = new Events();
    const watch = watchPool(pool, { onEvent: events.listen });
    const client = await pool.connect();
    await client.query("begin");
    void client.query("select pg_sleep(0.05)");
    void client.query("commit", () => undefined);
    client.release();
    expect(busy(events)).toEqual([false]);
    const next = await pool.connect();
    expect(next).toBe(client);
    await next.query("begin");
    next.release();
    expect(events.of("returned-in-transaction")).toMatchObject([{ destroyed: false }]);
    await pool.query("rollback");
    watch.close();
    await pool.end();
  });

  test('"destroy" closes it whatever it runs', async () => {
    const pool = poolOf(target, { max: 1 });
    const events = new Events();
    const watch = watchPool(pool, { returnedBusy: "destroy", onEvent: events.listen });
    const client = await pool.connect();
    client.query("select pg_sleep(1)").catch(() => undefined);
    client.release();
    expect(busy(events)).toEqual([true]);
    expect(await pool.connect().then((next) => [next === client, next.release()])).toEqual([
      ...[false, undefined],
    ]);
    watch.close();
    await pool.end();
  });
});
