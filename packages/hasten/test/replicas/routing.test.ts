/** Reads shared with a real streaming replica: paused, cut off, killed, promoted. */
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { channels } from "../../src/core/channels.ts";
import { inTrace, Trace } from "../../src/core/trace/index.ts";
import { type Database, sql } from "../../src/postgres/index.ts";
import { asked, type World, world } from "./world.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

let it_: World;
let db: Database;
const where = sql`select inet_server_port() as port, n from item where id = 1`;
const stateOf = (of: Database, at = 0): string | undefined =>
  of.stats().replicas?.replicas[at]?.state;

beforeAll(async () => {
  it_ = await world({
    schema: ["create table item (id int primary key, n int)", "insert into item values (1, 0)"],
  });
  db = it_.open();
  await it_.caughtUp();
  await db.probeReplicas();
});
afterAll(async () => {
  await it_?.[Symbol.asyncDispose]();
});

interface Row {
  readonly port: number;
  readonly n: number;
}

/** In a request of its own. */
const request = <T>(work: () => Promise<T>): Promise<T> => inTrace(new Trace(), work);
const plain = sql`select n, current_setting('port') as port from item where id = 1`;
const read = async (given?: object): Promise<{ n: number; replica: boolean }> => {
  const row = await db.queryOne<Row>(plain, given);
  return { n: row!.n, replica: Number(row!.port) === it_.replicas[0]!.server.port };
};

it("reads go to the replica, writes and what only looks like a read to the primary", async () => {
  expect(stateOf(db)).toBe("ready");
  expect(await request(() => read())).toEqual({ n: 0, replica: true });
  expect(await request(() => read({ read: "primary" }))).toMatchObject({ replica: false });
  await db.execute(
    sql`create function bump() returns int language sql as 'update item set n = n where id = 1 returning n'`,
  );
  await it_.caughtUp();
  const bump = sql`select bump() as n`;
  const failed = (): number => db.stats().replicas!.replicas[0]!.failed;
  const before = failed();
  expect(await request(() => db.queryOne(bump))).toEqual({ n: 0 });
  expect(failed()).toBe(before + 1);
  expect(await request(() => db.queryOne(bump))).toEqual({ n: 0 });
  expect(failed()).toBe(before + 1);
  expect(await request(() => db.queryOne(where))).toMatchObject({ port: it_.primary.port });
});

it("what was learnt before the process stood still counts no longer", async () => {
  const own = it_.open({ replicaReads: { probeEveryMs: 50, maxLagMs: 100 } });
  const counts = () => own.stats().replicas!;
  await own.probeReplicas();
  await vi.waitFor(async () => {
    await request(() => own.queryOne(plain));
    expect(counts().replicas[0]!.reads).toBeGreaterThan(0);
  }, 10_000);
  const before = counts();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  await request(() => own.queryOne(plain));
  expect(counts().replicas[0]!.reads).toBe(before.replicas[0]!.reads);
  expect(counts().primary.noneReady).toBe(before.primary.noneReady + 1);
});

it("a paused replica: a session sees its own writes, others the past, until it lags too much", async () => {
  const [replica] = it_.replicas;
  await db.probeReplicas();
  await replica!.server.pause();
  const seen = await request(async () => {
    await db.execute(sql`update item set n = n + 1 where id = 1`);
    const first = await read();
    await db.probeReplicas();
    return [first, await read()];
  });
  expect(seen).toEqual([
    { n: 1, replica: false },
    { n: 1, replica: false },
  ]);
  expect(await request(() => read())).toEqual({ n: 0, replica: true });
  await vi.waitFor(() => expect(stateOf(db)).toBe("lagging"), 10_000);
  expect(db.stats().replicas!.replicas[0]!.lagMs).toBeGreaterThan(1_000);
  expect(await request(() => read())).toEqual({ n: 1, replica: false });
  await replica!.server.resume();
  await vi.waitFor(() => expect(stateOf(db)).toBe("ready"), 10_000);
  expect(await request(() => read())).toEqual({ n: 1, replica: true });
});

it("a session that wrote reads the replica once it shows the write, asked where it is not known", async () => {
  const slow = it_.open({ replicaReads: { probeEveryMs: 60_000, waitMs: 5_000 } });
  await slow.probeReplicas();
  const session = slow.session();
  const answer = await session.run(async () => {
    await slow.execute(sql`update item set n = 7 where id = 1`);
    await session.token();
    return slow.queryOne<Row>(plain);
  });
  expect(answer).toEqual({ n: 7, port: String(it_.replicas[0]!.server.port) });
});

