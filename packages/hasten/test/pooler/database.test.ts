import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createDatabase,
  type DatabaseOptions,
  migrate,
  type PoolEvent,
  sql,
} from "hasten/postgres";
import { type PgBouncerServer, startPgBouncer } from "hasten-tools/pgbouncer";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";

let bouncer: PgBouncerServer;
let database: TestDatabase;

beforeAll(async () => {
  bouncer = await startPgBouncer({ to: inject("postgresUrl"), poolSize: 2 });
  database = await freshDatabase();
});
afterAll(async () => {
  await bouncer?.stop();
  await database?.drop();
});

const open = (options: Partial<DatabaseOptions> = {}) =>
  createDatabase({
    url: bouncer.through(database.url),
    pool: { min: 0, max: 8 },
    healthEveryMs: 0,
    ...options,
  });

/** Another client that runs one statement after the other on a direct connection. */
async function direct() {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

describe("what stands in between", () => {
  test("nothing: the limits go with the start-up packet, as ever", async () => {
    await using db = open({ url: database.url });
    expect(db.stats().pooler.kind).toBe("unknown");
    const [row] = await db.query<{ at: string }>(
      sql`select current_setting('statement_timeout') as at`,
    );
    expect(row?.at).toBe("30s");
    expect(db.stats().pooler).toEqual({
      kind: "none",
      because: "the process that signed in is the one that answers",
      keepsNames: true,
      limits: "start-up",
    });
  });

  test("a refused start-up packet is sent again without the limits, and said once", async () => {
    const told: unknown[] = [];
    const listen = (event: unknown): void => {
      if ((event as PoolEvent).kind === "pooler") told.push((event as PoolEvent).because);
    };
    subscribe("hasten:postgres:pool", listen);
    try {
      // No attempt beyond the first: what is told apart is no failure.
      await using db = open({ retry: { connectRetries: 0, breakerFailures: 1 } });
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => db.query<{ n: number }>(sql`select 1 as n`)),
      );
      expect(answers.flat()).toEqual(Array.from({ length: 5 }, () => ({ n: 1 })));
      const { kind, limits, keepsNames, because } = db.stats().pooler;
      expect({ kind, limits, keepsNames }).toEqual({
        kind: "transaction",
        limits: "transaction",
        keepsNames: false,
      });
      expect(because).toContain("refused");
      expect(told).toEqual([because]);
    } finally {
      unsubscribe("hasten:postgres:pool", listen);
    }
  });

  test("an ORM on db.pool meets no refusal either, by promise or by callback", async () => {
    await using db = open();
    expect((await db.pool.query("select 2 as n")).rows).toEqual([{ n: 2 }]);
    await using other = open();
    const rows = await new Promise((resolve, reject) => {
      other.pool.query("select 3 as n", (error: Error | undefined, result) =>
        error ? reject(error) : resolve(result.rows),
      );
    });
    expect(rows).toEqual([{ n: 3 }]);
  });

  test("one that drops the limits silently is found by the process number", async () => {
    await using silent = await startPgBouncer({
      to: inject("postgresUrl"),
      ignoreStartupParameters: ["statement_timeout", "idle_in_transaction_session_timeout"],
    });
    await using db = open({ url: silent.through(database.url) });
    await db.query(sql`select 1`);
    expect(db.stats().pooler).toMatchObject({ kind: "transaction", limits: "transaction" });
    expect(db.stats().pooler.because).toContain("another process");
  });

  test("the admin console tells its mode; in session mode the limits are the session's", async () => {
    await using sessions = await startPgBouncer({
      to: inject("postgresUrl"),
      poolMode: "session",
    });
    const url = sessions.through(database.url);
    await using db = open({ url, pooler: { adminUrl: sessions.adminUrl } });
    const [row] = await db.query<{ at: string }>(
      sql`select current_setting('statement_timeout') as at`,
    );
    expect(row?.at).toBe("30s");
    expect(db.stats().pooler).toEqual({
      kind: "session",
      because: "its admin console says so",
      keepsNames: true,
      limits: "session",
    });
    // A session of its own is had: nothing is refused.
    await db.execute(sql`create table if not exists kept (id int)`);
    await db.indexes.ensure({ table: "kept", columns: ["id"] });
  });

  test("a console that cannot be asked changes nothing: the least is taken for safe", async () => {
    const adminUrl = "postgres://nobody:wrong@127.0.0.1:1/pgbouncer";
    await using db = open({ pooler: { adminUrl } });
    await db.query(sql`select 1`);
    expect(db.stats().pooler).toMatchObject({ kind: "transaction", keepsNames: false });
  });

  test("start-up options of the URL that it refuses are an error by name", async () => {
    const url = new URL(bouncer.through(database.url));
    url.searchParams.set("options", "-c search_path=elsewhere");
    await using db = open({ url: url.href });
    await expect(db.query(sql`select 1`)).rejects.toMatchObject({ code: "HST_PG_POOLER" });
  });
});

