/** Servers that are no replica of the primary, refused options, conflicts with replay, and what is not seen. */
import { startPostgres } from "hasten-tools/postgres";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { inTrace, Trace } from "../../src/core/trace/index.ts";
import { createDatabase, type Database, sql } from "../../src/postgres/index.ts";
import { asked, type World, world } from "./world.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

let on: World;
let db: Database;
const request = <T>(work: () => Promise<T>): Promise<T> => inTrace(new Trace(), work);

beforeAll(async () => {
  on = await world({
    schema: ["create table item (id int primary key, n int)", "insert into item values (1, 0)"],
    // A statement in the way of replay is cancelled at once.
    replicaFlags: ["-c", "max_standby_streaming_delay=0"],
  });
  db = on.open();
  await on.caughtUp();
  await db.probeReplicas();
});
afterAll(async () => {
  await on?.[Symbol.asyncDispose]();
});

it("a server of another system is never read, and a primary is no replica", async () => {
  await using stranger = await startPostgres();
  await asked(stranger.url, "create table item (id int primary key, n int)");
  const wrong = on.open({ replicas: [{ url: stranger.url, name: "stranger" }, on.primary.url] });
  await wrong.probeReplicas();
  expect(await request(() => wrong.query(sql`select n from item`))).toHaveLength(1);
  expect(wrong.stats().replicas).toMatchObject({
    replicas: [
      { name: "stranger", state: "promoted", reads: 0 },
      { name: "replica-2", state: "promoted", reads: 0 },
    ],
    primary: { noneReady: 1 },
  });
  await wrong.drain();
});

it("what replay cancels is answered by the primary", async () => {
  const slow = request(() =>
    db.query<{ n: number }>(sql`select n, pg_sleep(3) from item where id = 1`, { read: "replica" }),
  );
  await vi.waitFor(async () => {
    const rows = await asked(
      on.replicas[0]!.server.url,
      "select 1 from pg_stat_activity where query like '%pg_sleep(3) from item%' and pid <> pg_backend_pid()",
    );
    expect(rows).toHaveLength(1);
  }, 2_500);
  // An exclusive lock on the primary is one on the replica.
  await asked(on.primary.url, "alter table item add column more int");
  expect(await slow).toMatchObject([{ n: 0 }]);
  expect(db.stats().replicas!.primary.failed).toBeGreaterThan(0);
});

it("a name that the replica does not know yet is found on the primary; a wrong one is an error", async () => {
  const { server } = on.replicas[0]!;
  await on.caughtUp();
  await db.probeReplicas();
  await server.pause();
  try {
    await asked(on.primary.url, "create table newer as select 1 as n");
    expect(await request(() => db.query(sql`select n from newer`))).toEqual([{ n: 1 }]);
    await expect(request(() => db.query(sql`select n from nowhere`))).rejects.toMatchObject({
      sqlstate: "42P01",
    });
    await expect(request(() => db.query(sql`select 1 / (n - n) from item`))).rejects.toMatchObject({
      sqlstate: "22012",
    });
  } finally {
    await server.resume();
  }
});

it("writes past the database are not seen, until the session is told", async () => {
  const { server } = on.replicas[0]!;
  await on.caughtUp();
  await vi.waitFor(() => expect(db.stats().replicas!.replicas[0]!.state).toBe("ready"), 10_000);
  await db.probeReplicas();
  await server.pause();
  try {
    const session = db.session();
    const [before, after] = await session.run(async () => {
      await db.pool.query("update item set n = 5 where id = 1");
      const one = await db.queryOne<{ n: number }>(sql`select n from item where id = 1`);
      session.wrote();
      return [one, await db.queryOne<{ n: number }>(sql`select n from item where id = 1`)];
    });
    expect([before, after]).toEqual([{ n: 0 }, { n: 5 }]);
  } finally {
    await server.resume();
  }
});

it("a role that may ask nothing more routes all the same", async () => {
  for (const text of [
    "create role plainly login password 'secret'",
    "grant select on item to plainly",
    "revoke execute on function pg_control_system(), pg_control_checkpoint(), pg_control_recovery() from public",
  ])
    await asked(on.primary.url, text);
  await on.caughtUp();
  const as = (url: string): string => url.replace(/\/\/[^@]*@/, "//plainly:secret@");
  const plain = on.open({ url: as(on.primary.url), replicas: on.replicaUrls.map(as) });
  await vi.waitFor(() => expect(plain.stats().replicas!.replicas[0]!.state).toBe("ready"), 10_000);
  await request(() => plain.query(sql`select n from item`));
  expect(plain.stats().replicas!.replicas[0]!.reads).toBe(1);
  await plain.drain();
});

it("a session in one process sees what another wrote, by its token", async () => {
  const other = on.open();
  const { server } = on.replicas[0]!;
  await on.caughtUp();
  await Promise.all([other.probeReplicas(), db.probeReplicas()]);
  await server.pause();
  try {
    const token = await request(async () => {
      await other.transaction((tx) => tx.execute(sql`update item set n = 77 where id = 1`));
      return other.currentSession().token();
    });
    const n = sql`select n from item where id = 1`;
    expect(await db.session({ after: token }).run(() => db.query(n))).toEqual([{ n: 77 }]);
    expect(await request(() => db.query(n))).toEqual([{ n: 5 }]);
  } finally {
    await server.resume();
  }
  await other.drain();
});

it("options out of bounds are refused by name, and without replicas all is as it was", async () => {
  const bad: readonly [string, object][] = [
    ["replicas", { replicas: Array.from({ length: 17 }, () => on.primary.url) }],
    ["replicas[].name", { replicas: [{ url: on.primary.url, name: "" }] }],
    ["replicas[].name", { replicas: [on.primary.url, { url: on.primary.url, name: "replica-1" }] }],
    ["replicaReads.maxLagMs", { replicas: [on.primary.url], replicaReads: { maxLagMs: 0 } }],
    ["replicaReads.default", { replicas: [on.primary.url], replicaReads: { default: "any" } }],
    ["url", { replicas: ["mysql://x/y"] }],
  ];
  for (const [name, given] of bad)
    expect(() => createDatabase({ url: on.primary.url, ...given })).toThrow(name);
  await using alone = createDatabase({ url: on.primary.url, pool: { min: 0 }, healthEveryMs: 0 });
  expect(alone.replicaPools).toEqual([]);
  expect(alone.stats().replicas).toBeUndefined();
  expect(await alone.session().run(() => alone.query(sql`select 1 as n`))).toEqual([{ n: 1 }]);
  expect(await alone.session().token()).toBe("0/0");
  await alone.probeReplicas();
});

it("a drained database leaves no connection on any server", async () => {
  const gone = on.open({ applicationName: "goes away" });
  await gone.probeReplicas();
  await Promise.all(
    Array.from({ length: 20 }, () => request(() => gone.query(sql`select n from item`))),
  );
  await gone.drain();
  for (const url of [on.primary.url, on.replicas[0]!.server.url])
    await vi.waitFor(async () => {
      const rows = await asked(
        url,
        "select pid from pg_stat_activity where application_name = 'goes away'",
      );
      expect(rows).toEqual([]);
    }, 5_000);
});
