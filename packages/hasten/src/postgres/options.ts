import type { ConnectionOptions } from "node:tls";
import { type Clock, systemClock } from "../core/clock.ts";
import type { QueryCache } from "./cached-query.ts";
import type { PgDriver } from "./driver.ts";
import { optionInvalid } from "./errors.ts";
import type { SlowQuery } from "./measure.ts";
import { type PoolWatchOptions, resolveWatching } from "./pool-watch/options.ts";
import { type PoolerOptions, type ResolvedPooler, resolvePooler } from "./pooler/options.ts";
import type { ReplicaReads } from "./replicas/reads.ts";
import { parseUrl, type UrlParts } from "./url.ts";

/** Where the database is. Parts win over the URL; what neither gives comes from `PGHOST`, `PGPORT`, `PGDATABASE`, `PGUSER`, `PGPASSWORD`. */
export interface ConnectionTarget {
  /** `postgres://user:password@host:port/database?sslmode=…&application_name=…`. Never logged, never in an error. */
  readonly url?: string;
  /** Host name, address, or directory of a Unix socket. */
  readonly host?: string;
  /** @default 5432. Bounds 1 to 65,535. */
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  /** The password, or a function that is asked before each connection (rotating credentials). */
  readonly password?: string | (() => string | Promise<string>);
  /** TLS: `true` verifies the server's certificate; an object goes to `tls.connect`. @default false, or as the URL's sslmode says */
  readonly ssl?: boolean | ConnectionOptions;
}

/** A replica; what it leaves out is as for the primary. */
export interface ReplicaTarget extends ConnectionTarget {
  /** In stats and events. @default "replica-1", "replica-2", … 1 to 63 characters. */
  readonly name?: string;
  /** Its own pool. @default as the primary's, but a wait and an attempt to connect of at most 1_000 ms */
  readonly pool?: PoolOptions;
}

export interface PoolOptions {
  /** Connections kept open and warm. @default 5 (at most max). Bounds 0 to max. */
  readonly min?: number;
  /** Most connections. @default 20. Bounds 1 to 1,000. */
  readonly max?: number;
  /** A connection above min that is idle this long is closed. @default 10_000. Bounds 1_000 to 3_600_000. */
  readonly idleMs?: number;
  /** Longest wait for a connection, connecting and its retries included. @default 5_000. Bounds 10 to 600_000. */
  readonly acquireTimeoutMs?: number;
  /** Longest single attempt to connect. @default 5_000, at most acquireTimeoutMs. Bounds 10 to 600_000. */
  readonly connectTimeoutMs?: number;
  /** Most callers waiting for a connection; the next is refused at once (HST_PG_POOL_FULL). @default 1_000. Bounds 0 to 1_000_000. */
  readonly waitingMax?: number;
  /** A connection older than this is replaced when it becomes idle; 0 = never. @default 3_600_000. Bounds 0 to 86_400_000. */
  readonly lifetimeMs?: number;
}

export interface RetryOptions {
  /** Further attempts to establish a connection. @default 3. Bounds 0 to 20. */
  readonly connectRetries?: number;
  /** First back-off; it doubles, with decorrelated jitter. @default 50. Bounds 1 to 10_000. */
  readonly delayMs?: number;
  /** Longest back-off. @default 1_000. Bounds 1 to 60_000. */
  readonly delayMaxMs?: number;
  /** Failures in a row that open the breaker: further callers without an idle connection fail at once. @default 5. Bounds 1 to 1_000. */
  readonly breakerFailures?: number;
  /** The breaker lets one attempt through after this. @default 1_000. Bounds 10 to 600_000. */
  readonly breakerOpenMs?: number;
  /** Further attempts of a statement marked `idempotent` whose connection died. @default 2. Bounds 0 to 10. */
  readonly idempotentRetries?: number;
}