describe("only what is safe there is used", () => {
  /** Many at once on two server connections: whoever relies on a session meets another one. */
  const busy = <T>(work: (index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: 40 }, (_, index) => work(index)));

  test("names of prepared statements are not sent, by hasten or by an ORM", async () => {
    await using db = open();
    const rows = await busy((index) =>
      index % 2 === 0
        ? db.queryOne<{ n: number }>(sql`select ${index}::int as n`, { name: "one_row" })
        : db.pool
            .query({ name: "orms", text: "select $1::int as n", values: [index] })
            .then((result) => result.rows[0] as { n: number }),
    );
    expect(rows.map((row) => row?.n)).toEqual(Array.from({ length: 40 }, (_, index) => index));
    await db.execute(sql`create table many_rows (id int)`);
    const { rowCount } = await db.executeMany(
      Array.from({ length: 250 }, (_, index) => index),
      (id) => sql`insert into many_rows values (${id})`,
    );
    expect(rowCount).toBe(250);
    await using outside = await direct();
    const { rows: names } = await outside.query("select name from pg_prepared_statements");
    expect(names).toEqual([]);
  });

  test("the mutant: names kept on fail as soon as a statement meets another session", async () => {
    await using db = open({ pooler: { mode: "transaction", keepsNames: true } });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, () => db.query(sql`select ${1}::int`, { name: "kept" })),
    );
    expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);
  });

  test("transactions carry their limits, and leave nothing on the session", async () => {
    await using db = open({ statementTimeoutMs: 5_000, idleInTransactionTimeoutMs: 7_000 });
    const shown = sql`select current_setting('statement_timeout') as statement,
      current_setting('idle_in_transaction_session_timeout') as idle`;
    await db.query(sql`select 1`);
    const inside = await busy(() => db.transaction((tx) => tx.queryOne(shown)));
    expect(new Set(inside.map((row) => JSON.stringify(row)))).toEqual(
      new Set(['{"statement":"5s","idle":"7s"}']),
    );
    expect(await db.transaction((tx) => tx.queryOne(shown), { statementTimeoutMs: 1_500 })).toEqual(
      { statement: "1500ms", idle: "7s" },
    );
    expect(await busy(() => db.queryOne(shown))).toEqual(
      Array.from({ length: 40 }, () => ({ statement: "0", idle: "0" })),
    );
    await expect(
      db.transaction((tx) => tx.query(sql`select pg_sleep(5)`), { statementTimeoutMs: 200 }),
    ).rejects.toMatchObject({ code: "HST_PG_TIMEOUT" });
  });

  test("the isolation level and read only hold behind it", async () => {
    await using db = open();
    await db.query(sql`select 1`);
    const level = await db.transaction(
      (tx) => tx.queryOne(sql`select current_setting('transaction_isolation') as level`),
      { isolation: "serializable", readOnly: true },
    );
    expect(level).toEqual({ level: "serializable" });
  });

  test("a single statement ends at statementTimeoutMs, whatever the call allows", async () => {
    await using db = open({ statementTimeoutMs: 300 });
    await db.query(sql`select 1`);
    const startedMs = performance.now();
    await expect(db.query(sql`select pg_sleep(20)`, { timeoutMs: 15_000 })).rejects.toMatchObject({
      code: "HST_PG_TIMEOUT",
    });
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    // The server was told: nothing runs on.
    await using outside = await direct();
    const running = async () =>
      (
        await outside.query(
          "select 1 from pg_stat_activity where query like '%pg_sleep(20)%' and state = 'active' and pid <> pg_backend_pid()",
        )
      ).rowCount;
    await expect.poll(running, { timeout: 3_000 }).toBe(0);
  });

  test("what needs a session is refused by name, and led around it with directUrl", async () => {
    await using refusing = open();
    await refusing.execute(sql`create table indexed (id int, name text)`);
    await expect(
      refusing.indexes.ensure({ table: "indexed", columns: ["name"] }),
    ).rejects.toMatchObject({ code: "HST_PG_POOLER" });
    await using db = open({ directUrl: database.url });
    await db.indexes.ensure({ table: "indexed", columns: ["name"] });

    const directory = await mkdtemp(join(tmpdir(), "hasten-pooler-"));
    try {
      await writeFile(join(directory, "0001-one.sql"), "create table migrated (id int);\n");
      const url = bouncer.through(database.url);
      await expect(migrate({ url, directory })).rejects.toMatchObject({ code: "HST_PG_POOLER" });
      expect(await migrate({ url, directUrl: database.url, directory })).toMatchObject({
        version: 1,
      });
    } finally {
      await rm(directory, { recursive: true });
    }
    await using outside = await direct();
    const locks = await outside.query("select 1 from pg_locks where locktype = 'advisory'");
    expect(locks.rowCount).toBe(0);
  });
});

