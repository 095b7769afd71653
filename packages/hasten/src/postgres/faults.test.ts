/** What happens when the network or the server fails, by a proxy that fails on command. */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "hasten-tools/postgres";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FaultyProxy, faultyProxy } from "../testing/index.ts";
import {
  createDatabase,
  type Database,
  type DatabaseOptions,
  isUnavailable,
  sql,
} from "./index.ts";

let target: TestDatabase;
let direct: Database;
beforeAll(async () => {
  target = await freshDatabase();
  direct = createDatabase({ url: target.url, pool: { min: 0, max: 4 } });
  await direct.execute(sql`create table note (id int primary key)`);
});
afterAll(async () => {
  await direct?.drain();
  await target?.drop();
});

interface Through extends AsyncDisposable {
  readonly proxy: FaultyProxy;
  readonly db: Database;
}
async function through(options: DatabaseOptions = {}): Promise<Through> {
  const proxy = await faultyProxy({ port: Number(new URL(target.url).port) });
  const url = new URL(target.url);
  url.port = String(proxy.port);
  const db = createDatabase({
    url: url.href,
    ...options,
    pool: { min: 0, max: 2, ...options.pool },
    retry: { delayMs: 5, delayMaxMs: 20, breakerOpenMs: 100, ...options.retry },
  });
  return {
    proxy,
    db,
    async [Symbol.asyncDispose]() {
      await db.drain();
      await proxy.close();
    },
  };
}

const failure = (promise: Promise<unknown>): Promise<Error & { code?: string }> =>
  promise.then(
    () => expect.fail("it did not fail"),
    (error: Error) => error,
  );
const count = async (id: number): Promise<number> =>
  (await direct.queryOne<{ n: number }>(sql`select count(*)::int as n from note where id = ${id}`))!
    .n;

describe("a connection that dies after a statement was sent", () => {
  test("makes a write's outcome unknown, and the write is not sent again", async () => {
    await using t = await through();
    await t.db.query(sql`select 1`);
    const cut = t.proxy.cut({ when: "request", holding: "insert into note", swallowAnswer: true });
    const error = await failure(t.db.execute(sql`insert into note values (${1})`));
    await cut;
    expect(error.code).toBe("HST_PG_OUTCOME_UNKNOWN");
    expect(isUnavailable(error)).toBe(true);
    expect(await count(1)).toBe(1);
    expect(t.proxy.accepted).toBe(1);
  });

  test("is outcome unknown also where the server never got it", async () => {
    await using t = await through();
    await t.db.query(sql`select 1`);
    void t.proxy.cut({ when: "request", holding: "insert into note", deliver: false });
    const error = await failure(t.db.execute(sql`insert into note values (${2})`));
    expect(error.code).toBe("HST_PG_OUTCOME_UNKNOWN");
    expect(await count(2)).toBe(0);
  });

  test("is met by another attempt when the statement is idempotent, within bounds", async () => {
    await using t = await through({ retry: { idempotentRetries: 2 } });
    const rule = { when: "request", holding: "probe", swallowAnswer: true } as const;
    const statement = sql`select 'probe' as word`;
    void t.proxy.cut(rule);
    void t.proxy.cut(rule);
    expect(await t.db.query(statement, { idempotent: true })).toEqual([{ word: "probe" }]);
    for (let n = 0; n < 3; n++) void t.proxy.cut(rule);
    const error = await failure(t.db.query(statement, { idempotent: true }));
    expect(error.code).toBe("HST_PG_OUTCOME_UNKNOWN");
    expect(t.proxy.accepted).toBe(5);
  });
});

describe("a transaction whose connection dies", () => {
  test("is rolled back, and says so, before COMMIT was sent", async () => {
    await using t = await through();
    const error = await failure(
      t.db.transaction(async (tx) => {
        await tx.execute(sql`insert into note values (${10})`);
        t.proxy.cutAll();
        await tx.execute(sql`insert into note values (${11})`);
      }),
    );
    expect(error.code).toBe("HST_PG_UNAVAILABLE");
    expect(error.message).toContain("rolled back");
    expect(await count(10)).toBe(0);
  });

  test("has an unknown outcome when COMMIT's answer is lost; it is committed once and never retried", async () => {
    await using t = await through();
    let runs = 0;
    let hooks = 0;
    const cut = t.proxy.cut({ when: "request", holding: "commit", swallowAnswer: true });
    const error = await failure(
      t.db.transaction(
        async (tx) => {
          runs++;
          tx.onCommit(() => hooks++);
          await tx.execute(sql`insert into note values (${12})`);
        },
        { retries: 5 },
      ),
    );
    await cut;
    expect(error.code).toBe("HST_PG_OUTCOME_UNKNOWN");
    expect(await count(12)).toBe(1);
    expect([runs, hooks]).toEqual([1, 0]);
  });

  test("also when COMMIT never arrives: then nothing was written", async () => {
    await using t = await through();
    void t.proxy.cut({ when: "request", holding: "commit", deliver: false });
    const error = await failure(
      t.db.transaction((tx) => tx.execute(sql`insert into note values (${13})`)),
    );
    expect(error.code).toBe("HST_PG_OUTCOME_UNKNOWN");
    expect(await count(13)).toBe(0);
  });

  test("takes another connection when it dies at BEGIN, which did nothing", async () => {
    await using t = await through();
    await t.db.query(sql`select 1`);
    void t.proxy.cut({ when: "request", holding: "begin", deliver: false });
    await t.db.transaction((tx) => tx.execute(sql`insert into note values (${14})`));
    expect(await count(14)).toBe(1);
  });
});

