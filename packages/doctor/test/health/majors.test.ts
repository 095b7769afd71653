import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
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

const SCRIPT = fileURLToPath(new URL("../../sql/health.sql", import.meta.url));
const run = promisify(execFile);

/** What psql says is wrong; undefined where there is no psql. */
async function complaintsOfPsql(url: string): Promise<string | undefined> {
  try {
    return (await run("psql", ["-X", "-f", SCRIPT, url])).stderr;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

for (const major of [14, 15, 16, 17, 18] as const)
  test(`every check and the script for psql run on PostgreSQL ${major}`, {
    timeout: 120_000,
  }, async (context) => {
    const server = await startPostgresOf(major);
    if ("unavailable" in server) return context.skip(server.unavailable);
    await using _server = server;
    await using target = await openTarget(connectionFrom(server.url, {}));
    const before = await readCounters(target);
    const health = await checkHealth(target, { before });
    expect(health.coverage).toEqual({ part: "health", share: 1, missing: [] });
    expect(health.findings.map((finding) => finding.subject).sort()).toEqual(FOUND_ON_A_NEW_SERVER);
    expect(health.figures.connections?.usable).toBe(197);
    expect((await complaintsOfPsql(server.url)) ?? "").toBe("");
  });