test("a cancel reaches the statement that it is for, and never another client's", async () => {
  const cancels = 1_000;
  await using db = open({ pool: { min: 0, max: 30 }, cancelTimeoutMs: 10_000 });
  await using others = open({ pool: { min: 0, max: 10 } });
  await db.query(sql`select 1`);
  let hit = 0;
  let done = 0;
  let over = false;
  // Other clients on the same two server connections, whose statements must all end well.
  const innocent = Array.from({ length: 10 }, async () => {
    while (!over) {
      await others.query(sql`select pg_sleep(0.002)`).then(
        () => done++,
        () => hit++,
      );
    }
  });
  let aborted = 0;
  const racing = Array.from({ length: 20 }, async (_, lane) => {
    for (let round = 0; round < cancels / 20; round++) {
      const signal = AbortSignal.timeout((lane + round) % 8);
      await db.query(sql`select pg_sleep(0.004)`, { signal }).catch(() => aborted++);
    }
  });
  await Promise.all(racing);
  over = true;
  await Promise.all(innocent);
  expect({ hit, someDone: done > 0, someAborted: aborted > 0 }).toEqual({
    hit: 0,
    someDone: true,
    someAborted: true,
  });
}, 120_000);

test("a pooler that stops answering is a time-out, and is found again", async () => {
  await using own = await startPgBouncer({ to: inject("postgresUrl") });
  await using db = open({
    url: own.through(database.url),
    pool: { min: 0, max: 2, acquireTimeoutMs: 500, connectTimeoutMs: 300 },
    cancelTimeoutMs: 200,
  });
  await db.query(sql`select 1`);
  own.pause();
  await expect(db.query(sql`select 1`, { timeoutMs: 300 })).rejects.toMatchObject({
    code: "HST_PG_TIMEOUT",
  });
  own.resume();
  const isBack = () =>
    db.query(sql`select 1 as n`).then(
      (rows) => rows.length,
      () => 0,
    );
  await expect.poll(isBack, { timeout: 5_000 }).toBe(1);
});
