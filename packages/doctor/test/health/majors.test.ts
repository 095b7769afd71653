import { startPostgresOf } from "hasten-tools/postgres-versions";
import { expect, test } from "vitest";
import { checkHealth } from "../../src/health/check.ts";
import { readCounters } from "../../src/health/counters.ts";
import { connectionFrom } from "../../src/target/connection.ts";
import { openTarget } from "../../src/target/open.ts";

/** What tests' servers are started without, and PostgreSQL's own defaults. */
const FOUND_ON_A_NEW_SERVER = [
  "fsync",
  "full_page_writes",
  "idle_in_transaction_session_timeout",
  "pg_stat_statements",
  "statement_timeout",
  "track_io_timing",
];

for (const major of [14, 15, 16, 17, 18] as const)
  test(`every check runs on PostgreSQL ${major}`, { timeout: 120_000 }, async (context) => {
    const server = await startPostgresOf(major);
    if ("unavailable" in server) return context.skip(server.unavailable);
    await using _server = server;
    await using target = await openTarget(connectionFrom(server.url, {}));
    const before = await readCounters(target);
    const health = await checkHealth(target, { before });
    expect(health.coverage).toEqual({ part: "health", share: 1, missing: [] });
    expect(health.findings.map((finding) => finding.subject).sort()).toEqual(FOUND_ON_A_NEW_SERVER);
    expect(health.figures.connections?.usable).toBe(197);
  });
