/**
 * What each check costs a server with 5,000 tables (20,000 indexes, 5,000 sequences and foreign
 * keys), in CPU time of its backend, so that a busy machine does not blur it (Linux only):
 *   npx node --conditions=hasten-source packages/doctor/test/health/many-tables.ts [tables]
 * Each must stay below 200 ms, also when thresholds of 0 make everything a suspect.
 */
import { readFileSync } from "node:fs";
import { startPostgres } from "hasten-tools/postgres";
import pg from "pg";
import { checkHealth } from "../../src/health/check.ts";
import type { Thresholds } from "../../src/health/thresholds.ts";
import { connectionFrom } from "../../src/target/connection.ts";
import { openTarget } from "../../src/target/open.ts";

const CPU_MS_MAX = 200;
const TICK_MS = 10;
const tables = Number(process.argv[2] ?? 5_000);

const SUSPECT: Partial<Thresholds> = {
  unusedIndexCountersMinMs: 0,
  unusedIndexBytesMin: 0,
  deadRowsMin: 0,
  vacuumLagMs: 0,
  analyzeLagRowsMin: 0,
  analyzeLagMs: 0,
  analyzeLagTriggers: 0,
  sequentialScansRowsMin: 0,
  sequentialScansShare: 0,
  sequentialScansRowsReadMin: 0,
  sequenceWarningShare: 0,
};

const HUNDRED = (from: number): string => `do $$ begin for i in ${from}..${from + 99} loop
  execute format('create table t%s (id int generated always as identity primary key, a int not null, b text, c timestamptz, d jsonb, e bigint references parent)', i);
  execute format('create index on t%s (a); create index on t%s (a, c); create index on t%s (b)', i, i, i);
  execute format('insert into t%s (a, b, c) values (1, md5(1::text), now())', i);
end loop; end $$`;

/** As if each were large: the worst case for what looks at the largest. */
const LARGE =
  "update pg_class set relpages = 20000, reltuples = 1000000 where relkind in ('r', 'i') and relnamespace = 'public'::regnamespace";

async function seed(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    "create extension pg_stat_statements; create table parent (id bigint primary key)",
  );
  for (let i = 0; i < tables; i += 100) await client.query(HUNDRED(i));
  await client.query("vacuum analyze");
  await client.query(LARGE);
  await client.end();
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

async function measure(url: string, thresholds: Partial<Thresholds>): Promise<boolean> {
  await using target = await openTarget(connectionFrom(url, {}));
  const rows = await target.rows<{ pid: number }>("select pg_backend_pid() as pid");
  const pid = rows[0]!.pid;
  // The first round fills the session's catalog caches.
  await checkHealth(target, { thresholds });
  const used: (readonly [string, number])[] = [];
  let last = cpuMs(pid);
  let step = "facts";
  await checkHealth(target, {
    thresholds,
    onProgress: (progress) => {
      used.push([step, cpuMs(pid) - last]);
      last = cpuMs(pid);
      step = progress.step;
    },
  });
  const dear = used.filter(([, ms]) => ms >= 2 * TICK_MS).map(([name, ms]) => `${name} ${ms} ms`);
  const sum = used.reduce((all, [, ms]) => all + ms, 0);
  process.stdout.write(`together ${sum} ms of CPU\n  ${dear.join("\n  ")}\n`);
  return used.every(([, ms]) => ms < CPU_MS_MAX);
}

await using server = await startPostgres({
  flags: [
    "shared_preload_libraries=pg_stat_statements",
    "shared_buffers=256MB",
    "autovacuum=off",
  ].flatMap((setting) => ["-c", setting]),
});
await seed(server.url);
const within = [await measure(server.url, {}), await measure(server.url, SUSPECT)];
if (within.includes(false)) process.exitCode = 1;
