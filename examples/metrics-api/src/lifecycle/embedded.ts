/** The demo's own PostgreSQL: started when it is needed, started again when it dies, stopped with us. */
import { setTimeout as delay } from "node:timers/promises";
import { type PostgresServer, startPostgres } from "hasten-tools/postgres";
import pg from "pg";
import type { Config } from "../config/index.ts";
import type { Log } from "./log.ts";

const RESTART_FIRST_MS = 500;
const RESTART_MAX_MS = 10_000;
const CONNECTIONS_MIN = 100;
/** Connections beside the pools: attachments, copies, an administrator. */
const CONNECTIONS_APART = 20;
/** Of each process beside its pool: its attachment, and those that read changes and prove them visible. */
const CONNECTIONS_PER_PROCESS = 6;
/** A process reads changes through one; its successor's opens before it closes. */
const SENDERS_PER_PROCESS = 2;
/** A replica, a backup, a process that has not noticed its death. */
const SENDERS_APART = 10;
export const DATABASE = "metrics";

export interface Embedded {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws EmbeddedPostgresError saying what is in the way */
export async function startEmbedded(config: Config, log: Log): Promise<Embedded> {
  const stopping = new AbortController();
  const start = (port?: number): Promise<PostgresServer> =>
    startPostgres({
      dataDir: config.dataDir,
      database: DATABASE,
      flags: flagsFor(config),
      onNotice: (sentence) => log.info(sentence),
      ...(port !== undefined && { port }),
    });
  let server = await start();
  const { url, port } = server;
  await countStatements(url).catch((error: unknown) =>
    log.info("npm run doctor will know no statements", { reason: String(error) }),
  );

  const watch = async (): Promise<void> => {
    for (let delayMs = RESTART_FIRST_MS; !stopping.signal.aborted; ) {
      await server.ended;
      if (stopping.signal.aborted) return;
      log.error(`the embedded PostgreSQL ended by itself; it is started again in ${delayMs} ms`);
      await delay(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      delayMs = Math.min(delayMs * 2, RESTART_MAX_MS);
      if (stopping.signal.aborted) return;
      try {
        await server.stop();
        server = await start(port);
        delayMs = RESTART_FIRST_MS;
        log.info("the embedded PostgreSQL runs again");
      } catch (error) {
        log.error("the embedded PostgreSQL did not start", { reason: String(error) });
      }
    }
  };
  const watching = watch();

  return {
    url,
    async close() {
      stopping.abort();
      await server.stop();
      await watching;
      await server.stop();
    },
  };
}

/** The counters that `npm run doctor` reads; the library behind them is preloaded below. */
async function countStatements(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: "metrics-api" });
  await client.connect();
  try {
    await client.query("create extension if not exists pg_stat_statements");
  } finally {
    await client.end();
  }
}

function flagsFor({ processes, pool }: Config): readonly string[] {
  const wanted = processes * (pool.max + CONNECTIONS_PER_PROCESS) + CONNECTIONS_APART;
  const connections = Math.max(CONNECTIONS_MIN, wanted);
  const senders = processes * SENDERS_PER_PROCESS + SENDERS_APART;
  const settings = [
    `max_connections=${connections}`,
    "shared_preload_libraries=pg_stat_statements",
    // Changes are read from the log of the server, by every process through a slot of its own.
    "wal_level=logical",
    `max_wal_senders=${senders}`,
    `max_replication_slots=${senders}`,
    // A disk without moving parts: with the default for one that has them, plans read whole tables instead of indexes.
    "random_page_cost=1.1",
    // Short statements only: compiling one takes longer than running it.
    "jit=off",
  ];
  return settings.flatMap((setting) => ["-c", setting]);
}
