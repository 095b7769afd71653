import { startPostgres } from "hasten-tools/postgres";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DoctorFinding } from "../../src/finding.ts";
import { checkHealth } from "../../src/health/check.ts";
import { readCounters } from "../../src/health/counters.ts";
import { scoreOf } from "../../src/health/score.ts";
import type { Thresholds } from "../../src/health/thresholds.ts";
import type { Counters, Health } from "../../src/health/types.ts";
import { connectionFrom } from "../../src/target/connection.ts";
import { openTarget } from "../../src/target/open.ts";
import type { Target } from "../../src/target/types.ts";
import { type Broken, breakServer, CANARY } from "./faults.ts";

/** Everything that takes hours or gigabytes to go wrong, within a test's reach. */
const SHORT: Partial<Thresholds> = {
  idleInTransactionWarningMs: 0,
  longRunningWarningMs: 0,
  blockedWarningMs: 0,
  preparedTransactionWarningMs: 0,
  unusedIndexBytesMin: 100_000,
  unusedIndexCountersMinMs: 0,
  tableBloatWarningBytes: 500_000,
  indexBloatBytes: 500_000,
  vacuumLagMs: 0,
  analyzeLagMs: 0,
  xminHolderMs: 0,
  slotInactiveMs: 0,
  tempWarningBytesPerSecond: 1,
  tempCriticalBytesPerSecond: 1e15,
  cachePagesMin: 1_000,
};
/** A server is as old as it is: only its share can be made to matter. */
const AGED: Partial<Thresholds> = { wraparoundWarningShare: 0, wraparoundCriticalShare: 0.5 };

let broken: Broken;
let before: Counters;

beforeAll(async () => {
  broken = await breakServer();
  await using target = await openedAt(broken.url);
  before = await readCounters(target);
  await broken.traffic();
}, 120_000);
afterAll(() => broken?.[Symbol.asyncDispose]());

const openedAt = (url: string): Promise<Target> => openTarget(connectionFrom(url, {}));

async function healthAt(url: string, thresholds: Partial<Thresholds> = { ...SHORT, ...AGED }) {
  await using target = await openedAt(url);
  return await checkHealth(target, { thresholds, before });
}

/** id, severity and what names the culprit. */
type Fault = readonly [
  id: string,
  severity: string,
  subject: RegExp | ((pid: typeof pids) => RegExp),
];
const pids = (name: string): number => broken.pids[name]!;
const sessionAt =
  (name: string): ((pid: typeof pids) => RegExp) =>
  (pid) =>
    new RegExp(`^(s|S)ession ${pid(name)}\\b`);

const FAULTS: readonly Fault[] = [
  ["connections", "warning|critical", /^max_connections$/],
  ["idle-in-transaction", "warning", sessionAt("idle")],
  ["idle-in-transaction", "warning", sessionAt("failed")],
  ["long-running", "warning", sessionAt("slow")],
  ["blocking", "warning", sessionAt("root")],
  ["prepared-transaction", "warning", /^prepared transaction forgotten$/],
  ["deadlocks", "warning", /^transactions$/],
  ["rollbacks", "warning", /^transactions$/],
  ["cache-hit", "info|warning", /^shared_buffers$/],
  ["temp-files", "warning", /^work_mem$/],
  ["checkpoints", "warning", /^max_wal_size$/],
  ["unused-index", "warning", /^public\.orders_unused$/],
  ["duplicate-index", "warning", /^public\.orders_placed_again$/],
  ["prefix-index", "info", /^public\.orders_placed$/],
  ["invalid-index", "warning", /^public\."odd ""doubled"""$/],
  ["foreign-key-index", "warning", /^public\.orders \(customer\)$/],
  ["invalid-constraint", "info", /^public\.prices prices_positive$/],
  ["invalid-constraint", "info", /^public\.refunds refunds_customer$/],
  ["sequence-exhaustion", "critical", /^public\.tickets_id_seq$/],
  ["sequence-exhaustion", "warning", /^public\.rooms_id_seq$/],
  ["sequential-scans", "info", /^public\.raw_events$/],
  ["table-bloat", "warning", /^public\.swollen$/],
  ["table-bloat", "warning", /^public\.swollen_text$/],
  ["index-bloat", "warning", /^public\.swollen_pkey$/],
  ["dead-rows", "warning", /^public\.churned$/],
  ["analyze-lag", "warning", /^public\.drifted$/],
  ["analyze-lag", "warning", /^public\.raw_events$/],
  ["autovacuum-disabled", "warning", /^public\.unwatched$/],
  ["wraparound", "warning", /^database shop$/],
  ["xmin-holder", "warning", sessionAt("snapshot")],
  ["xmin-holder", "warning", /^prepared transaction forgotten$/],
  ["replication-slot", "warning", /^slot stuck_slot$/],
  ["replication-slot", "critical", /^slot lost_slot$/],
  ["archiver", "warning", /^archive_command$/],
  ["statements-evicted", "info", /^pg_stat_statements\.max$/],
  ["settings", "critical", /^autovacuum$/],
  ["settings", "critical", /^fsync$/],
  ["settings", "critical", /^full_page_writes$/],
  ["settings", "info", /^idle_in_transaction_session_timeout$/],
  ["settings", "info", /^statement_timeout$/],
  ["settings", "info", /^track_io_timing$/],
];

