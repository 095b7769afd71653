/**
 * A PgBouncer of the run's own, and clients on the same server connections that leave settings behind
 * there: what an unqualified name means is then another table, whose rows no answer out of a cache
 * may show. Their versions are below zero, so that the oracle knows them.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type PgBouncerServer, startPgBouncer } from "hasten-tools/pgbouncer";
import pg from "pg";
import type { Random } from "./random.ts";
import { BULK_READ, STEADY, TEAMS, VOLATILE } from "./schema.ts";

/** Few: most statements of the API run where a hostile client was before. */
const SERVER_CONNECTIONS = 4;
/** What once had something temporary is out of use until its connection is replaced. */
const SERVER_LIFETIME_SECONDS = 5;
const HOSTILE_CLIENTS = 3;
const FAILED_PAUSE_MS = 100;
/** Share of the time in which they leave the sessions as they were made: else nothing is ever kept. */
const QUIET_MS = 2_500;
const LOUD_MS = 400;
const STEP_MS = 10;
const CONNECT_MS = 2_000;

/** Of every row that a hostile setting shows. */
const STRANGE = -1_000_000_000;

const views = (schema: string): string => `
  create schema ${schema};
  create view ${schema}.teams as select id, ${STRANGE}::bigint as version
    from generate_series(1, ${TEAMS}) id;
  create view ${schema}.accounts as
    select id, 1 + id % ${TEAMS} as team, ${STRANGE}::bigint as version, ''::text as note
    from generate_series(1, ${STEADY + VOLATILE}) id;
  create view ${schema}.ledger as select id, version from ${schema}.accounts;
  create view ${schema}.journal as select id as account, version from ${schema}.accounts;
  create view ${schema}.bulk as select id, ${STRANGE} as n, ''::text as filler
    from generate_series(1, ${BULK_READ}) id;
  grant usage on schema ${schema} to public;
  grant select on all tables in schema ${schema} to public;
`;

/** The role has a schema of its name, which "$user" finds before public. Roles are the server's. */
const STRANGERS = `
  ${views("elsewhere")} ${views("chaos_role")}
  do $$ begin create role chaos_role; exception when duplicate_object then null; end $$;
`;

const TEMPORARY = ["teams", "accounts", "ledger", "journal", "bulk"]
  .map((name) => `create temporary view ${name} as select * from elsewhere.${name}`)
  .join("; ");

const SETTINGS: readonly string[] = [
  "set search_path = elsewhere",
  "set search_path = elsewhere, public",
  "set search_path = elsewhere, public, pg_catalog",
  "set role chaos_role",
  "set session authorization chaos_role",
  "set timezone = 'Asia/Tokyo'",
  "set default_transaction_isolation = 'repeatable read'",
  "set intervalstyle = 'iso_8601'",
  "set extra_float_digits = -5",
  "set row_security = off",
];
/** Rarely: it lasts as long as the server connection. */
const TEMPORARY_SHARE = 0.01;

export interface Pooler extends AsyncDisposable {
  /** The database through the pooler. */
  readonly url: string;
  /** How often it had ended by itself: 1.18 has faults of its own. */
  readonly died: number;
  /** Starts it again if it has ended by itself. */
  revive(): Promise<void>;
  /** Kills it as kill -9 does, and starts another on the same port. */
  restart(): Promise<void>;
  pause(): void;
  resume(): void;
  /** On its console. */
  command(text: string): Promise<void>;
  /** Ends every connection of clients and to the server, and lets them come back. */
  killConnections(): Promise<void>;
}

/** In front of a database that has its tables, with the schemas that hostile settings lead to. */
export async function startPooler(url: string, random: Random): Promise<Pooler> {
  await once(url, STRANGERS);
  const options = {
    to: url,
    poolSize: SERVER_CONNECTIONS,
    settings: { server_lifetime: String(SERVER_LIFETIME_SECONDS), query_wait_timeout: "10" },
  };
  let server: PgBouncerServer = await startPgBouncer(options);
  const { port, url: through } = server;
  const name = new URL(url).pathname.slice(1);
  const over = new AbortController();
  const clients = Array.from({ length: HOSTILE_CLIENTS }, () =>
    hostile(through, random, over.signal),
  );
  let died = 0;
  const another = async (): Promise<void> => {
    await server.stop();
    server = await startPgBouncer({ ...options, port });
  };
  const revive = async (): Promise<void> => {
    if (isRunning(server.pid)) return;
    died += 1;
    await another();
  };
  const command = (text: string): Promise<void> =>
    server.admin(text).then(
      () => undefined,
      // It has ended, or is too busy to answer: the next fault finds out.
      () => undefined,
    );
  return {
    url: through,
    get died() {
      return died;
    },
    revive,
    async restart() {
      if (isRunning(server.pid)) process.kill(server.pid, "SIGKILL");
      await another();
    },
    pause: () => server.pause(),
    resume: () => server.resume(),
    command,
    async killConnections() {
      await command(`KILL ${name}`);
      await revive();
      await command(`RESUME ${name}`);
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      await server.stop();
      await Promise.all(clients);
    },
  };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function once(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

/** One client: sets, for a while, whatever session it is given; then leaves some as they were made. */
async function hostile(url: string, random: Random, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS });
    client.on("error", () => undefined);
    const gone = (): void => void client.end().catch(() => undefined);
    signal.addEventListener("abort", gone, { once: true });
    try {
      await client.connect();
      while (!signal.aborted) await disturb(client, random, signal);
    } catch {
      // The pooler or the server was taken away: it comes back with them.
      await delay(FAILED_PAUSE_MS);
    } finally {
      signal.removeEventListener("abort", gone);
      gone();
    }
  }
}

async function disturb(client: pg.Client, random: Random, signal: AbortSignal): Promise<void> {
  const loudUntil = performance.now() + 2 * LOUD_MS * random.next();
  while (performance.now() < loudUntil && !signal.aborted) {
    const rare = random.next() < TEMPORARY_SHARE;
    await client.query(rare ? TEMPORARY : random.pick(SETTINGS));
    await delay(STEP_MS * random.next());
  }
  const quietUntil = performance.now() + 2 * QUIET_MS * random.next();
  while (performance.now() < quietUntil && !signal.aborted) {
    await client.query("discard all");
    await delay(STEP_MS * 5 * random.next());
  }
}
