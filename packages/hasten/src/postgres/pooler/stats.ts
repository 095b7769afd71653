/** PgBouncer's own numbers, typed, with their units in their names. */
import { optionInvalid } from "../errors.ts";
import { type Ask, type ConsoleOptions, type ConsoleRow, onConsole, versionOf } from "./admin.ts";

/** One database and user, of `SHOW POOLS`: how it stands at this moment. */
export interface PgBouncerPool {
  readonly database: string;
  readonly user: string;
  readonly mode: string;
  /** Clients that have a server connection, or need none now. */
  readonly clientsActive: number;
  /** Clients that sent something and wait for a server connection. */
  readonly clientsWaiting: number;
  readonly serversActive: number;
  /** Free for the next transaction: idle, and used ones that are looked at before they are given out. */
  readonly serversFree: number;
  /** Being made ready: logging in, or tested. */
  readonly serversStarting: number;
  /** How long the first of the waiting clients has waited. */
  readonly waitMaxMs: number;
}

/** One database, of `SHOW STATS`: since PgBouncer's start, and averages of its latest period. */
export interface PgBouncerTraffic {
  readonly database: string;
  readonly transactions: number;
  readonly queries: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Time that server connections spent in transactions, summed. */
  readonly transactionMs: number;
  readonly queryMs: number;
  /** Time that clients spent waiting for a server connection, summed. */
  readonly waitMs: number;
  readonly transactionsPerSecond: number;
  readonly queriesPerSecond: number;
  readonly transactionMeanMs: number;
  readonly queryMeanMs: number;
  /** Mean wait for a server connection, of a transaction. */
  readonly waitMeanMs: number;
}

export interface PgBouncerTotals {
  readonly clients: number;
  readonly clientsWaiting: number;
  readonly servers: number;
  /** Clients for each server connection; 0 without servers. */
  readonly clientsPerServer: number;
  readonly waitMaxMs: number;
  /** Mean wait of a transaction since the start, or since `since`. */
  readonly waitMeanMs: number;
  /**
   * Of the time that transactions took, waiting for a server connection included, the share in which
   * they ran: transactionMs / (transactionMs + waitMs), since the start or since `since`; 1 without any.
   */
  readonly efficiency: number;
}

export interface PgBouncerStats {
  readonly version: string;
  readonly config: {
    readonly poolMode: string;
    /** Server connections for each database and user. */
    readonly poolSize: number;
    readonly clientsMax: number;
    /** 0 where it keeps none apart, undefined before 1.21. */
    readonly preparedStatementsMax: number | undefined;
  };
  /** Without the console itself. */
  readonly pools: readonly PgBouncerPool[];
  readonly traffic: readonly PgBouncerTraffic[];
  /** `SHOW LISTS`, by the names it has there: used_clients, free_servers… */
  readonly lists: Readonly<Record<string, number>>;
  readonly totals: PgBouncerTotals;
}

export interface PgBouncerStatsOptions extends ConsoleOptions {
  /** An earlier answer: `totals` then tell what happened since. */
  readonly since?: PgBouncerStats | undefined;
}

const CONSOLE = "pgbouncer";

/**
 * Reads `SHOW POOLS`, `STATS`, `LISTS` and `CONFIG` on the admin console.
 * @throws HST_PG_POOLER when it cannot be asked, HST_PG_OPTION for a URL or time-out that is none
 */
export function pgbouncerStats(options: PgBouncerStatsOptions): Promise<PgBouncerStats> {
  const { timeoutMs = 2_000, since } = options;
  if (!(timeoutMs >= 10 && timeoutMs <= 60_000))
    return Promise.reject(optionInvalid("timeoutMs", "from 10 to 60_000", timeoutMs));
  return onConsole({ ...options, timeoutMs }, (ask) => read(ask, since));
}

