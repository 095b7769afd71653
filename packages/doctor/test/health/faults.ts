/** A database in which everything that the checks look for is wrong, on a server of its own. */
import { setTimeout as delay } from "node:timers/promises";
import { type PostgresServer, startPostgres } from "hasten-tools/postgres";
import pg from "pg";

/** Stands in statements of sessions as a value of data would; must never be reported. */
export const CANARY = "canary-4711";

export const FLAGS: Readonly<Record<string, string>> = {
  shared_preload_libraries: "pg_stat_statements",
  "pg_stat_statements.max": "100",
  wal_level: "logical",
  max_connections: "24",
  max_prepared_transactions: "5",
  max_slot_wal_keep_size: "64MB",
  shared_buffers: "2MB",
  autovacuum: "off",
  archive_mode: "on",
  archive_command: "false",
  deadlock_timeout: "20ms",
  checkpoint_timeout: "1h",
};

const SCHEMA = `
create extension pg_stat_statements;
create table customers (id int primary key, email text not null);
insert into customers select i, 'c' || i from generate_series(1, 5000) i;
create table orders (id int primary key, customer int not null references customers, placed timestamptz not null default now(), note text);
insert into orders select i, 1 + i % 5000, now(), 'n' || i from generate_series(1, 20000) i;
create index orders_placed on orders (placed);
create index orders_placed_again on orders (placed);
create index orders_placed_note on orders (placed, note);
create index orders_unused on orders (note, placed);
create table accounts (id int primary key, balance int not null);
insert into accounts select i, 0 from generate_series(1, 10) i;
create table "Odd ""names""" (id int, doubled int);
insert into "Odd ""names""" select i, i / 2 from generate_series(1, 100) i;
create table tickets (id serial primary key);
select setval('tickets_id_seq', 2040109465);
create table rooms (id smallint generated always as identity primary key);
select setval('rooms_id_seq', 26000);
create table swollen (id int primary key, a bigint not null, b bigint not null, c bigint not null);
insert into swollen select i, i, i, i from generate_series(1, 100000) i;
create table swollen_text (id int primary key, a text not null);
insert into swollen_text select i, repeat('x', 100) from generate_series(1, 20000) i;
create table churned (id int primary key, n int not null) with (fillfactor = 100);
insert into churned select i, 0 from generate_series(1, 20000) i;
create table drifted (id int primary key, n int not null);
insert into drifted select i, 0 from generate_series(1, 1000) i;
create table raw_events (id int, n int);
insert into raw_events select i, i from generate_series(1, 20000) i;
create table unwatched (id int primary key) with (autovacuum_enabled = false);
create table prices (id int primary key, cents int not null);
alter table prices add constraint prices_positive check (cents > 0) not valid;
create table refunds (id int primary key, customer int);
alter table refunds add constraint refunds_customer foreign key (customer) references customers not valid;
`;

const AFTERWARDS = [
  "delete from swollen where id % 5 <> 0",
  "vacuum swollen",
  "delete from swollen_text where id % 5 <> 0",
  "vacuum swollen_text",
  "vacuum analyze customers, orders, accounts, prices, refunds, churned, drifted",
  "analyze swollen, swollen_text",
  "update churned set n = n + 1",
  "insert into drifted select i, 0 from generate_series(1001, 5000) i",
  "select pg_create_physical_replication_slot('lost_slot', true)",
  ...Array.from({ length: 7 }, () => [
    "select pg_logical_emit_message(false, 'doctor', 'filler')",
    "select pg_switch_wal()",
  ]).flat(),
  "checkpoint",
  "select pg_create_logical_replication_slot('stuck_slot', 'test_decoding')",
];

export interface Broken extends AsyncDisposable {
  readonly server: PostgresServer;
  readonly url: string;
  /** URL of a database on the same server without the extension. */
  readonly bareUrl: string;
  urlOf(role: string): string;
  /** Process ids of the sessions at fault, by what they do. */
  readonly pids: Readonly<Record<string, number>>;
  /** What the counters are to count: rollbacks, deadlocks, checkpoints, spills, reads, evictions. */
  traffic(): Promise<void>;
}

