/**
 * 1,000 clients on 25 server connections behind PgBouncer in transaction mode, and the same clients each
 * on a connection of the server's own. Every client thinks, then does one short transaction; all in one
 * process, over loopback, beside the server and PgBouncer on the same machine.
 *
 * - acquire: from the call of db.transaction to the first line of its work: the pool's connection, the
 *   pooler's server connection, and BEGIN with its limits, in one round trip.
 * - efficiency: of the time that transactions took in PgBouncer the share in which they ran (SHOW STATS).
 * - connection overhead: private memory of the processes that serve the clients (PostgreSQL's, PgBouncer),
 *   less that of a server without clients.
 */
import { createDatabase, pgbouncerStats, sql } from "hasten/postgres";
import { goal, report, row } from "hasten-tools/bench";
import { startPgBouncer } from "hasten-tools/pgbouncer";
import { startPostgres } from "hasten-tools/postgres";
import { type Load, openClients, percentile, ROWS, runClients } from "./clients.ts";
import { privateMib } from "./memory.ts";

const quick = process.argv.includes("--quick");
const CLIENTS = quick ? 100 : 1_000;
const SERVERS = 25;
const ROUNDS = quick ? 1 : 3;
const LOAD: Load = {
  clients: CLIENTS,
  thinkMs: quick ? 400 : 2_000,
  forMs: quick ? 2_000 : 20_000,
};

await using server = await startPostgres({ flags: ["-c", `max_connections=${CLIENTS + 100}`] });
await using bouncer = await startPgBouncer({
  to: server.url,
  poolSize: SERVERS,
  maxClientConn: CLIENTS + 100,
});

async function prepare(): Promise<void> {
  await using db = createDatabase({ url: server.url, pool: { min: 0, max: 1 }, healthEveryMs: 0 });
  await db.execute(sql`create table accounts (id int primary key, balance int not null)`);
  await db.execute(sql`insert into accounts select g, g from generate_series(1, ${ROWS}) g`);
}

interface Measured {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly transactionP95: number;
  readonly perSecond: number;
  readonly openMs: number;
  readonly sessions: number;
  readonly mib: number;
  readonly efficiency: number;
}

async function measure(url: string, pooled: boolean): Promise<Measured> {
  const openedMs = performance.now();
  await using db = await openClients(url, CLIENTS);
  const openMs = (performance.now() - openedMs) / CLIENTS;
  // Server connections are opened when they are first needed: that is no waiting for a busy one.
  await runClients(db, { ...LOAD, forMs: LOAD.thinkMs * 2 });
  const { adminUrl } = bouncer;
  const since = await pgbouncerStats({ adminUrl });
  const { acquireMs, transactionMs } = await runClients(db, LOAD);
  const { totals } = await pgbouncerStats({ adminUrl, since });
  const mib = privateMib([server.pid], [bouncer.pid]) - restMib;
  return {
    p50: percentile(acquireMs, 0.5),
    p95: percentile(acquireMs, 0.95),
    p99: percentile(acquireMs, 0.99),
    transactionP95: percentile(transactionMs, 0.95),
    perSecond: (transactionMs.length * 1_000) / LOAD.forMs,
    openMs,
    sessions: pooled ? totals.servers : CLIENTS,
    mib,
    efficiency: totals.efficiency,
  };
}

await prepare();
// Once: what PgBouncer has grown by in a round it keeps.
const restMib = privateMib([server.pid], [bouncer.pid]);
const through: Measured[] = [];
const direct: Measured[] = [];
for (let round = 0; round < ROUNDS; round++) {
  // A server connection that is kept from the round before costs nothing in this one.
  await bouncer.admin("RECONNECT");
  through.push(await measure(bouncer.url, true));
  direct.push(await measure(server.url, false));
}

const all = (name: string, unit: string, of: (it: Measured) => number) => [
  row(`${name}, PgBouncer`, unit, through.map(of)),
  row(`${name}, direct`, unit, direct.map(of)),
];
const rows = [
  ...all("acquire p50", "ms", (it) => it.p50),
  ...all("acquire p95", "ms", (it) => it.p95),
  ...all("acquire p99", "ms", (it) => it.p99),
  ...all("transaction p95", "ms", (it) => it.transactionP95),
  ...all("transactions", "per second", (it) => it.perSecond),
  ...all("sessions of the server", "sessions", (it) => it.sessions),
  ...all("connection overhead", "MiB", (it) => it.mib),
  ...all("opening a client, all at once", "ms each", (it) => it.openMs),
  row(
    "efficiency of the pool",
    "share",
    through.map((it) => it.efficiency),
  ),
];
const median = (name: string): number => rows.find((one) => one.name === name)!.median;
const clients = CLIENTS.toLocaleString("en-US");
await report({
  bench: "pooler",
  command: "npm run bench:pooler",
  rows,
  goals: [
    goal("acquire p95 through PgBouncer, ms", median("acquire p95, PgBouncer"), "<= 5"),
    goal("efficiency of the pool", median("efficiency of the pool"), ">= 0.9"),
    goal(
      "connection overhead, PgBouncer / direct",
      median("connection overhead, PgBouncer") / median("connection overhead, direct"),
      "<= 0.3",
    ),
    goal("sessions of the server", median("sessions of the server, PgBouncer"), `<= ${SERVERS}`),
  ],
  notes: [
    `${clients} clients, each a connection of one hasten Database; ${SERVERS} server connections; PgBouncer in transaction mode, SCRAM on both sides.`,
    `Each client does a transaction of one SELECT by key, then thinks ${LOAD.thinkMs} ms on average (exponential); ${LOAD.forMs / 1_000} s a round, ${ROUNDS} rounds.`,
    "acquire: from db.transaction() to the first line of its work: connection, server connection, BEGIN (behind PgBouncer with its limits).",
    "efficiency: transaction time / (transaction time + time waited for a server connection), from SHOW STATS.",
    "connection overhead: private memory of PostgreSQL's processes and PgBouncer, less that before the first clients came. Opening includes SCRAM in this process, which is the same for both.",
    "Clients, PgBouncer and PostgreSQL share one machine.",
  ],
});