async function read(ask: Ask, since: PgBouncerStats | undefined): Promise<PgBouncerStats> {
  const [version] = await ask("VERSION");
  const config = await ask("CONFIG");
  const setting = (name: string): unknown => config.find(({ key }) => key === name)?.["value"];
  const notConsole = ({ database }: ConsoleRow): boolean => database !== CONSOLE;
  const pools = (await ask("POOLS")).filter(notConsole).map(poolOf);
  const traffic = (await ask("STATS")).filter(notConsole).map(trafficOf);
  const lists = Object.fromEntries(
    (await ask("LISTS")).map(({ list, items }) => [String(list), Number(items)]),
  );
  const prepared = setting("max_prepared_statements");
  return {
    version: versionOf(version),
    config: {
      poolMode: String(setting("pool_mode") ?? ""),
      poolSize: Number(setting("default_pool_size") ?? 0),
      clientsMax: Number(setting("max_client_conn") ?? 0),
      preparedStatementsMax: prepared === undefined ? undefined : Number(prepared),
    },
    pools,
    traffic,
    lists,
    totals: totalsOf(pools, traffic, since),
  };
}

const of = (row: ConsoleRow, name: string): number => Number(row[name] ?? 0);
const msOf = (row: ConsoleRow, name: string): number => of(row, name) / 1_000;

function poolOf(row: ConsoleRow): PgBouncerPool {
  return {
    database: String(row["database"]),
    user: String(row["user"]),
    mode: String(row["pool_mode"]),
    clientsActive: of(row, "cl_active"),
    clientsWaiting: of(row, "cl_waiting"),
    serversActive: of(row, "sv_active"),
    serversFree: of(row, "sv_idle") + of(row, "sv_used"),
    serversStarting: of(row, "sv_login") + of(row, "sv_tested"),
    waitMaxMs: of(row, "maxwait") * 1_000 + msOf(row, "maxwait_us"),
  };
}

function trafficOf(row: ConsoleRow): PgBouncerTraffic {
  return {
    database: String(row["database"]),
    transactions: of(row, "total_xact_count"),
    queries: of(row, "total_query_count"),
    receivedBytes: of(row, "total_received"),
    sentBytes: of(row, "total_sent"),
    transactionMs: msOf(row, "total_xact_time"),
    queryMs: msOf(row, "total_query_time"),
    waitMs: msOf(row, "total_wait_time"),
    transactionsPerSecond: of(row, "avg_xact_count"),
    queriesPerSecond: of(row, "avg_query_count"),
    transactionMeanMs: msOf(row, "avg_xact_time"),
    queryMeanMs: msOf(row, "avg_query_time"),
    waitMeanMs: msOf(row, "avg_wait_time"),
  };
}

const sum = <T>(rows: readonly T[], value: (row: T) => number): number =>
  rows.reduce((total, row) => total + value(row), 0);

function totalsOf(
  pools: readonly PgBouncerPool[],
  traffic: readonly PgBouncerTraffic[],
  since: PgBouncerStats | undefined,
): PgBouncerTotals {
  const grown = (value: (row: PgBouncerTraffic) => number): number =>
    Math.max(0, sum(traffic, value) - (since === undefined ? 0 : sum(since.traffic, value)));
  const clientsWaiting = sum(pools, (pool) => pool.clientsWaiting);
  const clients = clientsWaiting + sum(pools, (pool) => pool.clientsActive);
  const servers = sum(
    pools,
    (pool) => pool.serversActive + pool.serversFree + pool.serversStarting,
  );
  const ranMs = grown((row) => row.transactionMs);
  const waitedMs = grown((row) => row.waitMs);
  const transactions = grown((row) => row.transactions);
  return {
    clients,
    clientsWaiting,
    servers,
    clientsPerServer: servers === 0 ? 0 : clients / servers,
    waitMaxMs: Math.max(0, ...pools.map((pool) => pool.waitMaxMs)),
    waitMeanMs: transactions === 0 ? 0 : waitedMs / transactions,
    efficiency: ranMs + waitedMs === 0 ? 1 : ranMs / (ranMs + waitedMs),
  };
}
