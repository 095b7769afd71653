import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startPostgresOf } from "hasten-tools/postgres-versions";
import pg from "pg";
import { expect, test } from "vitest";
import { checkHealth } from "../../src/health/check.ts";
import { readCounters } from "../../src/health/counters.ts";
import { connectionFrom } from "../../src/target/connection.ts";
import { openTarget } from "../../src/target/open.ts";
import { FLAGS, seedSchema } from "./faults.ts";

/** What tests' servers are started without, and PostgreSQL's own defaults. */
const FOUND_ON_A_NEW_SERVER = [
  "autovacuum",
  "fsync",
  "full_page_writes",
  "idle_in_transaction_session_timeout",
  "pg_stat_statements",
  "statement_timeout",
  "track_io_timing",
];

/** Faults that lie in the schema and the files, and so need no waiting for counters. */
const STATIC = [
  "duplicate-index public.orders_placed_again",
  "foreign-key-index public.orders (customer)",
  "index-bloat public.swollen_pkey",
  'invalid-index public."odd ""doubled"""',
  "invalid-constraint public.prices prices_positive",
  "invalid-constraint public.refunds refunds_customer",
  "prefix-index public.orders_placed",
  "replication-slot slot lost_slot",
  "sequence-exhaustion public.rooms_id_seq",
  "sequence-exhaustion public.tickets_id_seq",
  "settings autovacuum",
  "autovacuum-disabled public.unwatched",
  "table-bloat public.swollen",
  "table-bloat public.swollen_text",
  "unused-index public.orders_unused",
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

async function seed(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await seedSchema(client);
  await client.end();
}

for (const major of [14, 15, 16, 17, 18] as const)
  test(`every check and the script for psql work on PostgreSQL ${major}`, {
    timeout: 120_000,
  }, async (context) => {
    const flags = Object.entries(FLAGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const server = await startPostgresOf(major, { flags });
    if ("unavailable" in server) return context.skip(server.unavailable);
    await using _server = server;
    await using target = await openTarget(connectionFrom(server.url, {}));
    const before = await readCounters(target);
    const fresh = await checkHealth(target, { before });
    expect(fresh.coverage).toEqual({ part: "health", share: 1, missing: [] });
    expect(fresh.findings.map((finding) => finding.subject).sort()).toEqual(FOUND_ON_A_NEW_SERVER);
    expect(fresh.figures.connections?.usable).toBe(21);
    await seed(server.url);
    const thresholds = {
      unusedIndexBytesMin: 100_000,
      unusedIndexCountersMinMs: 0,
      tableBloatWarningBytes: 500_000,
      indexBloatBytes: 500_000,
    };
    const health = await checkHealth(target, { thresholds, before });
    const found = health.findings.map(({ id, subject }) => `${id.slice(7)} ${subject}`);
    expect(STATIC.filter((fault) => !found.includes(fault))).toEqual([]);
    expect(health.coverage.share).toBe(1);
    expect((await complaintsOfPsql(server.url)) ?? "").toBe("");
  });
