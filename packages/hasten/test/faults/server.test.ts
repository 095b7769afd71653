/** The server is killed, restarted, replaced, full, starting or stopping. */

import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sql } from "../../src/postgres/index.ts";
import {
  administer,
  expectBreaker,
  expectFault,
  expectRecovery,
  failure,
  leavesNothing,
  type OwnServer,
  ownServer,
  quick,
  through,
  untilRunning,
} from "./world.ts";

let server: OwnServer;
beforeAll(async () => {
  server = await ownServer();
  await administer(server.url, "create table note (id int primary key)");
}, 60_000);
afterAll(() => server?.[Symbol.asyncDispose]());

const ENDINGS = [
  ["killed", "SIGKILL", "server killed, a statement under way"],
  ["restarted at once", "SIGQUIT", undefined],
  ["restarted fast", "SIGINT", "server shut down, a statement under way"],
] as const;

describe.each(ENDINGS)("a server that is %s", (_name, signal, fault) => {
  test("is told, stops being asked, and is found again; nothing is left", async () => {
    await leavesNothing(async () => {
      await using db = quick(server.url);
      await Promise.all([1, 2].map(() => db.query(sql`select 1`)));
      const running = failure(db.query(sql`select pg_sleep(30), 'hunter2'`));
      await untilRunning(server.url, "pg_sleep(30)");
      server.signal(signal);
      const error = await running;
      if (fault !== undefined) expectFault(fault, error, server.url);
      else {
        expect(error.code).toBe("HST_PG_OUTCOME_UNKNOWN");
        expect(["57P02", "57P01", undefined]).toContain(error.sqlstate);
      }
      expect(db.stats().pool.breaker).toBe("closed");
      await server.ended();
      const down = await failure(db.query(sql`select 1`));
      expectFault("server down", down, server.url);
      await expectBreaker("server down", db, () => db.query(sql`select 1`));
      await server.start();
      await expectRecovery(db);
    });
  }, 60_000);
});

test("an acknowledged write is there after the server was killed, and one under way is told as unknown", async () => {
  await using db = quick(server.url);
  await db.execute(sql`insert into note values (1)`);
  const tx = failure(
    db.transaction(async (t) => {
      await t.execute(sql`insert into note values (2)`);
      server.signal("SIGKILL");
      await t.execute(sql`select pg_sleep(30)`);
    }),
  );
  const error = await tx;
  expect(error.code).toBe("HST_PG_UNAVAILABLE");
  expect(error.message).toContain("rolled back");
  await server.ended();
  await server.start();
  await expectRecovery(db);
  expect(await db.query(sql`select id from note order by id`)).toEqual([{ id: 1 }]);
}, 60_000);

test("a server that is shutting down or starting answers 57P03", async () => {
  await using db = quick(server.url);
  const stays = new pg.Client({ connectionString: server.url });
  stays.on("error", () => undefined);
  await stays.connect();
  server.signal("SIGTERM");
  await expect
    .poll(async () => (await failure(db.query(sql`select 1`))).sqlstate, { timeout: 5_000 })
    .toBe("57P03");
  const error = await failure(db.query(sql`select 1`));
  if (error.sqlstate !== undefined)
    expectFault("server starting or shutting down", error, server.url);
  await expectBreaker("server starting or shutting down", db, () => db.query(sql`select 1`));
  await stays.end();
  await server.ended();
  await server.start();
  await expectRecovery(db);
}, 60_000);

test("a failover: open connections end, and the next ones lead to another server", async () => {
  await using next = await ownServer();
  await administer(
    next.url,
    "create table note (id int primary key)",
    "insert into note values (77)",
  );
  // The passwords of the two differ; a failover's do not.
  const { password } = new URL(server.url);
  await administer(next.url, `alter role current_user password '${password}'`);
  await leavesNothing(async () => {
    await using t = await through(server.url);
    await Promise.all([1, 2, 3].map(() => t.db.query(sql`select pg_sleep(0.05)`)));
    t.proxy.retarget(next.port);
    t.proxy.cutAll();
    await expectRecovery(t.db);
    expect(await t.db.query(sql`select id from note where id = 77`)).toEqual([{ id: 77 }]);
  });
}, 60_000);

