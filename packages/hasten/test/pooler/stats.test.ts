import {
  createDatabase,
  type PgBouncerEvent,
  pgbouncerStats,
  sql,
  watchPgBouncer,
} from "hasten/postgres";
import { type PgBouncerServer, startPgBouncer } from "hasten-tools/pgbouncer";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, inject, test } from "vitest";

let bouncer: PgBouncerServer;
let database: TestDatabase;

beforeAll(async () => {
  bouncer = await startPgBouncer({ to: inject("postgresUrl"), poolSize: 2, maxClientConn: 321 });
  database = await freshDatabase();
});
afterAll(async () => {
  await bouncer?.stop();
  await database?.drop();
});

test("its pools, traffic and settings, in milliseconds, and what follows from them", async () => {
  const before = await pgbouncerStats({ adminUrl: bouncer.adminUrl });
  expect(before.version).toMatch(/^\d+\.\d+/);
  expect(before.config).toMatchObject({ poolMode: "transaction", poolSize: 2, clientsMax: 321 });
  await using db = createDatabase({
    url: bouncer.through(database.url),
    pool: { min: 0, max: 8 },
    healthEveryMs: 0,
  });
  // Eight clients on two servers, 100 ms each: six of them wait, the last 300 ms.
  const work = Promise.all(Array.from({ length: 8 }, () => db.query(sql`select pg_sleep(0.1)`)));
  const alerts: PgBouncerEvent[] = [];
  const watch = watchPgBouncer({
    adminUrl: bouncer.adminUrl,
    everyMs: 100,
    onEvent: (alert) => alerts.push(alert),
  });
  await expect.poll(() => watch.check().then((it) => it?.totals.waitMaxMs ?? 0)).toBeGreaterThan(0);
  await work;
  await expect.poll(() => watch.check().then((it) => it?.totals.clientsWaiting)).toBe(0);
  watch.close();
  expect(alerts.map(({ kind }) => kind)).toEqual(["waiting", "calm"]);
  expect(alerts[0]?.totals?.clientsWaiting).toBeGreaterThan(0);

  const after = await pgbouncerStats({ adminUrl: bouncer.adminUrl, since: before });
  const mine = after.traffic.find((row) => row.database === database.name)!;
  expect(mine.transactions).toBeGreaterThanOrEqual(8);
  // Eight times 100 ms, in microseconds there.
  expect(mine.transactionMs).toBeGreaterThan(780);
  expect(mine.transactionMs).toBeLessThan(5_000);
  expect(mine.waitMs).toBeGreaterThan(500);
  expect(after.totals.efficiency).toBeCloseTo(
    mine.transactionMs / (mine.transactionMs + mine.waitMs),
    1,
  );
  expect(after.totals.servers).toBeLessThanOrEqual(2);
  expect(after.totals.clientsPerServer).toBeGreaterThan(1);
  expect(after.lists["used_clients"]).toBeGreaterThan(0);
});

test("a console that cannot be asked is an error by name, without the password; the watch tells it once", async () => {
  const wrong = new URL(bouncer.adminUrl);
  wrong.password = "s3cret-word";
  const failed = pgbouncerStats({ adminUrl: wrong.href });
  await expect(failed).rejects.toMatchObject({ code: "HST_PG_POOLER" });
  await expect(failed).rejects.not.toThrow(/s3cret/);
  const kinds: string[] = [];
  const watch = watchPgBouncer({ adminUrl: wrong.href, onEvent: ({ kind }) => kinds.push(kind) });
  expect(await watch.check()).toBeUndefined();
  expect(await watch.check()).toBeUndefined();
  watch.close();
  expect(kinds).toEqual(["unreachable"]);
  expect(() => watchPgBouncer({ adminUrl: wrong.href, everyMs: 1 })).toThrow(/everyMs/);
});