export interface DatabaseOptions extends ConnectionTarget {
  /** The same database without a pooler in between, for work that needs a session of its own. User and password of its own, TLS too. Never logged. @default none: such work is refused behind a pooler */
  readonly directUrl?: string | undefined;
  /** Whether a pooler stands in between, and which; see docs/pgbouncer.md. @default "detect" */
  readonly pooler?: PoolerOptions["mode"] | PoolerOptions;
  readonly pool?: PoolOptions;
  /** Streaming replicas that reads may go to: URLs, or their parts. At most 16. @default none */
  readonly replicas?: readonly (string | ReplicaTarget)[];
  /** How reads are shared with the replicas; see docs/replicas.md. */
  readonly replicaReads?: ReplicaReads;
  readonly retry?: RetryOptions;
  /** The server cancels a statement that runs longer. @default 30_000. Bounds 1 to 86_400_000. */
  readonly statementTimeoutMs?: number;
  /** The server ends a session whose open transaction is idle longer; 0 = never. @default 60_000. Bounds 0 to 86_400_000. */
  readonly idleInTransactionTimeoutMs?: number;
  /** Idle time before the first TCP keep-alive probe. @default 10_000. Bounds 1_000 to 3_600_000. */
  readonly keepAliveMs?: number;
  /** Shown in pg_stat_activity. @default "hasten". At most 63 bytes. */
  readonly applicationName?: string;
  /** Health check period, from an unref'd timer; 0 = on demand only. @default 30_000. Bounds 0, or 100 to 3_600_000. */
  readonly healthEveryMs?: number;
  /** Longest wait for a cancel request to be taken; the connection is set aside meanwhile. @default 2_000. Bounds 10 to 60_000. */
  readonly cancelTimeoutMs?: number;
  /** Longest that drain() waits for work under way. @default 10_000. Bounds 0 to 600_000. */
  readonly drainTimeoutMs?: number;
  /** Longest wait for the onCommit hooks of a transaction. @default 250. Bounds 0 to 60_000. */
  readonly commitHooksTimeoutMs?: number;
  /** Statements at least this long are reported as slow. @default 1_000. Bounds 0 to 86_400_000. */
  readonly slowQueryMs?: number;
  /** Transactions at least this long are reported as slow. @default 100. Bounds 0 to 86_400_000. */
  readonly slowTransactionMs?: number;
  /** Normalised statements measured apart, 7 KiB each; the rest count as "other". @default 200. Bounds 0 to 10_000. */
  readonly statementsMax?: number;
  /** Where `cache:` queries are kept; without it they run every time. */
  readonly cache?: QueryCache;
  /** Called for each slow statement or transaction, beside the diagnostics channel. Must not throw. */
  readonly onSlowQuery?: (event: SlowQuery) => void;
  /** Called when an onCommit hook fails or is late: the COMMIT itself stands. Must not throw. */
  readonly onHookError?: (error: unknown) => void;
  /** "redacted": errors hold SQLSTATE, condition and names; "full": also the server's own error, which can quote values, as cause. @default "redacted" */
  readonly errors?: "redacted" | "full";
  /** Parsers of column types by type OID, for this database only; see the docs for the defaults. */
  readonly parsers?: Readonly<Record<number, (text: string) => unknown>>;
  /** The `pg` module, where a bundler hides it from `require`. */
  readonly driver?: PgDriver;
  /** How its pool is watched; `false`: not at all. @default leaks after a minute, nothing is destroyed */
  readonly poolWatch?: false | PoolWatchOptions;
  readonly clock?: Clock;
}

type Plain = "cache" | "onSlowQuery" | "onHookError" | "driver" | "replicaReads";
type Made = keyof ConnectionTarget | "pool" | "retry" | "pooler" | "directUrl";

type ResolvedTarget = Omit<ConnectionTarget, "url"> & { readonly options?: string };

/** What the parts work with: every number present and within its bounds. */
export interface ResolvedOptions
  extends Required<Omit<DatabaseOptions, Made | Plain>>,
    Pick<DatabaseOptions, Plain> {
  readonly pool: Required<PoolOptions>;
  readonly retry: Required<RetryOptions>;
  readonly pooler: ResolvedPooler;
  readonly target: ResolvedTarget;
  /** Past the pooler; undefined without `directUrl`. */
  readonly directTarget: ResolvedTarget | undefined;
}

const integer = (name: string, value: unknown, low: number, high: number): number => {
  if (typeof value !== "number" || !Number.isInteger(value) || value < low || value > high)
    throw optionInvalid(name, `an integer from ${low} to ${high}`, value);
  return value;
};

/** Fills in defaults and checks every bound, once. @throws HST_PG_OPTION, naming the option. */
export function resolveOptions(o: DatabaseOptions): ResolvedOptions {
  const fromUrl: UrlParts = o.url === undefined ? {} : parseUrl(o.url);
  const applicationName = o.applicationName ?? fromUrl.applicationName ?? "hasten";
  if (applicationName === "" || Buffer.byteLength(applicationName) > 63)
    throw optionInvalid("applicationName", "1 to 63 bytes", applicationName);
  if (o.errors !== undefined && o.errors !== "redacted" && o.errors !== "full")
    throw optionInvalid("errors", '"redacted" or "full"', o.errors);
  if (o.port !== undefined) integer("port", o.port, 1, 65_535);
  const health = integer("healthEveryMs", o.healthEveryMs ?? 30_000, 0, 3_600_000);
  if (health > 0 && health < 100)
    throw optionInvalid("healthEveryMs", "0, or at least 100", health);
  return {
    target: target(o, fromUrl),
    directTarget: o.directUrl === undefined ? undefined : target({}, parseUrl(o.directUrl)),
    pooler: resolvePooler(o.pooler),
    pool: resolvePool(o.pool ?? {}),
    replicas: o.replicas ?? [],
    replicaReads: o.replicaReads,
    retry: resolveRetry(o.retry ?? {}),
    applicationName,
    ...resolveTimes(o),
    healthEveryMs: health,
    statementsMax: integer("statementsMax", o.statementsMax ?? 200, 0, 10_000),
    cache: o.cache,
    onSlowQuery: o.onSlowQuery,
    onHookError: o.onHookError,
    errors: o.errors ?? "redacted",
    parsers: o.parsers ?? {},
    driver: o.driver,
    poolWatch: checkedWatch(o.poolWatch),
    clock: o.clock ?? systemClock,
  } as ResolvedOptions;
}