test("a failover whose old server lives on, read-only: each write says so, and the connections are given up", async () => {
  await using next = await ownServer();
  await administer(next.url, "create table note (id int primary key)");
  const { password } = new URL(server.url);
  await administer(next.url, `alter role current_user password '${password}'`);
  await using t = await through(server.url, { pool: { max: 3, min: 0 } });
  await Promise.all([1, 2, 3].map(() => t.db.query(sql`select pg_sleep(0.05)`)));
  expect(t.db.stats().pool.idle).toBe(3);
  await administer(
    server.url,
    "alter system set default_transaction_read_only = on",
    "select pg_reload_conf()",
  );
  try {
    t.proxy.retarget(next.port);
    const write = (): Promise<unknown> => t.db.execute(sql`insert into note values (1000)`);
    await expect
      .poll(() =>
        write().then(
          () => "written",
          (error: { sqlstate: string }) => error.sqlstate,
        ),
      )
      .toBe("25006");
    // One failure is enough: none of the connections to the old server is used again.
    expect(await t.db.execute(sql`insert into note values (1001)`)).toMatchObject({ rowCount: 1 });
    await t.db.execute(sql`insert into note values (1002)`);
    expectFault(
      "server read-only after a failover",
      await failure(
        through(server.url).then(async (old) => {
          await using _ = old;
          await old.db.execute(sql`insert into note values (1003)`);
        }),
      ),
      server.url,
    );
  } finally {
    await administer(
      server.url,
      "set default_transaction_read_only = off",
      "alter system reset default_transaction_read_only",
      "select pg_reload_conf()",
    );
  }
}, 60_000);

describe("a server without a free connection", () => {
  test("by its own limit: 53300, the breaker, and recovery when one is free", async () => {
    const fault = "server full, or the role's own limit";
    await administer(
      server.url,
      "drop role if exists narrow",
      "create role narrow login password 'hunter2' connection limit 1",
    );
    const url = new URL(server.url);
    url.username = "narrow";
    url.password = "hunter2";
    const holder = new pg.Client({ connectionString: url.href });
    await holder.connect();
    await leavesNothing(async () => {
      await using db = quick(url.href, { retry: { connectRetries: 0 } });
      expectFault(fault, await failure(db.query(sql`select 1`)), url.href);
      await expectBreaker(fault, db, () => db.query(sql`select 1`));
      await holder.end();
      await expectRecovery(db);
    });
  }, 30_000);

  test("by max_connections", async () => {
    const fault = "server full, or the role's own limit";
    await administer(server.url, "create role plain login password 'hunter2'");
    await server.start(["-c", "max_connections=8", "-c", "superuser_reserved_connections=3"]);
    const url = new URL(server.url);
    url.username = "plain";
    url.password = "hunter2";
    const holders = [1, 2, 3, 4, 5].map(() => new pg.Client({ connectionString: url.href }));
    try {
      for (const holder of holders) await holder.connect();
      await using db = quick(url.href);
      expectFault(fault, await failure(db.query(sql`select 1`)), url.href);
      await holders.pop()!.end();
      await expectRecovery(db);
    } finally {
      for (const holder of holders) await holder.end();
      await server.start();
    }
  }, 60_000);
});

describe("a session that the server ends", () => {
  test("by an administrator, with a statement under way and while idle", async () => {
    const fault = "session ended by an administrator";
    await using db = quick(server.url, { applicationName: "ended", pool: { max: 1 } });
    const running = failure(db.query(sql`select pg_sleep(30)`));
    const end = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ended'`;
    await untilRunning(server.url, "pg_sleep(30)");
    await administer(server.url, end);
    expectFault(fault, await running, server.url);
    await expectRecovery(db);
    await administer(server.url, end);
    await expectRecovery(db);
  });

  test("because its transaction was idle: told as such, rolled back", async () => {
    await using db = quick(server.url, { idleInTransactionTimeoutMs: 100 });
    const error = await failure(
      db.transaction(async (tx) => {
        await tx.query(sql`select 1`);
        await new Promise((resolve) => setTimeout(resolve, 400));
        await tx.query(sql`select 2`);
      }),
    );
    expectFault("transaction idle for too long", error, server.url);
    await expectRecovery(db);
  });
});
