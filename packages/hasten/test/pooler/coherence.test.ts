import { setTimeout as delay } from "node:timers/promises";
import { type PgBouncerServer, startPgBouncer } from "hasten-tools/pgbouncer";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { asking } from "../../src/postgres/watch/pooled.ts";
import { exec, openShop, SCHEMA, stranger } from "../coherence/shop.ts";

/** More than the default: what is kept must be served, on a busy machine too. */
const BOUND_MS = 5_000;

let bouncer: PgBouncerServer;
let database: TestDatabase;
let url: string;

/** Two tenants by search_path and by role: what each other's settings would show. */
const TENANTS: readonly string[] = [
  "create schema evil",
  "create table evil.orders (id int primary key, customer int, total int)",
  "insert into evil.orders values (1, 1, 666)",
  "create role evil_role",
  "grant usage on schema public, evil to evil_role",
  "grant select on all tables in schema public, evil to evil_role",
];

beforeAll(async () => {
  // One server connection: whatever a client sets there, the next one gets.
  bouncer = await startPgBouncer({ to: inject("postgresUrl"), poolSize: 1 });
});
afterAll(() => bouncer?.stop());
beforeEach(async () => {
  database = await freshDatabase();
  await exec(database.url, ...SCHEMA, ...TENANTS.map(once));
  url = bouncer.through(database.url);
  return async () => {
    await bouncer.admin(`KILL ${database.name}`).catch(() => undefined);
    await bouncer.admin(`RESUME ${database.name}`).catch(() => undefined);
    await database.drop();
  };
});

/** Roles are the server's: another test's database may have made it. */
const once = (text: string): string =>
  text.startsWith("create role")
    ? "do $$ begin create role evil_role; exception when duplicate_object or unique_violation then null; end $$"
    : text;

const ORDERS = "select id, total from orders where id = $1";

const open = () => openShop({ url, directUrl: database.url, autoSetup: true, boundMs: BOUND_MS });

