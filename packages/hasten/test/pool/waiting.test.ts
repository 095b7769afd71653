/** Who waits, how long, in which order, and when it is told. */
import { createDatabase, type Database, sql, type WatchedPool, watchPool } from "hasten/postgres";
import { faultyProxy } from "hasten/testing";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { Sequelize } from "sequelize";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Events, knexOf, poolOf, sequelizeOf } from "./pools.ts";

let target: TestDatabase;
beforeAll(async () => {
  target = await freshDatabase();
});
afterAll(async () => {
  await target?.drop();
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface World {
  readonly events: Events;
  readonly watch: WatchedPool;
  /** Takes and gives back one connection after the other. */
  use(ms: number): Promise<unknown>;
  close(): Promise<unknown>;
}

const WORLDS: Record<string, () => World> = {
  "pg.Pool"() {
    const pool = poolOf(target, { max: 1, connectionTimeoutMillis: 1_000 });
    const events = new Events();
    const watch = watchPool(pool, { onEvent: events.listen, waitingMax: 4 });
    const use = async (ms: number): Promise<void> => {
      const client = await pool.connect();
      await sleep(ms);
      client.release();
    };
    return { events, watch, use, close: () => pool.end() };
  },
  Sequelize() {
    const pool = sequelizeOf(target, 1);
    const events = new Events();
    const watch = watchPool(pool, { onEvent: events.listen, waitingMax: 4 });
    const use = (ms: number) => pool.query(`select pg_sleep(${ms / 1_000})`);
    return { events, watch, use, close: () => pool.close() };
  },
  Knex() {
    const pool = knexOf(target, 1);
    const events = new Events();
    const watch = watchPool(pool, { onEvent: events.listen, waitingMax: 4 });
    const use = async (ms: number) => await pool.raw(`select pg_sleep(${ms / 1_000})`);
    return { events, watch, use, close: () => pool.destroy() };
  },
  Database() {
    const events = new Events();
    const pool = { min: 0, max: 1, waitingMax: 4, acquireTimeoutMs: 1_000 };
    const db = createDatabase({ url: target.url, pool, poolWatch: { onEvent: events.listen } });
    const use = (ms: number) => db.query(sql`select pg_sleep(${ms / 1_000}::float8)`);
    return { events, watch: db.poolWatch!, use, close: () => db.drain() };
  },
};

describe.each(Object.entries(WORLDS))("%s", (_name, open) => {
  test("an episode of waiting is told when it begins and when it ends, and waits are measured", async () => {
    const { events, watch, use, close } = open();
    await use(1);
    expect(events.all).toEqual([]);
    const uses = [use(100), use(100), use(100)];
    await expect.poll(() => events.of("waiting-began"), { interval: 5 }).toHaveLength(1);
    expect(watch.report().waiting).toBeGreaterThan(0);
    await Promise.all(uses);
    await expect.poll(() => events.of("waiting-ended"), { timeout: 3_000 }).toHaveLength(1);
    expect(events.all.map(({ kind }) => kind)).toEqual(["waiting-began", "waiting-ended"]);
    const [ended] = events.of("waiting-ended");
    expect(ended!.depthMax).toBe(2);
    expect(ended!.durationMs).toBeGreaterThan(150);
    expect(Math.abs(Date.now() - ended!.durationMs - ended!.sinceWallMs)).toBeLessThan(4_000);
    const report = watch.report();
    expect(report).toMatchObject({ waiting: 0, active: 0, waitings: 1, acquired: 4, opened: 1 });
    expect(report.wait.count).toBe(4);
    expect(report.wait.maxMs).toBeGreaterThan(150);
    expect(report.hold.p50Ms).toBeGreaterThan(80);
    expect(report.utilisationMean).toBeGreaterThan(0);
    await close();
  });

  test("a wait that is too long, and one too many, are told and counted", async () => {
    const { events, watch, use, close } = open();
    await use(1);
    const held = use(1_500);
    await sleep(50);
    const waits = Array.from({ length: 4 }, () => use(1).catch((error: Error) => error));
    await sleep(50);
    await expect(use(1)).rejects.toMatchObject({
      message: expect.stringMatching(/4 callers wait/),
    });
    for (const error of await Promise.all(waits)) expect(error).toBeInstanceOf(Error);
    await held;
    expect(watch.report()).toMatchObject({ timeouts: 4, shed: 1, failed: 0, waiting: 0 });
    expect(events.of("acquire-timeout")).toHaveLength(4);
    expect(events.of("acquire-timeout")[0]!.waitMs).toBeGreaterThan(900);
    expect(events.of("shed")).toHaveLength(1);
    await expect.poll(() => events.of("waiting-ended"), { timeout: 3_000 }).toHaveLength(1);
    expect(events.of("waiting-ended")[0]!.durationMs).toBeLessThan(1_500);
    await close();
  });
});

test("a Sequelize with replicas has two pools", async () => {
  const { hostname, port, username, password, pathname } = new URL(target.url);
  const at = { host: hostname, port, username, password, database: pathname.slice(1) };
  const sequelize = new Sequelize("x", "", "", {
    dialect: "postgres",
    logging: false,
    replication: { write: at, read: [at] },
  });
  const watch = watchPool(sequelize);
  await sequelize.query("select 1", { type: "SELECT" });
  expect(watch.pools.map((pool) => [pool.name, pool.report().acquired])).toEqual([
    ["sequelize:write", 0],
    ["sequelize:read", 1],
  ]);
  watch.close();
  await sequelize.close();
});

describe("Database: first come, first served", () => {
  const inOrder = async (db: Database, count: number, done: number[], failed: unknown[] = []) =>
    Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const signal = n % 7 === 3 ? AbortSignal.timeout(20 + n) : undefined;
        const timeoutMs = n % 7 === 5 ? 30 + n : 20_000;
        try {
          await db.transaction(
            async (tx) => {
              done.push(n);
              await tx.query(sql`select pg_sleep(0.002)`);
            },
            { ...(signal === undefined ? {} : { signal }), timeoutMs },
          );
        } catch (error) {
          failed.push(error);
        }
      }),
    );

  test("with time-outs and aborts among them, and connections that break", async () => {
    const db = createDatabase({ url: target.url, pool: { min: 0, max: 3 } });
    const breaking = setInterval(() => {
      const [client] = (db.pool as unknown as { _clients: { processID: number }[] })._clients;
      if (client?.processID)
        void direct.query(sql`select pg_terminate_backend(${client.processID})`);
    }, 25);
    const direct = createDatabase({ url: target.url, pool: { min: 0, max: 1 } });
    const done: number[] = [];
    await inOrder(db, 300, done);
    clearInterval(breaking);
    const overtaken = done.filter((n, index) => index > 0 && n < done[index - 1]!);
    // Work whose connection broke before BEGIN was answered asks again, behind the others.
    expect(overtaken.length).toBeLessThanOrEqual(30);
    expect(done.length).toBeGreaterThan(150);
    await db.drain();
    await direct.drain();
  });

  test.each([
    ["while connecting fails and is repeated", 1_000],
    ["behind a breaker that opens", 5],
  ])("%s", async (_name, breakerFailures) => {
    const proxy = await faultyProxy({ port: Number(new URL(target.url).port) });
    const url = new URL(target.url);
    url.port = `${proxy.port}`;
    const db = createDatabase({
      url: url.href,
      // With more than one, the answers to BEGIN would overtake each other.
      pool: { min: 0, max: 1, acquireTimeoutMs: 5_000 },
      retry: {
        connectRetries: 20,
        delayMs: 10,
        delayMaxMs: 60,
        breakerFailures,
        breakerOpenMs: 50,
      },
    });
    proxy.mode("refuse");
    const done: number[] = [];
    const failed: unknown[] = [];
    const work = inOrder(db, 40, done, failed);
    await sleep(150);
    proxy.mode("pass");
    await work;
    await inOrder(db, 40, done, failed);
    expect(done.length + failed.length).toBeGreaterThanOrEqual(80);
    expect(done.length).toBeGreaterThan(20);
    const second = done.lastIndexOf(0);
    for (const part of [done.slice(0, second), done.slice(second)])
      expect(part).toEqual([...part].sort((a, b) => a - b));
    await db.drain();
    await proxy.close();
  });

  test("beside an ORM on its pool, each gets its turn", async () => {
    const db = createDatabase({ url: target.url, pool: { min: 0, max: 1 } });
    const turns: string[] = [];
    await db.query(sql`select 1`);
    const own = (n: number) => db.transaction(async () => void turns.push(`own ${n}`));
    const orm = async (n: number) => {
      const client = await db.pool.connect();
      turns.push(`orm ${n}`);
      client.release();
    };
    await Promise.all([own(1), orm(1), own(2), orm(2), orm(3), own(3)]);
    expect(turns).toEqual(["own 1", "orm 1", "own 2", "orm 2", "orm 3", "own 3"]);
    expect(db.poolWatch!.report()).toMatchObject({ acquired: 7, active: 0, waiting: 0 });
    await db.drain();
  });
});