export async function breakServer(): Promise<Broken> {
  const server = await startPostgres({
    database: "shop",
    flags: Object.entries(FLAGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  });
  const clients: pg.Client[] = [];
  const waiting: Promise<unknown>[] = [];
  const open = async (url = server.url, name = "shop-app"): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url, application_name: name });
    client.on("error", () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  const dispose = async (): Promise<void> => {
    await server.stop();
    await Promise.allSettled(waiting);
    await Promise.allSettled(clients.map((client) => client.end()));
  };
  try {
    const admin = await open();
    await seedSchema(admin);
    const pids = await seedSessions(open, waiting, admin);
    return {
      server,
      url: server.url,
      bareUrl: withPath(server.url, "/bare"),
      urlOf: (role) => withRole(server.url, role),
      pids,
      traffic: () => makeTraffic(admin, open),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Everything but the sessions; needs the flags, and nothing else on the server. */
export async function seedSchema(admin: pg.Client): Promise<void> {
  await admin.query(SCHEMA);
  // Fails on duplicates, as it is meant to: an invalid index stays.
  await admin
    .query('create unique index concurrently "odd ""doubled""" on "Odd ""names""" (doubled)')
    .catch(() => undefined);
  for (const statement of AFTERWARDS) await admin.query(statement);
  await admin.query("create database bare");
  await admin.query("create role watcher login password 'w'");
  await admin.query("grant pg_monitor to watcher");
  await admin.query("create role reader login password 'w'");
  await admin.query("grant pg_monitor, pg_read_all_data to reader");
  await admin.query("create role nobody login password 'w'");
}

type Open = (url?: string, name?: string) => Promise<pg.Client>;

async function seedSessions(
  open: Open,
  waiting: Promise<unknown>[],
  admin: pg.Client,
): Promise<Broken["pids"]> {
  const pids: Record<string, number> = {};
  const session = async (name: string): Promise<pg.Client> => {
    const client = await open(undefined, name);
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    pids[name] = rows[0]!.pid;
    return client;
  };
  const idle = await session("idle");
  await idle.query("begin");
  await idle.query(`select 1 where '${CANARY}' = ''`);
  const failed = await session("failed");
  await failed.query("begin");
  await failed.query(`select '${CANARY}'::int`).catch(() => undefined);
  const snapshot = await session("snapshot");
  await snapshot.query("begin isolation level repeatable read");
  await snapshot.query("select count(*) from accounts");
  const prepared = await session("preparing");
  await prepared.query("begin");
  await prepared.query("insert into rooms default values");
  await prepared.query("prepare transaction 'forgotten'");
  const root = await session("root");
  await root.query("begin");
  await root.query("update accounts set balance = 1 where id = 1");
  const middle = await session("middle");
  await middle.query("begin");
  await middle.query("update accounts set balance = 1 where id = 2");
  waiting.push(middle.query("update accounts set balance = 2 where id = 1").catch(() => 0));
  const last = await session("last");
  waiting.push(last.query("update accounts set balance = 2 where id = 2").catch(() => 0));
  const slow = await session("slow");
  waiting.push(slow.query(`select pg_sleep(600), '${CANARY}'`).catch(() => 0));
  await until(
    admin,
    "select count(*) = 2 as done from pg_stat_activity where wait_event_type = 'Lock'",
  );
  await until(admin, "select failed_count > 0 as done from pg_stat_archiver");
  // The rest of the connections that ordinary roles may have, but for the few that look at it.
  for (let i = 0; i < 9; i++) await session(`pool-${i}`);
  return pids;
}

async function makeTraffic(admin: pg.Client, open: Open): Promise<void> {
  for (let i = 0; i < 150; i++) await admin.query("begin; rollback");
  for (let i = 0; i < 11; i++) await admin.query("checkpoint");
  for (let i = 0; i < 60; i++)
    await admin.query("select count(*) from raw_events where n = $1", [i]);
  await admin.query(
    "set work_mem = '64kB'; select count(*) from (select * from orders order by md5(note)) o",
  );
  for (let i = 1; i <= 250; i++) await admin.query(`select ${Array(i).fill("1").join(", ")}`);
  for (let i = 0; i < 30; i++) await admin.query("select count(*) from swollen");
  const other = await open(undefined, "other");
  await admin.query("begin; update accounts set balance = 3 where id = 8");
  await other.query("begin; update accounts set balance = 3 where id = 9");
  const outcomes = await Promise.allSettled([
    admin.query("update accounts set balance = 4 where id = 9"),
    other.query("update accounts set balance = 4 where id = 8"),
  ]);
  if (outcomes.every((outcome) => outcome.status === "fulfilled")) throw new Error("no deadlock");
  await admin.query("rollback");
  await other.query("rollback");
  await other.end();
  await admin.query("select pg_stat_force_next_flush()");
}

/** Waits for a condition that the server tells, 20 s at most. */
async function until(client: pg.Client, condition: string): Promise<void> {
  for (let i = 0; i < 400; i++) {
    const { rows } = await client.query<{ done: boolean }>(condition);
    if (rows[0]?.done) return;
    await delay(50);
  }
  throw new Error(`never true: ${condition}`);
}

function withPath(url: string, path: string): string {
  const changed = new URL(url);
  changed.pathname = path;
  return changed.href;
}

function withRole(url: string, role: string): string {
  const changed = new URL(url);
  changed.username = role;
  changed.password = "w";
  return changed.href;
}
