import type { Pool } from "pg";
import { bulkOnDatabase } from "./bulk/on-database.ts";
import type { BulkTables } from "./bulk/types.ts";
import type { PoolStats } from "./connections.ts";
import { createCore, identityOf } from "./core.ts";
import { executeOn, queryOn } from "./execute.ts";
import { createHealth, type Health } from "./health.ts";
import { createIndexes, type Indexes } from "./indexes/ensure.ts";
import {
  type ByIdsOptions,
  byIds,
  type ExecuteManyOptions,
  type Id,
  type ManyResult,
} from "./many.ts";
import type { QueryStats } from "./measure.ts";
import { type DatabaseOptions, resolveOptions } from "./options.ts";
import type { PageRequest } from "./pages/keyset.ts";
import type { Page } from "./pages/page.ts";
import type { PageSpec } from "./pages/page-spec.ts";
import { readPage } from "./pages/read-page.ts";
import type { PoolWatch } from "./pool-watch/types.ts";
import type { PoolerStatus } from "./pooler/pooler.ts";
import { type CachedQueryOptions, onlyRow, type Queryable } from "./queryable.ts";
import { createReads } from "./read/reads.ts";
import type { Reads } from "./read/types.ts";
import { forTransaction, type ReplicaSurface, replicaSurface } from "./replicas/surface.ts";
import type { ReplicasStats } from "./replicas/types.ts";
import type { Statement } from "./sql.ts";
import { executeManyOn, transactionOn } from "./transact.ts";
import type { TransactionOptions, Tx } from "./tx.ts";

export interface DatabaseStats extends QueryStats {
  readonly pool: PoolStats;
  /** What stands between here and the server, and what follows from it. */
  readonly pooler: PoolerStatus;
  /** Undefined without replicas. */
  readonly replicas: ReplicasStats | undefined;
}

/** A PostgreSQL database behind a pool. Made by {@link createDatabase}. */
export interface Database extends Queryable, Reads, BulkTables, ReplicaSurface, AsyncDisposable {
  /** The driver's own pool, for an ORM or query builder beside hasten. */
  readonly pool: Pool;
  /** host:port/database of this object, without secrets. */
  readonly identity: string;
  /** Runs `work` in a transaction; resolves after COMMIT was acknowledged and the onCommit hooks ran. */
  transaction<T>(work: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Many rows by a unique column in one statement; see the docs for order and bounds. */
  byIds<R, I extends Id = Id>(
    table: string | readonly string[],
    column: string,
    ids: readonly I[],
    options?: ByIdsOptions,
  ): Promise<Map<I, R>>;
  /** One statement for each item, pipelined 100 to a round trip, all in one transaction. */
  executeMany<S>(
    items: Iterable<S>,
    build: (item: S) => Statement,
    options?: ExecuteManyOptions,
  ): Promise<ManyResult>;
  /** One page of a list by cursor; see {@link definePage}. */
  page<R>(spec: PageSpec<R>, request?: PageRequest, options?: CachedQueryOptions): Promise<Page<R>>;
  readonly indexes: Indexes;
  /** Asks the server now. Never rejects. */
  health(): Promise<Health>;
  /** The latest check, periodic or on demand. */
  readonly lastHealth: Health | undefined;
  /** What is known of the pool: checkouts, waits, leaks, a hint of its size. Undefined with `poolWatch: false`. */
  readonly poolWatch: PoolWatch | undefined;
  stats(): DatabaseStats;
  /** Refuses new work, waits for what runs (at most drainTimeoutMs, then cancels it), closes every connection. */
  drain(): Promise<void>;
}

/**
 * Opens a database. Returns at once: connections are opened in the background, so a server that is
 * down shows in the first call, and recovers by itself.
 * @throws HST_PG_OPTION for a setting out of bounds, HST_PG_DRIVER without the package `pg`.
 */
export function createDatabase(options: DatabaseOptions): Database {
  const core = createCore(resolveOptions(options));
  const { connections, measure } = core;
  const execute: Database["execute"] = (statement, given = {}) => executeOn(core, statement, given);
  const query: Database["query"] = <R>(statement: Statement, given: CachedQueryOptions = {}) =>
    queryOn<R>(core, statement, given);
  const self: Database = {
    pool: connections.pool,
    identity: identityOf(connections.pool),
    execute,
    query,
    queryOne: async <R>(statement: Statement, given?: CachedQueryOptions) =>
      onlyRow({ rows: await query<R>(statement, given) }),
    transaction: async (work, given = {}) =>
      transactionOn(forTransaction(core, given), work, given),
    byIds: (table, column, ids, given) => byIds(self, { table, column }, ids, given),
    executeMany: (items, build, given = {}) => executeManyOn(core, { items, build }, given),
    page: (spec, request, given) =>
      readPage({ query: (text, values) => query({ text, values }, given) }, spec, request),
    ...createReads(core),
    ...replicaSurface(core.replicas),
    ...bulkOnDatabase(core),
    indexes: createIndexes(core),
    health: () => health.check(),
    get lastHealth() {
      return health.last();
    },
    poolWatch: connections.watch,
    stats: () => ({
      ...measure.snapshot(),
      pool: connections.stats(),
      pooler: connections.pooler.status(),
      replicas: core.replicas?.stats(),
    }),
    drain() {
      health.stop();
      const { drainTimeoutMs } = core.options;
      draining ??= Promise.all(
        [connections, core.sessions, core.replicas].map((one) => one?.close(drainTimeoutMs)),
      ).then(() => undefined);
      return draining;
    },
    [Symbol.asyncDispose]: () => self.drain(),
  };
  let draining: Promise<void> | undefined;
  const health = createHealth(self, connections, core.options);
  void connections.warm();
  void core.replicas?.warm();
  return self;
}
