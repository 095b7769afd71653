/** What a trace has of a transaction whose limits go with BEGIN. */
import { createDatabase, sql } from "hasten/postgres";
import { type PgBouncerServer, startPgBouncer } from "hasten-tools/pgbouncer";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { inTrace, type QueryLog, Trace } from "../../src/core/trace/index.ts";

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

test.each([
  ["behind a pooler", () => bouncer.through(database.url)],
  ["without one", () => database.url],
])("%s BEGIN and COMMIT are recorded around the work", async (_name, url) => {
  await using db = createDatabase({ url: url(), healthEveryMs: 0 });
  await db.query(sql`select 1 as n`);
  const trace = new Trace();
  await inTrace(trace, () => db.transaction((tx) => tx.query(sql`select 2 as n`)));
  const log: QueryLog = trace.queries;
  expect(log.records.map((one) => [one.shape.kind, one.outcome, one.transaction])).toEqual([
    ["begin", "answered", 1],
    ["select", "answered", 1],
    ["commit", "answered", 1],
  ]);
  for (const one of log.records) {
    expect(one.sentMs).toBeGreaterThan(0);
    expect(one.bytes).toBeGreaterThan(0);
  }
  expect(log.transactions).toMatchObject([{ statements: 1, outcome: "committed" }]);
});