/** Faults that no finding names. */
function missed(health: Health, faults = FAULTS): readonly string[] {
  const has = ([id, severity, subject]: Fault): boolean => {
    const pattern = typeof subject === "function" ? subject(pids) : subject;
    return health.findings.some(
      (finding) =>
        finding.id === `health/${id}` &&
        severity.split("|").includes(finding.severity) &&
        pattern.test(finding.subject),
    );
  };
  return faults.filter((fault) => !has(fault)).map(([id, , subject]) => `${id} ${subject}`);
}

const found = (health: Health, id: string): readonly DoctorFinding[] =>
  health.findings.filter((finding) => finding.id === `health/${id}`);

describe("a server on which everything is wrong", () => {
  test("shows each fault to a superuser", async () => {
    const health = await healthAt(broken.url);
    expect(missed(health)).toEqual([]);
    expect(health.coverage).toEqual({ part: "health", share: 1, missing: [] });
  });

  test("shows the same to pg_monitor with pg_read_all_data", async () => {
    const health = await healthAt(broken.urlOf("reader"));
    expect(missed(health)).toEqual([]);
    expect(health.coverage.missing).toEqual([]);
  });

  test("shows pg_monitor all but what needs rights on the tables, and names that", async () => {
    const health = await healthAt(broken.urlOf("watcher"));
    expect(missed(health)).toEqual([
      "sequence-exhaustion /^public\\.tickets_id_seq$/",
      "sequence-exhaustion /^public\\.rooms_id_seq$/",
      "table-bloat /^public\\.swollen_text$/",
    ]);
    expect(health.coverage.share).toBeLessThan(1);
    expect(health.coverage.missing.map((line) => line.split(":")[0])).toEqual([
      "health/sequence-exhaustion",
      "health/table-bloat",
      "health/index-bloat",
    ]);
    for (const line of health.coverage.missing) expect(line).toMatch(/grant select on|grant/);
  });

  test("tells a role without rights what it cannot see, and takes no points for it", async () => {
    const health = await healthAt(broken.urlOf("nobody"));
    expect(health.coverage.share).toBeLessThan(0.85);
    const ids = health.coverage.missing.flatMap((line) => line.split(":")[0]?.split(", "));
    for (const id of ["connections", "idle-in-transaction", "long-running", "blocking"])
      expect(ids).toContain(`health/${id}`);
    expect(found(health, "connections")).toEqual([]);
    expect(missed(health)).not.toContain("settings /^fsync$/");
  });

  test("is named by what it is: root, depth, table, fix", async () => {
    const health = await healthAt(broken.url);
    const [chain] = found(health, "blocking");
    expect(found(health, "blocking")).toHaveLength(1);
    const value = (finding: DoctorFinding | undefined, label: string) =>
      finding?.evidence.find((item) => item.label === label)?.value;
    expect(value(chain, "Sessions that wait")).toBe(2);
    expect(value(chain, "Longest chain")).toBe(
      ["root", "middle", "last"].map((name) => pids(name)).join(" ← "),
    );
    expect(value(chain, "On")).toBe("public.accounts");
    const fixes = (id: string): readonly string[] =>
      found(health, id).flatMap(({ fix }) => (fix.kind === "sql" ? fix.statements : []));
    expect(fixes("invalid-index")).toEqual(['drop index concurrently public."odd ""doubled""";']);
    expect(fixes("foreign-key-index")).toEqual([
      "create index concurrently on public.orders (customer);",
    ]);
    expect(fixes("duplicate-index")).toEqual([
      "drop index concurrently public.orders_placed_again;",
    ]);
    expect(fixes("sequence-exhaustion").slice(0, 2)).toEqual([
      "alter table public.tickets alter column id type bigint;",
      "alter sequence public.tickets_id_seq as bigint maxvalue 9223372036854775807;",
    ]);
    expect(fixes("invalid-constraint")).toContain(
      "alter table public.prices validate constraint prices_positive;",
    );
  });

  test("never shows a literal of a session's statement", async () => {
    const health = await healthAt(broken.url);
    expect(found(health, "idle-in-transaction").length).toBeGreaterThan(2);
    expect(JSON.stringify(health)).toContain("pg_sleep");
    expect(JSON.stringify(health)).not.toContain(CANARY);
  });

  test("scores 40 at most, with every point accounted for", async () => {
    const health = await healthAt(broken.url);
    const score = scoreOf(health);
    expect(score.word).toBe("critical");
    expect(score.value).toBeLessThanOrEqual(40);
    const points = score.deductions.reduce((sum, each) => sum + each.points, 0);
    expect(score.value).toBe(100 - points);
  });

  test("lacks pg_stat_statements in another database, where the faults of this one are not told", async () => {
    const health = await healthAt(broken.bareUrl, SHORT);
    expect(found(health, "statement-statistics").map((finding) => finding.title)).toEqual([
      "pg_stat_statements is loaded, but not created in this database",
    ]);
    for (const id of ["blocking", "idle-in-transaction", "unused-index", "table-bloat"])
      expect(found(health, id)).toEqual([]);
  });

  test("had its counters reset in between: nothing is negative", async () => {
    await using target = await openedAt(broken.url);
    const later = { ...before, deadlocks: before.deadlocks + 1e6, atMs: before.atMs - 1 };
    const health = await checkHealth(target, { before: later });
    expect(JSON.stringify(health.findings)).not.toMatch(/"value":-/);
  });
});