it("a token carries what was written to another request; one that is no token carries nothing", async () => {
  const [replica] = it_.replicas;
  await db.probeReplicas();
  await replica!.server.pause();
  try {
    const token = await request(async () => {
      await db.execute(sql`update item set n = 9 where id = 1`);
      return db.currentSession().token();
    });
    expect(token).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    expect(await db.session({ after: token }).run(() => read())).toEqual({ n: 9, replica: false });
    for (const after of [undefined, "", "x", "0/0'; drop table item", "F".repeat(99)])
      expect(await db.session({ after }).run(() => read())).toEqual({ n: 7, replica: true });
    const forged = db.session({ after: "FFFFFFFF/FFFFFFFF" });
    expect(await forged.run(() => read())).toEqual({ n: 9, replica: false });
    await replica!.server.resume();
    await it_.caughtUp();
    await db.probeReplicas();
    expect(await forged.run(() => read())).toEqual({ n: 9, replica: true });
  } finally {
    await replica!.server.resume();
  }
});

it("a reading transaction runs there when asked to, and one that may write does not", async () => {
  await it_.caughtUp();
  await db.probeReplicas();
  const port = (tx: { queryOne: Database["queryOne"] }) =>
    tx.queryOne<Row>(plain).then((row) => Number(row!.port));
  const given = { readOnly: true, read: "replica" } as const;
  expect(await request(() => db.transaction(port, given))).toBe(it_.replicas[0]!.server.port);
  expect(await request(() => db.transaction(port, { readOnly: true }))).toBe(it_.primary.port);
  await expect(db.transaction(port, { read: "replica" })).rejects.toThrow("HST_PG_OPTION");
});

it("a replica that is cut off, silent or killed costs nobody an error, and comes back by itself", async () => {
  const [replica] = it_.replicas;
  const events: string[] = [];
  const told = (event: unknown): void => {
    const { kind, because } = event as { kind: string; because?: string };
    if (kind === "replica") events.push(because ?? "");
  };
  channels.poolEvent.subscribe(told);
  const ready = () => vi.waitFor(() => expect(stateOf(db)).toBe("ready"), 20_000);
  const always = async (): Promise<void> => expect((await request(() => read())).n).toBe(9);
  await ready();
  replica!.proxy.mode("refuse");
  replica!.proxy.cutAll();
  for (let at = 0; at < 20; at++) await always();
  await vi.waitFor(() => expect(stateOf(db)).toBe("unreachable"), 5_000);
  replica!.proxy.mode("pass");
  await ready();
  replica!.proxy.mode("black-hole");
  await always();
  await vi.waitFor(() => expect(stateOf(db)).toBe("unreachable"), 5_000);
  replica!.proxy.cutAll();
  replica!.proxy.mode("pass");
  await ready();
  await replica!.server.stop("crash");
  await always();
  await replica!.server.start();
  await ready();
  expect(await request(() => read())).toMatchObject({ replica: true });
  channels.poolEvent.unsubscribe(told);
  expect(events).toContain("replica-1: ready -> unreachable: it does not answer");
  expect(events.join()).not.toMatch(/127\.0\.0\.1|postgres:/);
});

it("a replica whose feed is cut lags by what the primary wrote meanwhile, and by nothing while it writes nothing", async () => {
  const [replica] = it_.replicas;
  replica!.feed.mode("refuse");
  replica!.feed.cutAll();
  await asked(it_.primary.url, "update item set n = n where id = 1");
  await vi.waitFor(() => expect(stateOf(db)).toBe("lagging"), 10_000);
  replica!.feed.mode("pass");
  await vi.waitFor(() => expect(stateOf(db)).toBe("ready"), 20_000);
});

it("a promoted replica is another primary: not one row of it is given out", async () => {
  const [replica] = it_.replicas;
  const quiet = it_.open({ replicaReads: { probeEveryMs: 60_000 } });
  await quiet.probeReplicas();
  const session = quiet.session();
  await session.run(() => quiet.query(plain));
  await replica!.server.promote();
  await asked(replica!.server.url, "update item set n = 1000 where id = 1");
  const answer = await session.run(() => quiet.queryOne<Row>(plain));
  expect(answer).toMatchObject({ n: 9 });
  expect(stateOf(quiet)).toBe("promoted");
  await vi.waitFor(() => expect(stateOf(db)).toBe("promoted"), 5_000);
  expect(await request(() => read())).toEqual({ n: 9, replica: false });
});
