/** The policy against a real server: who is ended, who never is, and what is said of it. */
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, type SessionPolicy, sql } from "../../src/postgres/index.ts";
import { outcomeOf, type Somebody, sleepMs, somebody, type Watched, watched } from "./world.ts";

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

const policed = (policy: SessionPolicy): Watched =>
  watched({ url, applicationName: "shop", policy });
const LONG: SessionPolicy = { longRunning: { cancelMs: 100, terminateMs: 100 } };
const IDLE: SessionPolicy = { idleInTransaction: { terminateMs: 100 } };
const lines = (watch: Watched): readonly string[] =>
  watch
    .audits()
    .map(({ action, outcome, applicationName }) => `${applicationName} ${action} ${outcome}`);
const alive = async (by: Somebody): Promise<boolean> =>
  (await outcomeOf(by.client.query("select 1"))) === undefined;

describe("a policy", () => {
  test("cancels a statement at the second look, and the session goes on", async () => {
    await using slow = await somebody(url, "shop api");
    const failed = outcomeOf(slow.client.query("select pg_sleep(30), 'hunter2'"));
    await using watch = policed(LONG);
    await sleepMs(150);
    await watch.looks(1);
    expect(lines(watch)).toEqual([]);
    await watch.looks(1);
    expect(await failed).toMatchObject({ code: "57014" });
    expect(lines(watch)).toEqual(["shop api cancel signalled"]);
    expect(watch.audits()[0]).toMatchObject({
      finding: "long-running",
      pid: slow.pid,
      statement: "select pg_sleep(?), ?",
    });
    expect(JSON.stringify(watch.events)).not.toContain("hunter2");
    await watch.looks(2);
    expect(await alive(slow)).toBe(true);
    expect(lines(watch)).toHaveLength(1);
  });

  test("terminates what a cancel does not end", async () => {
    await using deaf = await somebody(url, "shop deaf");
    await using admin = await somebody(url, "setup");
    await admin.client.query(`create or replace function deaf() returns void language plpgsql as
      $$ begin loop begin perform pg_sleep(30); exception when query_canceled then null; end; end loop; end $$`);
    const failed = outcomeOf(deaf.client.query("select deaf()"));
    await using watch = policed(LONG);
    await sleepMs(150);
    await watch.looks(3);
    expect((await failed)?.code).toBe("57P01");
    expect(lines(watch)).toEqual(["shop deaf cancel signalled", "shop deaf terminate signalled"]);
  });

  test("ends a transaction that is idle, and one that blocks others", async () => {
    await using idle = await somebody(url, "shop idle");
    await using waits = await somebody(url, "elsewhere");
    await idle.client.query("begin; update account set amount = 5 where id = 2");
    const update = waits.client.query("update account set amount = 6 where id = 2");
    await using watch = watched({
      url,
      applicationName: "shop",
      idleInTransactionMs: 60_000,
      policy: { blocking: { cancelMs: 100, terminateMs: 100 } },
    });
    await sleepMs(250);
    await watch.looks(2);
    await update;
    expect(lines(watch)).toEqual(["shop idle terminate signalled"]);
    await expect.poll(() => idle.errors.length).toBeGreaterThan(0);
  });

  test("signals nobody in a dry run, and says whom it would have", async () => {
    await using idle = await somebody(url, "shop idle");
    await idle.client.query("begin; select 1");
    await using watch = policed({ ...IDLE, dryRun: true });
    await sleepMs(150);
    await watch.looks(4);
    expect(lines(watch)).toEqual(["shop idle terminate dry-run"]);
    expect(await alive(idle)).toBe(true);
  });

  test("signals three a minute, the longest first, and tells of the rest once", async () => {
    const idle: Somebody[] = [];
    for (let n = 0; n < 5; n++) {
      const one = await somebody(url, `shop ${n}`);
      await one.client.query("begin; select 1");
      idle.push(one);
      await sleepMs(20);
    }
    await using watch = policed(IDLE);
    await sleepMs(150);
    await watch.looks(5);
    expect(lines(watch)).toEqual([
      ...[0, 1, 2].map((n) => `shop ${n} terminate signalled`),
      ...[3, 4].map((n) => `shop ${n} terminate limited`),
    ]);
    expect(await Promise.all(idle.map(alive))).toEqual([false, false, false, true, true]);
    for (const one of idle) await one[Symbol.asyncDispose]();
  });
});

describe("who is never touched", () => {
  test.each([
    ["another application", "elsewhere", "select pg_sleep(2)"],
    ["one that asks for it", "shop", "select pg_sleep(2) /* hasten: leave */"],
    ["a load by COPY", "shop", "copy (select pg_sleep(2)) to stdout"],
    ["a DO block", "shop", "do $$ begin perform pg_sleep(2); end $$"],
    ["DDL", "shop", "create table made as select 1 from pg_sleep(2)"],
    [
      "a maintenance statement behind another",
      "shop",
      "select 1; analyze account; select pg_sleep(2)",
    ],
  ])("%s", async (_name, application, text) => {
    await using by = await somebody(url, application);
    const done = outcomeOf(by.client.query(text));
    await using watch = policed(LONG);
    await sleepMs(200);
    await watch.looks(3);
    expect(watch.sessions.findings()).toHaveLength(1);
    expect(watch.audits().map(({ outcome }) => outcome)).toEqual(["left"]);
    if (text.startsWith("copy")) {
      await using admin = await somebody(url, "setup");
      await admin.client.query("select pg_terminate_backend($1, 2000)", [by.pid]);
    } else expect(await done).toBeUndefined();
  });

  test("a migration between its statements, whose last one was a plain read", async () => {
    await using migration = await somebody(url, "shop");
    await migration.client.query("begin");
    await migration.client.query("alter table account add column if not exists note text");
    await migration.client.query("select 1");
    await using watch = policed(IDLE);
    await sleepMs(150);
    await watch.looks(2);
    expect(watch.audits()).toMatchObject([
      { outcome: "left", because: "it holds or awaits a lock of DDL" },
    ]);
    await migration.client.query("commit");
  });

  test("a session that is another one by the time of the signal", async () => {
    await using by = await somebody(url, "shop");
    await by.client.query("begin; select 1");
    await using watch = policed(IDLE);
    await sleepMs(150);
    await watch.looks(1);
    // Idle again, but since a later statement: another finding, not seen before.
    await by.client.query("select 2");
    await sleepMs(150);
    await watch.looks(1);
    expect(lines(watch)).toEqual([]);
    expect(await alive(by)).toBe(true);
  });
});

describe("a session that this process has itself", () => {
  test("is taken from its caller by its lease: a typed error, and the connection is never reused", async () => {
    await using db = createDatabase({ url, pool: { min: 0, max: 1 }, applicationName: "shop" });
    await using watch = policed({ longRunning: { cancelMs: 100 } });
    const failed = outcomeOf(db.query(sql`select pg_sleep(30)`));
    const next = db.query<{ n: number }>(sql`select 1 as n`);
    await sleepMs(150);
    await watch.looks(2);
    const error = await failed;
    expect(error).toMatchObject({ code: "HST_PG_TIMEOUT" });
    expect(error!.message).toContain("session policy");
    expect(await next).toEqual([{ n: 1 }]);
    expect(lines(watch)).toEqual(["shop cancel signalled"]);
  });
});
