/** A PostgreSQL of the run's own, that can crash, be restarted and lose its standby. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PostgresServer, removePrivateLeftovers, startPostgres } from "hasten-tools/postgres";
import pg from "pg";
import { nowMs } from "./clock.ts";

const FLAGS = [
  "wal_level=logical",
  "max_wal_senders=30",
  "max_replication_slots=30",
  "max_connections=120",
  "max_prepared_transactions=10",
  // A replica that was away finds what it missed.
  "wal_keep_size=256MB",
  // Transactions of some hundred rows are sent before they commit.
  "logical_decoding_work_mem=64kB",
  // The machine does not lose power: a crash of the server alone keeps what was written to files.
  "fsync=off",
  "full_page_writes=off",
  "synchronous_commit=on",
].flatMap((setting) => ["-c", setting]);

export interface ChaosServer extends AsyncDisposable {
  readonly url: string;
  /** When the server crashed or was restarted. */
  readonly crashesAtMs: readonly number[];
  /** One statement as the administrator, on a connection of its own that waits for no standby. */
  administer(statement: string): Promise<readonly Record<string, unknown>[]>;
  /** Kills one of its processes: the others are ended too, and it recovers from its log. */
  crash(): Promise<void>;
  /** The same server with a new, empty database. */
  freshDatabase(): Promise<ChaosServer>;
  /** Immediate shutdown, and a start on the same port and data. */
  restart(): Promise<void>;
}

export async function startServer(): Promise<ChaosServer> {
  const dataDir = mkdtempSync(join(tmpdir(), "hasten-chaos-"));
  chmodSync(dataDir, 0o755);
  let server: PostgresServer = await startPostgres({ dataDir, flags: FLAGS });
  const { port } = server;
  const crashesAtMs: number[] = [];
  let databases = 0;
  const administerAt = async (
    url: string,
    statement: string,
  ): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 2_000,
      options: "-c synchronous_commit=local",
    });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return (await client.query(statement)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  const of = (url: string): ChaosServer => ({
    url,
    crashesAtMs,
    administer: (statement) => administerAt(url, statement),
    async freshDatabase() {
      databases += 1;
      await administerAt(url, `create database chaos_${databases} template template0`);
      const fresh = new URL(url);
      fresh.pathname = `/chaos_${databases}`;
      return of(fresh.href);
    },
    async crash() {
      const [row] = await administerAt(
        url,
        "select pid from pg_stat_activity where backend_type = 'walwriter'",
      );
      crashesAtMs.push(nowMs());
      process.kill(Number(row?.["pid"]), "SIGKILL");
    },
    async restart() {
      crashesAtMs.push(nowMs());
      process.kill(server.pid, "SIGQUIT");
      await server.ended;
      await server.stop();
      server = await startPostgres({ dataDir, port, flags: FLAGS });
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
      await removePrivateLeftovers();
    },
  });
  return of(server.url);
}
