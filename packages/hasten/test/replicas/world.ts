/** A primary of its own with replicas, reached through proxies that can be cut. */
import {
  type PostgresServer,
  type Replica,
  startPostgres,
  startReplica,
} from "hasten-tools/postgres";
import pg from "pg";
import { createDatabase, type Database, type DatabaseOptions } from "../../src/postgres/index.ts";
import { type FaultyProxy, faultyProxy } from "../../src/testing/index.ts";

export interface ReplicaInWorld {
  readonly server: Replica;
  /** Between the application and the replica. */
  readonly proxy: FaultyProxy;
  /** Between the replica and its primary. */
  readonly feed: FaultyProxy;
}

export interface World extends AsyncDisposable {
  readonly primary: PostgresServer;
  readonly replicas: readonly ReplicaInWorld[];
  /** Through the proxies. */
  readonly replicaUrls: readonly string[];
  open(options?: Partial<DatabaseOptions>): Database;
  /** Resolves when every replica that replays has replayed all of the primary. */
  caughtUp(): Promise<void>;
}

export interface WorldOptions {
  readonly replicas?: number;
  readonly flags?: readonly string[];
  readonly replicaFlags?: readonly string[];
  readonly schema?: readonly string[];
}

export async function world(options: WorldOptions = {}): Promise<World> {
  const closing: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of closing.reverse()) await end();
  };
  try {
    const primary = await startPostgres({
      flags: ["-c", "wal_level=logical", "-c", "wal_keep_size=256MB", ...(options.flags ?? [])],
    });
    closing.push(() => primary.stop());
    for (const text of options.schema ?? []) await asked(primary.url, text);
    const replicas: ReplicaInWorld[] = [];
    for (let at = 0; at < (options.replicas ?? 1); at++) {
      const feed = await faultyProxy({ port: primary.port });
      closing.push(() => feed.close());
      const flags = options.replicaFlags ?? [];
      const server = await startReplica(primary, { primaryPort: feed.port, flags });
      closing.push(async () => server[Symbol.asyncDispose]());
      const proxy = await faultyProxy({ port: server.port });
      closing.push(() => proxy.close());
      replicas.push({ server, proxy, feed });
    }
    const replicaUrls = replicas.map(({ server, proxy }) =>
      server.url.replace(`:${server.port}/`, `:${proxy.port}/`),
    );
    const open = (given: Partial<DatabaseOptions> = {}): Database => {
      const db = createDatabase({
        url: primary.url,
        replicas: replicaUrls,
        healthEveryMs: 0,
        pool: { min: 0, max: 8 },
        ...given,
        replicaReads: { probeEveryMs: 100, ...given.replicaReads },
      });
      closing.push(() => db.drain());
      return db;
    };
    const caughtUp = async (): Promise<void> => {
      const [row] = await asked(primary.url, "select pg_current_wal_insert_lsn()::text as at");
      for (const { server } of replicas)
        for (;;) {
          const text = `select pg_last_wal_replay_lsn() >= '${row?.["at"]}'::pg_lsn - 64 as there`;
          if ((await asked(server.url, text))[0]?.["there"] === true) break;
        }
    };
    return { primary, replicas, replicaUrls, open, caughtUp, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One statement past hasten. */
export async function asked(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows;
  } finally {
    await client.end();
  }
}
