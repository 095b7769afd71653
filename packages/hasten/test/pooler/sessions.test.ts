/** The watch over sessions, with and without a way past the pooler. */
import { watchSessions } from "hasten/postgres";
import { type PgBouncerServer, startPgBouncer } from "hasten-tools/pgbouncer";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterAll, beforeAll, expect, test } from "vitest";

let database: TestDatabase;
let bouncer: PgBouncerServer;
beforeAll(async () => {
  database = await freshDatabase();
  bouncer = await startPgBouncer({ to: database.url });
});
afterAll(async () => {
  await bouncer?.stop();
  await database?.drop();
});

test("a watch that goes through the pooler says what it cannot do; past it nothing is missing", async () => {
  await using through = watchSessions({ url: bouncer.url });
  const pooled = await through.look();
  expect(pooled.state).toBe("seeing");
  expect(pooled.limits).toEqual([expect.stringMatching(/^A pooler is in between: .*directUrl/)]);
  await using past = watchSessions({ url: bouncer.url, directUrl: database.url });
  expect((await past.look()).limits).toEqual([]);
});
