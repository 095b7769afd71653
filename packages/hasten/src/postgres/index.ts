export { HastenError } from "../core/errors.ts";
export {
  type BulkMethod,
  type BulkOptions,
  type BulkOutcome,
  type BulkProgress,
  type BulkResult,
  type BulkRow,
  type BulkRows,
  type BulkTable,
  type BulkTables,
  bulkOutcome,
  type DeleteOptions,
  type InsertOptions,
  type UpdateOptions,
  type UpsertOptions,
} from "./bulk/types.ts";
export type { QueryCache, QueryCacheOptions } from "./cached-query.ts";
export { openCoherence } from "./coherence/open.ts";
export type { Finding, FindingId } from "./coherence/preflight/finding.ts";
export {
  type Preflight,
  type PreflightOptions,
  preflight,
} from "./coherence/preflight/preflight.ts";
export { report as preflightReport } from "./coherence/preflight/report.ts";
export { type PrepareOptions, plannedSetup, setUp } from "./coherence/prepare.ts";
export type { Step } from "./coherence/setup.ts";
export type {
  Coherence,
  CoherenceEvent,
  CoherenceOptions,
  CoherenceState,
  CoherenceStatus,
} from "./coherence/types.ts";
export type { PoolStats } from "./connections.ts";
export { createDatabase, type Database, type DatabaseStats } from "./database.ts";
export type { PgDriver } from "./driver.ts";
export { POSTGRES_CODES, type PostgresCode, PostgresError } from "./errors.ts";
export type { PoolEvent } from "./establish.ts";
export { isUnavailable } from "./failures.ts";
export type { Health } from "./health.ts";
export {
  collectHistory,
  type QueryHistory,
  type QueryHistoryOptions,
  type Regression,
  type RegressionEvent,
  type SavedHistory,
  type StatementHistory,
  type Usual,
  type WindowStats,
} from "./history/index.ts";
export { IDENTIFIER_BYTES_MAX, quoteIdentifier, quoteQualified } from "./ident.ts";
export type { Indexes } from "./indexes/ensure.ts";
export type { IndexColumn, IndexMethod, IndexOutcome, IndexSpec } from "./indexes/spec.ts";
export type { ByIdsOptions, ExecuteManyOptions, Id, ManyResult } from "./many.ts";
export type { QueryEvent, QueryStats, SlowQuery, StatementStats } from "./measure.ts";
export type { Applied, MigrationEvent } from "./migrations/apply.ts";
export {
  type MigrateCommandOptions,
  type MigrateOptions,
  type MigrateResult,
  migrate,
  migrateCommand,
} from "./migrations/migrate.ts";
export { normalise } from "./normalise.ts";
export type {
  ConnectionTarget,
  DatabaseOptions,
  PoolOptions,
  ReplicaTarget,
  RetryOptions,
} from "./options.ts";
export type { ColumnType, SortableType } from "./pages/column-type.ts";
export { PAGE_CODES, type PageCode, type PageProblem } from "./pages/errors.ts";
export {
  CURSOR_KEYS_MAX,
  type CursorKey,
  type KeyRing,
  keyRing,
} from "./pages/key-ring.ts";
export { type PageQuery, type PageRequest, pageQuery } from "./pages/keyset.ts";
export {
  type OffsetPage,
  type OffsetQuery,
  type OffsetRequest,
  offsetQuery,
} from "./pages/offset.ts";
export type { CursorOptions, PageColumn, PageOptions, SortItem } from "./pages/options.ts";
export type { DriverRow, Page } from "./pages/page.ts";
export { definePage, type PageSpec } from "./pages/page-spec.ts";
export { type PageRunner, readOffsetPage, readPage, readTotal } from "./pages/read-page.ts";
export { type SortIndex, sortIndex } from "./pages/sort-index.ts";
export {
  countQuery,
  estimateQuery,
  type Total,
  type TotalQuery,
  type TotalRequest,
} from "./pages/total.ts";
export type { PoolWatchOptions } from "./pool-watch/options.ts";
export { poolEventLine, poolLine } from "./pool-watch/pool-line.ts";
export type { SizeHint } from "./pool-watch/size-hint.ts";
export type {
  CheckoutEvent,
  CheckoutKind,
  CheckoutReport,
  PoolCounts,
  PoolKind,
  PoolReport,
  PoolWatch,
  PoolWatchEvent,
  RefusedEvent,
  ReturnedEvent,
  WaitingEvent,
  WatchedPool,
} from "./pool-watch/types.ts";
export { watchPool } from "./pool-watch/watch-pool.ts";
export type { ConsoleOptions } from "./pooler/admin.ts";
export type { PoolerMode, PoolerOptions } from "./pooler/options.ts";
export type { PoolerKind, PoolerStatus } from "./pooler/pooler.ts";
export {
  type PgBouncerPool,
  type PgBouncerStats,
  type PgBouncerStatsOptions,
  type PgBouncerTotals,
  type PgBouncerTraffic,
  pgbouncerStats,
} from "./pooler/stats.ts";
export {
  type PgBouncerEvent,
  type PgBouncerWatch,
  type PgBouncerWatchOptions,
  watchPgBouncer,
} from "./pooler/watch-console.ts";
export type { CachedQueryOptions, Queryable, QueryOptions, Result } from "./queryable.ts";
export type { CopyFormat, CopyOutOptions } from "./read/copy-options.ts";
export type { CopyOut } from "./read/copy-out.ts";
export type { CopySource } from "./read/copy-statement.ts";
export type { SnapshotHeld, SnapshotOptions, StreamOptions } from "./read/options.ts";
export type { Rows } from "./read/row-stream.ts";
export type { TableRows, TableStreamOptions } from "./read/table-options.ts";
export type { BatchQueryOptions, Reads, TxReads, TxStreamOptions } from "./read/types.ts";
export { type Observed, type ObserveOptions, observe } from "./recording/observe.ts";
export type { ReadFrom, ReplicaReads } from "./replicas/reads.ts";
export type { Session, SessionOptions } from "./replicas/sessions.ts";
export type { PrimaryReads, ReplicaState, ReplicaStats, ReplicasStats } from "./replicas/types.ts";
export { SetError } from "./send-together.ts";
export type { AuditOutcome, SessionAudit, SessionEvent } from "./sessions/events.ts";
export type {
  FindingKind as SessionFindingKind,
  ServerFacts,
  SessionCheckout,
  SessionFacts,
  SessionFinding,
} from "./sessions/facts.ts";
export { sessionGrants } from "./sessions/grants.ts";
export type { SessionsOptions } from "./sessions/options.ts";
export type { SessionLimits, SessionPolicy } from "./sessions/policy.ts";
export { type Sessions, type SessionsStatus, watchSessions } from "./sessions/watch.ts";
export { ident, Sql, type SqlTag, type Statement, sql, trustedSql, VALUES_MAX } from "./sql.ts";
export type { TransactionOptions, Tx } from "./tx.ts";