function checkedWatch(given: DatabaseOptions["poolWatch"]): false | PoolWatchOptions {
  if (given === false) return false;
  resolveWatching(given ?? {});
  return given ?? {};
}

const DAY_MS = 86_400_000;

function resolveTimes(o: DatabaseOptions) {
  return {
    statementTimeoutMs: integer("statementTimeoutMs", o.statementTimeoutMs ?? 30_000, 1, DAY_MS),
    idleInTransactionTimeoutMs: integer(
      "idleInTransactionTimeoutMs",
      o.idleInTransactionTimeoutMs ?? 60_000,
      0,
      DAY_MS,
    ),
    keepAliveMs: integer("keepAliveMs", o.keepAliveMs ?? 10_000, 1_000, 3_600_000),
    cancelTimeoutMs: integer("cancelTimeoutMs", o.cancelTimeoutMs ?? 2_000, 10, 60_000),
    drainTimeoutMs: integer("drainTimeoutMs", o.drainTimeoutMs ?? 10_000, 0, 600_000),
    commitHooksTimeoutMs: integer("commitHooksTimeoutMs", o.commitHooksTimeoutMs ?? 250, 0, 60_000),
    slowQueryMs: integer("slowQueryMs", o.slowQueryMs ?? 1_000, 0, DAY_MS),
    slowTransactionMs: integer("slowTransactionMs", o.slowTransactionMs ?? 100, 0, DAY_MS),
  };
}

/** @throws HST_PG_OPTION */
export function resolvePool(p: PoolOptions): Required<PoolOptions> {
  const max = integer("pool.max", p.max ?? 20, 1, 1_000);
  const acquireTimeoutMs = integer(
    "pool.acquireTimeoutMs",
    p.acquireTimeoutMs ?? 5_000,
    10,
    600_000,
  );
  return {
    max,
    min: integer("pool.min", p.min ?? Math.min(5, max), 0, max),
    idleMs: integer("pool.idleMs", p.idleMs ?? 10_000, 1_000, 3_600_000),
    acquireTimeoutMs,
    connectTimeoutMs: integer(
      "pool.connectTimeoutMs",
      p.connectTimeoutMs ?? Math.min(5_000, acquireTimeoutMs),
      10,
      acquireTimeoutMs,
    ),
    waitingMax: integer("pool.waitingMax", p.waitingMax ?? 1_000, 0, 1_000_000),
    lifetimeMs: integer("pool.lifetimeMs", p.lifetimeMs ?? 3_600_000, 0, DAY_MS),
  };
}

function resolveRetry(r: RetryOptions): Required<RetryOptions> {
  const delayMs = integer("retry.delayMs", r.delayMs ?? 50, 1, 10_000);
  return {
    connectRetries: integer("retry.connectRetries", r.connectRetries ?? 3, 0, 20),
    delayMs,
    delayMaxMs: integer(
      "retry.delayMaxMs",
      r.delayMaxMs ?? Math.max(1_000, delayMs),
      delayMs,
      60_000,
    ),
    breakerFailures: integer("retry.breakerFailures", r.breakerFailures ?? 5, 1, 1_000),
    breakerOpenMs: integer("retry.breakerOpenMs", r.breakerOpenMs ?? 1_000, 10, 600_000),
    idempotentRetries: integer("retry.idempotentRetries", r.idempotentRetries ?? 2, 0, 10),
  };
}

const PARTS = ["host", "port", "database", "user", "password", "ssl"] as const;

function target(o: DatabaseOptions, fromUrl: UrlParts): ResolvedTarget {
  const found: Record<string, unknown> = {};
  for (const part of PARTS) {
    const value = o[part] ?? fromUrl[part];
    if (value !== undefined) found[part] = value;
  }
  if (fromUrl.options !== undefined) found["options"] = fromUrl.options;
  return found;
}