const CLEAN_FLAGS = {
  fsync: "on",
  full_page_writes: "on",
  shared_preload_libraries: "pg_stat_statements",
  track_io_timing: "on",
  idle_in_transaction_session_timeout: "60s",
  statement_timeout: "30s",
};

test("nothing is found on a healthy database, however strict", { timeout: 60_000 }, async () => {
  await using server = await startPostgres({
    flags: Object.entries(CLEAN_FLAGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(`
    create extension pg_stat_statements;
    create table customers (id bigint generated always as identity primary key, email text not null unique);
    insert into customers (email) select 'c' || i from generate_series(1, 20000) i;
    create table orders (id bigint generated always as identity primary key,
      customer bigint not null references customers, placed timestamptz not null, note text, paid boolean not null default false);
    insert into orders (customer, placed, note) select 1 + i % 20000, now() - i * interval '1 minute', repeat('n', i % 50)
      from generate_series(1, 50000) i;
    create index orders_customer on orders (customer, placed desc);
    create index orders_placed on orders (placed);
    create index orders_open on orders (placed) where not paid;
    create table events (id bigint not null, at timestamptz not null, primary key (id, at)) partition by range (at);
    create table events_1 partition of events for values from ('2026-01-01') to ('2026-07-01');
    create table events_2 partition of events for values from ('2026-07-01') to ('2027-01-01');
    create index events_at on events (at);
    insert into events select i, timestamptz '2026-01-01' + i * interval '10 minutes' from generate_series(1, 40000) i;
    create materialized view daily as select date_trunc('day', placed) as day, count(*) from orders group by 1;
    create unique index daily_day on daily (day);
  `);
  await client.query("select pg_stat_force_next_flush()");
  await client.query("vacuum analyze");
  await client.query("select pg_stat_force_next_flush()");
  await using target = await openedAt(server.url);
  const first = await readCounters(target);
  for (const query of [
    "select * from orders where customer = 7 order by placed desc limit 5",
    "select * from orders where placed > now() - interval '5 minutes'",
    "select placed from orders where not paid order by placed limit 3",
    "select * from events where at = '2026-02-01'",
    "select * from events where at = '2026-08-01'",
  ])
    await client.query(query);
  await client.end();
  for (const thresholds of [{}, SHORT]) {
    const health = await checkHealth(target, { thresholds, before: first });
    expect(health.findings).toEqual([]);
    expect(health.coverage.share).toBe(1);
    expect(scoreOf(health)).toEqual({ value: 100, word: "healthy", deductions: [] });
    expect(health.figures.tables.map((table) => table.table)).toContain("public.orders");
  }
});
