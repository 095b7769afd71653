/**
 * The API's own suite once more, its database behind a real PgBouncer in transaction mode with four server
 * connections for each database, passwords by SCRAM: every file of `test/api` but outage.test.ts, which puts
 * a proxy of its own in between. Beside it only the change stream and what needs a session go directly.
 */
import { startPgBouncer } from "hasten-tools/pgbouncer";
import { afterAll, expect, inject, test } from "vitest";
import { pooler } from "../api/fixture.ts";

const bouncer = await startPgBouncer({ to: inject("postgresUrl"), poolSize: 4 });
pooler.through = bouncer.through;
afterAll(async () => {
  pooler.through = undefined;
  await bouncer.stop();
});

const FILES = [
  ...["bad-input", "caching", "calculation", "coherence", "indexes", "login", "model", "openapi"],
  ...["paging", "resources", "warming"],
];
for (const name of FILES) await import(`../api/${name}.test.ts`);

test("all of it went through PgBouncer", async () => {
  const traffic = await bouncer.admin("SHOW STATS_TOTALS");
  const queries = traffic.reduce((sum, row) => sum + Number(row["query_count"] ?? 0), 0);
  expect(queries).toBeGreaterThan(1_000);
});
