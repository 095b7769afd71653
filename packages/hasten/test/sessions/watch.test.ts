import { randomUUID } from "node:crypto";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { channels } from "../../src/core/channels.ts";
import { createDatabase, type SessionEvent, sessionGrants, sql } from "../../src/postgres/index.ts";
import { outcomeOf, sleepMs, somebody, watched } from "./world.ts";

let target: TestDatabase;
let url: string;
beforeAll(async () => {
  target = await freshDatabase();
  url = target.url;
  await using admin = await somebody(url, "setup");
  await admin.client.query("create table account (id int primary key, amount int)");
  await admin.client.query("insert into account select n, 0 from generate_series(1, 10) n");
});
afterAll(() => target?.drop());

describe("what is seen", () => {
  test("a transaction that is idle, a statement that runs long, and values never", async () => {
    await using idle = await somebody(url, "idler");
    await using busy = await somebody(url, "runner");
    await idle.client.query("begin");
    await idle.client.query("select 'hunter2', id from account where id = 7");
    const long = outcomeOf(busy.client.query("select pg_sleep(30), 'hunter3'"));
    await using watch = watched({ url });
    await sleepMs(150);
    await watch.looks(1);
    const found = watch.sessions.findings();
    expect(
      found.map(({ kind, session }) => [kind, session.applicationName, session.pid]).sort(),
    ).toEqual([
      ["idle-in-transaction", "idler", idle.pid],
      ["long-running", "runner", busy.pid],
    ]);
    expect(found.map(({ session }) => session.statement).sort()).toEqual([
      "select ?, id from account where id = ?",
      "select pg_sleep(?), ?",
    ]);
    expect(JSON.stringify([found, watch.events])).not.toMatch(/hunter/);
    for (const { forMs } of found) expect(forMs).toBeGreaterThanOrEqual(100);
    await idle.client.query("rollback");
    await idle.client.query(`select pg_cancel_backend(${busy.pid})`);
    await long;
    await watch.looks(1);
    expect(watch.sessions.findings()).toEqual([]);
    const kinds = watch.events.map(({ kind }) => kind).sort();
    expect(kinds).toEqual(["found", "found", "over", "over"]);
  });

  test("who waits for a lock, for whom, and who is at the root; each told once", async () => {
    await using root = await somebody(url, "root");
    await using second = await somebody(url, "second");
    await using third = await somebody(url, "third");
    await root.client.query("begin");
    await root.client.query("update account set amount = 1 where id = 1");
    const two = second.client.query("update account set amount = 2 where id = 1");
    await sleepMs(50);
    const three = third.client.query("update account set amount = 3 where id = 1");
    await using watch = watched({ url, idleInTransactionMs: 60_000, longRunningMs: 60_000 });
    await sleepMs(250);
    await watch.looks(3);
    const found = watch.sessions.findings();
    const of = (pid: number) => found.find(({ session }) => session.pid === pid);
    expect(of(second.pid)).toMatchObject({
      kind: "blocked",
      blockers: [root.pid],
      roots: [root.pid],
    });
    expect(of(third.pid)).toMatchObject({ kind: "blocked", roots: [root.pid] });
    expect(of(root.pid)).toMatchObject({ kind: "blocking", waiting: 2 });
    expect(watch.events.filter(({ kind }) => kind === "found")).toHaveLength(3);
    await root.client.query("rollback");
    await Promise.all([two, three]);
  });

  test("comes over the channel, too, and with how long this process has had the session", async () => {
    const heard: unknown[] = [];
    const listen = (event: unknown): void => void heard.push(event);
    channels.sessionEvent.subscribe(listen);
    await using db = createDatabase({ url, pool: { min: 0, max: 2 } });
    await using watch = watched({ url });
    await db.transaction(async (tx) => {
      await tx.query(sql`select 1`);
      await sleepMs(150);
      await watch.looks(1);
    });
    channels.sessionEvent.unsubscribe(listen);
    const [event] = heard as (SessionEvent & { kind: "found" })[];
    expect(event).toMatchObject({ kind: "found", finding: { kind: "idle-in-transaction" } });
    expect(event!.finding.checkout!.heldMs).toBeGreaterThanOrEqual(100);
  });

  test("names the line and the request that took the session, where the pool is watched", async () => {
    await using db = createDatabase({ url, pool: { min: 0, max: 2 } });
    await using watch = watched({ url, pools: db.poolWatch!.pools });
    await db.transaction(async (tx) => {
      await tx.query(sql`select 1`);
      await sleepMs(150);
      await watch.looks(1);
    });
    const found = watch.events.find(({ kind }) => kind === "found");
    expect(found).toMatchObject({ finding: { checkout: { line: expect.any(String) } } });
    expect(found!.kind === "found" && found!.finding.checkout!.line).toContain("watch.test.ts:");
  });

  test("is seen while the pool is used up", async () => {
    await using db = createDatabase({ url, pool: { min: 0, max: 2, acquireTimeoutMs: 200 } });
    await using watch = watched({ url });
    const stop = new AbortController();
    const both = [1, 2].map(() =>
      outcomeOf(db.query(sql`select pg_sleep(30)`, { signal: stop.signal })),
    );
    await sleepMs(250);
    expect(await outcomeOf(db.query(sql`select 1`))).toMatchObject({
      code: "HST_PG_ACQUIRE_TIMEOUT",
    });
    const startedMs = performance.now();
    await watch.looks(1);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(watch.sessions.findings().map(({ kind }) => kind)).toEqual([
      "long-running",
      "long-running",
    ]);
    stop.abort();
    await Promise.all(both);
  });
});

