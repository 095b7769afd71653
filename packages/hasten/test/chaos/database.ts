/**
 * What the handlers of an API process read and write through: a watched pool of the driver, or a
 * `Database` whose reads go to a replica, in sessions that a token carries from request to request.
 */
import type { RequestHandler } from "express";
import type { Cache } from "hasten/cache";
import { type Coherence, createDatabase, type DatabaseStats } from "hasten/postgres";
import pg from "pg";
import { type ApiSettings, TOKEN_FIELD } from "./messages.ts";
import { REPLICA_LAG_MS, REPLICA_PROBE_MS } from "./replica.ts";

const QUERY_TIMEOUT_MS = 8_000;
const CONNECT_MS = 2_000;

/** What a route's statements give: some of these. */
export interface Row {
  readonly row?: string;
  readonly version?: string;
  readonly team_row?: string;
  readonly team_version?: string;
  readonly sum?: string;
}

export type Rows = readonly Row[];

export interface Reached {
  readonly pool: pg.Pool;
  read(text: string, values: readonly unknown[]): Promise<Rows>;
  /** On a client that is checked out and given back, where there is one. */
  readOnClient(text: string, values: readonly unknown[]): Promise<Rows>;
  readonly inSession: RequestHandler;
  /** After a write: what a later read must be given to see it. */
  token(): Promise<string | undefined>;
  stats(): Partial<DatabaseStats>;
}

export function reach(settings: ApiSettings, coherence: Coherence, cache: Cache): Reached {
  return settings.replicaUrl === undefined
    ? byPool(settings, coherence)
    : byDatabase(settings, coherence, cache);
}

function byPool({ url, poolMax }: ApiSettings, coherence: Coherence): Reached {
  const bare = new pg.Pool({
    connectionString: url,
    max: poolMax,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
  });
  bare.on("error", () => undefined);
  // As every user of the driver must: a client that is checked out has no other listener.
  bare.on("connect", (client) => client.on("error", () => undefined));
  const pool = coherence.watch(bare);
  return {
    pool,
    read: async (text, values) => (await pool.query(text, [...values])).rows,
    async readOnClient(text, values) {
      const client = await pool.connect();
      try {
        return (await client.query(text, [...values])).rows;
      } finally {
        client.release();
      }
    },
    inSession: (_req, _res, next) => next(),
    token: async () => undefined,
    stats: () => ({}),
  };
}

function byDatabase(settings: ApiSettings, coherence: Coherence, cache: Cache): Reached {
  const { url, replicaUrl = "", poolMax } = settings;
  const db = createDatabase({
    url,
    cache,
    replicas: [replicaUrl],
    replicaReads: { maxLagMs: REPLICA_LAG_MS, probeEveryMs: REPLICA_PROBE_MS },
    pool: { max: poolMax },
  });
  for (const pool of [db.pool, ...db.replicaPools]) coherence.watch(pool);
  const read: Reached["read"] = (text, values) => db.query({ text, values });
  return {
    pool: db.pool,
    read,
    stats: () => db.stats(),
    readOnClient: read,
    inSession: (req, _res, next) => db.session({ after: req.get(TOKEN_FIELD) }).run(next),
    async token() {
      const session = db.currentSession();
      session.wrote();
      return session.token().catch(() => undefined);
    },
  };
}
