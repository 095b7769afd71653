import type { Pool } from "pg";
import { type Connections, createConnections } from "./connections.ts";
import { optionInvalid } from "./errors.ts";
import { createMeasure, type Measure } from "./measure.ts";
import type { ResolvedOptions } from "./options.ts";
import { parserId } from "./parsers.ts";
import {
  createSessionConnections,
  SESSIONS_MAX,
  type SessionConnections,
} from "./pooler/session-connections.ts";
import { Replicas } from "./replicas/replicas.ts";
import type { Surroundings } from "./session.ts";

/** What the operations of one database share. */
export interface Core {
  readonly options: ResolvedOptions;
  readonly connections: Connections;
  /** For work that needs a session of its own. */
  readonly sessions: SessionConnections;
  /** Undefined where reads go to the primary alone. */
  readonly replicas: Replicas | undefined;
  readonly measure: Measure;
  readonly around: Surroundings;
  readonly defaultTimeoutMs: number;
  readonly keyIdentity: string;
}

/** Time that the server's own limit is given to be the one that ends a statement. */
export const AFTER_SERVER_MS = 1_000;
const TIMEOUT_MS_MAX = 86_400_000;

/** A connection found dead before the statement was sent is replaced this often. */
export const UNSENT_RETRIES = 2;

/** Builds the parts in their order. */
export function createCore(options: ResolvedOptions): Core {
  const { statementsMax, slowQueryMs, slowTransactionMs, onSlowQuery, clock } = options;
  const own = createConnections(options, databaseOf(options));
  const database = databaseOf(options);
  const measure = createMeasure({
    statementsMax,
    slowQueryMs,
    slowTransactionMs,
    database,
    onSlowQuery,
  });
  const full = options.errors === "full";
  const { statementTimeoutMs } = options;
  const around = { clock, measure, full, statementTimeoutMs, database };
  const replicas =
    options.replicas.length > 0 ? new Replicas(options, own, { database, around }) : undefined;
  const connections = replicas?.connections ?? own;
  return {
    options,
    connections,
    sessions: createSessionConnections(connections, pastPooler(options)),
    measure,
    replicas,
    around,
    defaultTimeoutMs: statementTimeoutMs + AFTER_SERVER_MS,
    keyIdentity: keyIdentityOf(options, identityOf(connections.pool)),
  };
}

/** What rows depend on beside the statement: where, as whom, with which settings, and how they are read. */
function keyIdentityOf({ target, parsers }: ResolvedOptions, identity: string): string {
  const { env } = process;
  const user = target.user ?? env["PGUSER"] ?? env["USER"] ?? "";
  const settings = target.options ?? env["PGOPTIONS"] ?? "";
  const read = Object.entries(parsers).map(([oid, parser]) => [oid, parserId(parser)]);
  return JSON.stringify([identity, user, settings, ...read]);
}

function pastPooler(options: ResolvedOptions): (() => Connections) | undefined {
  const { directTarget } = options;
  if (directTarget === undefined) return undefined;
  const pool = { ...options.pool, min: 0, max: SESSIONS_MAX };
  const pooler = { mode: "detect", adminUrl: undefined, keepsNames: undefined } as const;
  // What is held there is held for long: sessions of one's own.
  const given = { ...options, target: directTarget, pool, pooler, poolWatch: false as const };
  return () => createConnections(given, databaseOf(given));
}

/** The database's name, for events. */
export const databaseOf = ({ target }: ResolvedOptions): string =>
  target.database ?? process.env["PGDATABASE"] ?? target.user ?? "";

/** host:port/database, without secrets. */
export function identityOf(pool: Pool): string {
  const { host, port, database, user } = pool.options;
  const env = process.env;
  const where = `${host ?? env["PGHOST"] ?? "localhost"}:${port ?? env["PGPORT"] ?? 5432}`;
  return `${where}/${database ?? env["PGDATABASE"] ?? user ?? ""}`;
}

/** The call's time-out within its bounds. */
export const checkedTimeout = (timeoutMs: number | undefined, core: Core): number => {
  if (timeoutMs === undefined) return core.defaultTimeoutMs;
  if (!(timeoutMs >= 1 && timeoutMs <= TIMEOUT_MS_MAX))
    throw optionInvalid("timeoutMs", `from 1 to ${TIMEOUT_MS_MAX}`, timeoutMs);
  return timeoutMs;
};