describe("a role without rights", () => {
  const role = `r${randomUUID().replaceAll("-", "")}`;
  let roleUrl: string;
  beforeAll(async () => {
    await using admin = await somebody(url, "setup");
    await admin.client.query(`create role ${role} login password 'p'`);
    const as = new URL(url);
    as.username = role;
    as.password = "p";
    roleUrl = as.href;
  });
  afterAll(async () => {
    await using admin = await somebody(url, "setup");
    await admin.client.query(`drop owned by ${role}`);
    await admin.client.query(`drop role ${role}`);
  });

  test("sees its own sessions, says what it cannot see, and sees all once granted", async () => {
    await using foreign = await somebody(url, "foreign");
    await using own = await somebody(roleUrl, "own");
    for (const { client } of [foreign, own]) await client.query("begin; select 1");
    await sleepMs(150);
    {
      await using watch = watched({ url: roleUrl });
      await watch.looks(1);
      expect(watch.sessions.findings().map(({ session }) => session.applicationName)).toEqual([
        "own",
      ]);
      const { server, limits } = watch.sessions.status();
      expect(server).toMatchObject({ role, maySeeAll: false, maySignal: false });
      expect(server!.hidden).toBeGreaterThanOrEqual(1);
      expect(limits.join()).toContain("grant pg_read_all_stats");
    }
    await using admin = await somebody(url, "setup");
    for (const line of sessionGrants(role)) await admin.client.query(line);
    await using watch = watched({ url: roleUrl });
    await watch.looks(1);
    const names = watch.sessions.findings().map(({ session }) => session.applicationName);
    expect(names.sort()).toEqual(["foreign", "own"]);
    expect(watch.sessions.status()).toMatchObject({ limits: [], server: { maySeeAll: true } });
  });
});

test("the watch leaves nothing behind, and closing it while it opens is fine", async () => {
  const watch = watched({ url });
  await watch.sessions.close();
  await watch.looks(1);
  expect(watch.sessions.status().state).toBe("closed");
  const probe = new pg.Client({ connectionString: url });
  await probe.connect();
  await expect
    .poll(async () => {
      const name = "application_name = 'hasten sessions' and datname = current_database()";
      const { rows } = await probe.query(
        `select count(*)::int as n from pg_stat_activity where ${name}`,
      );
      return rows[0].n;
    })
    .toBe(0);
  await probe.end();
});