describe("establishing a connection", () => {
  test("is retried with back-off until it works", async () => {
    await using t = await through({ retry: { connectRetries: 20, breakerFailures: 100 } });
    t.proxy.mode("refuse");
    const answer = t.db.query(sql`select 1 as n`);
    await expect.poll(() => t.proxy.accepted).toBeGreaterThan(2);
    t.proxy.mode("pass");
    expect(await answer).toEqual([{ n: 1 }]);
  });

  test("fails within its bounds, then fast by the breaker, and recovers by itself", async () => {
    await using t = await through({ retry: { connectRetries: 2, breakerFailures: 3 } });
    t.proxy.mode("refuse");
    const error = await failure(t.db.query(sql`select 1`));
    expect(error.code).toBe("HST_PG_UNAVAILABLE");
    expect(isUnavailable(error)).toBe(true);
    expect(t.db.stats().pool.breaker).toBe("open");
    const before = t.proxy.accepted;
    await Promise.all(Array.from({ length: 50 }, () => failure(t.db.query(sql`select 1`))));
    expect(t.proxy.accepted - before).toBeLessThanOrEqual(3);
    t.proxy.mode("pass");
    await expect
      .poll(() => t.db.query(sql`select 1 as n`).catch(() => "down"), { timeout: 2_000 })
      .toEqual([{ n: 1 }]);
    expect(t.db.stats().pool.breaker).toBe("closed");
  });

  test("is not retried for a wrong password or an unknown database, and does not open the breaker", async () => {
    const url = new URL(target.url);
    url.pathname = "/no_such_database";
    await using db = createDatabase({
      url: url.href,
      pool: { min: 0 },
      retry: { breakerFailures: 1 },
    });
    const error = await failure(db.query(sql`select 1`));
    expect(error).toMatchObject({ code: "HST_PG_UNAVAILABLE", sqlstate: "3D000" });
    expect(db.stats().pool.breaker).toBe("closed");
  });

  test("gives up on a server that accepts and says nothing", async () => {
    await using t = await through({
      pool: { connectTimeoutMs: 100, acquireTimeoutMs: 500 },
      retry: { connectRetries: 1 },
    });
    t.proxy.mode("black-hole");
    const startedMs = performance.now();
    const error = await failure(t.db.query(sql`select 1`));
    expect(isUnavailable(error)).toBe(true);
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    expect(t.db.stats().pool.total).toBe(0);
  });
});

test("a connection that swallows everything ends by the call's time-out and is replaced", async () => {
  await using t = await through({ cancelTimeoutMs: 100 });
  await t.db.query(sql`select 1`);
  t.proxy.mode("black-hole");
  const error = await failure(t.db.query(sql`select 1`, { timeoutMs: 100 }));
  expect(error.code).toBe("HST_PG_TIMEOUT");
  t.proxy.mode("pass");
  await expect.poll(() => t.db.stats().pool.total).toBe(0);
  expect(await t.db.query(sql`select 2 as n`)).toEqual([{ n: 2 }]);
});

test("drain ends within its bound on connections that swallow everything", async () => {
  const t = await through({ cancelTimeoutMs: 100, drainTimeoutMs: 100 });
  await Promise.all([t.db.query(sql`select 1`), t.db.query(sql`select 2`)]);
  t.proxy.mode("black-hole");
  const stuck = failure(t.db.query(sql`select 3`));
  const startedMs = performance.now();
  await t.db.drain();
  expect(performance.now() - startedMs).toBeLessThan(2_500);
  expect((await stuck).code).toBe("HST_PG_CLOSED");
  await t.proxy.close();
});

test("a server that stops and comes back is found again, without a restart of this process", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "hasten-restart-"));
  await chmod(dataDir, 0o755);
  let server = await startPostgres({ dataDir });
  const { port } = server;
  await using db = createDatabase({
    url: server.url,
    pool: { min: 2, max: 4 },
    healthEveryMs: 100,
    retry: { connectRetries: 1, delayMs: 5, delayMaxMs: 20, breakerOpenMs: 50 },
  });
  try {
    expect(await db.query(sql`select 1 as n`)).toEqual([{ n: 1 }]);
    await server.stop();
    await expect.poll(() => db.lastHealth).toMatchObject({ kind: "unhealthy", unreachable: true });
    expect(isUnavailable(await failure(db.query(sql`select 1`)))).toBe(true);
    server = await startPostgres({ dataDir, port });
    await expect.poll(() => db.lastHealth, { timeout: 5_000 }).toMatchObject({ kind: "healthy" });
    expect(await db.query(sql`select 2 as n`)).toEqual([{ n: 2 }]);
    await expect.poll(() => db.stats().pool.total).toBeGreaterThanOrEqual(2);
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
});