describe("behind a real PgBouncer in transaction mode", () => {
  test("reads are kept, and dropped when they change, whoever wrote", async () => {
    await using shop = await open();
    expect(shop.coherence.status()).toMatchObject({ state: "live", promise: "stream" });
    expect(await shop.read(ORDERS, [1])).toEqual({ rows: [{ id: 1, total: 10 }], loaded: true });
    expect(await shop.read(ORDERS, [1])).toEqual({ rows: [{ id: 1, total: 10 }], loaded: false });
    // Through the pooler by this process: gone before the write resolves.
    await shop.pool.query("update orders set total = 11 where id = 1");
    expect((await shop.read(ORDERS, [1])).rows).toEqual([{ id: 1, total: 11 }]);
    await exec(database.url, "update orders set total = 12 where id = 1");
    await shop.until("select id, total from orders where id = 1", ([row]) => row?.["total"] === 12);
    expect(shop.cache.stats().entries).toBeGreaterThan(0);
  });

  const HOSTILE: readonly (readonly [string, string])[] = [
    ["search_path", "set search_path = evil, public"],
    ["a search_path with pg_catalog last", "set search_path = evil, public, pg_catalog"],
    ["role", "set role evil_role"],
    ["session authorization", "set session authorization evil_role"],
    ["temporary tables", "create temporary table orders as select * from evil.orders"],
    ["IntervalStyle", "set intervalstyle = 'iso_8601'"],
    ["bytea_output", "set bytea_output = 'escape'"],
    ["extra_float_digits", "set extra_float_digits = -5"],
    ["transform_null_equals", "set transform_null_equals = on"],
    ["default_transaction_isolation", "set default_transaction_isolation = 'repeatable read'"],
    ["default_text_search_config", "set default_text_search_config = 'german'"],
  ];

  test.each(HOSTILE)(
    "another client sets %s on the shared session: nothing of it is kept",
    async (_, set) => {
      await using shop = await open();
      await using hostile = await stranger(url);
      await hostile.query(set);
      // Read on the hostile session: the server's answer, and nobody else's.
      const read = await shop.read(ORDERS, [1]);
      expect(read.loaded).toBe(true);
      await hostile.query("discard all");
      const after = await shop.read(ORDERS, [1]);
      expect(after).toEqual({ rows: [{ id: 1, total: 10 }], loaded: true });
      // A session that once had a temporary table keeps a schema for them until it ends.
      if (set.startsWith("create")) await bouncer.admin("RECONNECT");
      await shop.read(ORDERS, [1]);
      expect(await shop.read(ORDERS, [1])).toEqual({ rows: [{ id: 1, total: 10 }], loaded: false });
    },
  );

  test("the mutant that takes every session for as it was made keeps another one's rows", async () => {
    asking.sessions = false;
    try {
      await using shop = await open();
      await using hostile = await stranger(url);
      await hostile.query("set search_path = evil, public");
      await shop.read(ORDERS, [1]);
      await hostile.query("discard all");
      expect(await shop.read(ORDERS, [1])).toEqual({
        rows: [{ id: 1, total: 666 }],
        loaded: false,
      });
    } finally {
      asking.sessions = true;
    }
  });

  test("what PgBouncer keeps for each client is each client's: a time zone of another one changes nothing", async () => {
    await using shop = await open();
    await using hostile = await stranger(url);
    await hostile.query("set timezone = 'Asia/Tokyo'");
    await hostile.query("set datestyle = 'German'");
    const at = "select id, '2026-01-01T00:00:00Z'::text as at from orders where id = $1";
    await shop.read(at, [1]);
    expect((await shop.read(at, [1])).loaded).toBe(false);
  });

  test("connected on a session that another client changed: what is pristine is known all the same", async () => {
    await using hostile = await stranger(url);
    await hostile.query("set search_path = evil");
    await hostile.query("set role evil_role");
    await using shop = await open();
    const first = await shop.read(ORDERS, [1]);
    expect(first.rows).toEqual([{ id: 1, total: 666 }]);
    expect((await shop.read(ORDERS, [1])).loaded).toBe(true);
    await hostile.query("discard all");
    await shop.read(ORDERS, [1]);
    expect(await shop.read(ORDERS, [1])).toEqual({ rows: [{ id: 1, total: 10 }], loaded: false });
  });

  test("in a transaction, by simple protocol, by name and through a cursor's text", async () => {
    await using shop = await open();
    const read = async (key: string, work: (client: pg.PoolClient) => Promise<pg.QueryResult>) => {
      let loaded = false;
      const rows = await shop.cache.getOrSet(
        shop.cache.key(key, (text: string) => [text]).of<unknown>()("x"),
        async () => {
          loaded = true;
          const client = await shop.pool.connect();
          try {
            return (await work(client)).rows;
          } finally {
            client.release();
          }
        },
        { ttlMs: 60_000 },
      );
      return { rows, loaded };
    };
    const simple = (client: pg.PoolClient) =>
      client.query("select id, total from orders where id = 1");
    const inTransaction = async (client: pg.PoolClient) => {
      await client.query("begin");
      const rows = await simple(client);
      await client.query("commit");
      return rows;
    };
    for (const [name, work] of [
      ["simple", simple],
      ["transaction", inTransaction],
    ] as const) {
      await read(name, work);
      expect(await read(name, work)).toEqual({ rows: [{ id: 1, total: 10 }], loaded: false });
    }
    await using hostile = await stranger(url);
    await hostile.query("set search_path = evil");
    for (const [name, work] of [
      ["simple-again", simple],
      ["transaction-again", inTransaction],
    ] as const) {
      expect((await read(name, work)).rows).toEqual([{ id: 1, total: 666 }]);
      expect((await read(name, work)).loaded).toBe(true);
    }
  });

  test("errors, rows and field types are those of the statement itself", async () => {
    await using shop = await open();
    const key = shop.cache.key("wrong", (text: string) => [text]).of<unknown>();
    const failing = (text: string, values: readonly unknown[] = []) =>
      shop.cache.getOrSet(
        key(text),
        async () => {
          const { command, rowCount, fields } = await shop.pool.query(text, [...values]);
          return { command, rowCount, fields: fields.map(({ name }) => ({ name })) };
        },
        { ttlMs: 1_000 },
      );
    await expect(failing("select nothing from orders")).rejects.toMatchObject({ code: "42703" });
    await expect(
      failing("select 1 / (id - 1) from orders where id = $1", [1]),
    ).rejects.toMatchObject({ code: "22012" });
    const result = (await failing(
      "select id, total from orders where id = $1",
      [2],
    )) as pg.QueryResult;
    expect([result.command, result.rowCount, result.fields.map(({ name }) => name)]).toEqual([
      "SELECT",
      1,
      ["id", "total"],
    ]);
  });

  test("a restart of the server behind it is met by learning anew", async () => {
    await using shop = await open();
    await shop.read(ORDERS, [1]);
    await exec(
      database.url,
      `alter role current_user in database ${database.name} set search_path = public, evil`,
    );
    await bouncer.admin("RECONNECT");
    // Kept things are still true; new ones are understood once the new default was learnt.
    await shop.read(ORDERS, [2]);
    await delay(1_100);
    await shop.read(ORDERS, [3]);
    await shop.read(ORDERS, [4]);
    expect((await shop.read(ORDERS, [4])).loaded).toBe(false);
  });
});

test("a storm: hostile clients set what they like while others read; nobody is served their rows", async () => {
  await using wide = await startPgBouncer({ to: inject("postgresUrl"), poolSize: 3 });
  const through = wide.through(database.url);
  await using shop = await openShop({
    url: through,
    directUrl: database.url,
    autoSetup: true,
    boundMs: BOUND_MS,
  });
  const endMs = performance.now() + 4_000;
  const settings = ["set search_path = evil", "set role evil_role", "reset role", "reset all"];
  const hostile = Array.from({ length: 3 }, async (_, lane) => {
    await using client = await stranger(through);
    for (let round = lane; performance.now() < endMs; round++) {
      await client.query(settings[round % settings.length]!);
      await delay(Math.random() * 4);
    }
  });
  let served = 0;
  let total = 100;
  const writer = (async () => {
    await using client = await stranger(database.url);
    while (performance.now() < endMs) {
      await client.query("update public.orders set total = $1 where id = 1", [++total]);
      await delay(20);
    }
  })();
  // Each its own key: nobody joins a read of another that is under way.
  const readers = Array.from({ length: 8 }, async (_, lane) => {
    const text = `${ORDERS} and ${lane} = ${lane}`;
    while (performance.now() < endMs) {
      const { rows, loaded } = await shop.read(text, [1]);
      if (!loaded) {
        served++;
        expect(rows[0]?.["total"]).not.toBe(666);
      }
      await delay(Math.random() * 3);
    }
  });
  await Promise.all([...hostile, ...readers, writer]);
  // Of what was read under the right settings some was kept: the test is about something.
  expect(served).toBeGreaterThan(0);
  await using cleaner = await stranger(through);
  await cleaner.query("discard all");
}, 60_000);
