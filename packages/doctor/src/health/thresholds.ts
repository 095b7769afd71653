const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MB = 1024 * 1024;
const GB = 1024 * MB;

/**
 * From where on something is a finding. `Ms` are milliseconds, `Share` is 0 to 1, and each is
 * reached when the measured value is at or above it, unless its name says otherwise.
 */
export interface Thresholds {
  /** Of the connections that ordinary roles may open. */
  readonly connectionsWarningShare: number;
  readonly connectionsCriticalShare: number;
  /** Since the transaction's last statement ended. */
  readonly idleInTransactionWarningMs: number;
  readonly idleInTransactionCriticalMs: number;
  readonly longRunningWarningMs: number;
  readonly longRunningCriticalMs: number;
  /** Longest wait behind one blocking session. */
  readonly blockedWarningMs: number;
  readonly blockedCriticalMs: number;
  /** Waiting sessions behind one, which with `blockedCriticalMs` make it critical. */
  readonly blockedCriticalSessions: number;
  readonly preparedTransactionWarningMs: number;
  readonly preparedTransactionCriticalMs: number;
  /** More than so many in an hour. */
  readonly deadlocksWarningPerHour: number;
  readonly deadlocksCriticalPerHour: number;
  readonly rollbackWarningShare: number;
  /** Fewer transactions than this say nothing of the share that is rolled back. */
  readonly rollbackTransactionsMin: number;
  /** Share of pages found in shared buffers: a finding below it. */
  readonly cacheHitInfoShare: number;
  readonly cacheHitWarningShare: number;
  /** Fewer page accesses than this say nothing of the cache. */
  readonly cachePagesMin: number;
  readonly tempWarningBytesPerSecond: number;
  readonly tempCriticalBytesPerSecond: number;
  /** Share of checkpoints that were forced by written WAL instead of by time. */
  readonly checkpointsRequestedShare: number;
  readonly checkpointsMin: number;
  readonly unusedIndexBytesMin: number;
  /** PostgreSQL 16+: not scanned for so long counts as unused. */
  readonly unusedIndexMs: number;
  /** Counters younger than this prove no index unused. */
  readonly unusedIndexCountersMinMs: number;
  /** Rows of the referencing table. */
  readonly foreignKeyRowsMin: number;
  /** The same when rows of the referenced table have been deleted. */
  readonly foreignKeyDeletedRowsMin: number;
  readonly sequentialScansRowsMin: number;
  /** Share of the table's scans that read all of it. */
  readonly sequentialScansShare: number;
  readonly sequentialScansRowsReadMin: number;
  readonly sequenceWarningShare: number;
  readonly sequenceCriticalShare: number;
  readonly tableBloatWarningShare: number;
  readonly tableBloatWarningBytes: number;
  readonly tableBloatCriticalShare: number;
  readonly tableBloatCriticalBytes: number;
  readonly indexBloatShare: number;
  readonly indexBloatBytes: number;
  readonly deadRowsMin: number;
  /** Since the last vacuum, beyond autovacuum's own trigger. */
  readonly vacuumLagMs: number;
  /** Times autovacuum's own trigger. */
  readonly analyzeLagTriggers: number;
  readonly analyzeLagRowsMin: number;
  readonly analyzeLagMs: number;
  /** Of the ids that are left before the server refuses to write. */
  readonly wraparoundWarningShare: number;
  readonly wraparoundCriticalShare: number;
  readonly xminHolderMs: number;
  readonly xminHolderXids: number;
  readonly slotInactiveMs: number;
  /** Of `max_slot_wal_keep_size`. */
  readonly slotKeepShare: number;
  /** Without that limit, or before PostgreSQL 17, which does not tell since when a slot is idle. */
  readonly slotRetainedBytes: number;
  readonly replicaLagWarningMs: number;
  readonly replicaLagCriticalMs: number;
  readonly replicaLagCriticalBytes: number;
  /** More than so many evicted statements in an hour. */
  readonly statementsEvictedPerHour: number;
}

export const THRESHOLDS: Thresholds = {
  connectionsWarningShare: 0.8,
  connectionsCriticalShare: 0.95,
  idleInTransactionWarningMs: 30 * SECOND,
  idleInTransactionCriticalMs: 5 * MINUTE,
  longRunningWarningMs: MINUTE,
  longRunningCriticalMs: 5 * MINUTE,
  blockedWarningMs: 5 * SECOND,
  blockedCriticalMs: 5 * MINUTE,
  blockedCriticalSessions: 3,
  preparedTransactionWarningMs: 10 * MINUTE,
  preparedTransactionCriticalMs: HOUR,
  deadlocksWarningPerHour: 0,
  deadlocksCriticalPerHour: 300,
  rollbackWarningShare: 0.1,
  rollbackTransactionsMin: 100,
  cacheHitInfoShare: 0.98,
  cacheHitWarningShare: 0.9,
  cachePagesMin: 10_000,
  tempWarningBytesPerSecond: 10 * MB,
  tempCriticalBytesPerSecond: 100 * MB,
  checkpointsRequestedShare: 0.5,
  checkpointsMin: 10,
  unusedIndexBytesMin: 10 * MB,
  unusedIndexMs: 35 * DAY,
  unusedIndexCountersMinMs: 14 * DAY,
  foreignKeyRowsMin: 10_000,
  foreignKeyDeletedRowsMin: 1_000,
  sequentialScansRowsMin: 10_000,
  sequentialScansShare: 0.05,
  sequentialScansRowsReadMin: 1_000_000,
  sequenceWarningShare: 0.75,
  sequenceCriticalShare: 0.9,
  tableBloatWarningShare: 0.2,
  tableBloatWarningBytes: 100 * MB,
  tableBloatCriticalShare: 0.4,
  tableBloatCriticalBytes: GB,
  indexBloatShare: 0.4,
  indexBloatBytes: 100 * MB,
  deadRowsMin: 10_000,
  vacuumLagMs: 10 * HOUR,
  analyzeLagTriggers: 2,
  analyzeLagRowsMin: 1_000,
  analyzeLagMs: HOUR,
  wraparoundWarningShare: 0.25,
  wraparoundCriticalShare: 0.5,
  xminHolderMs: HOUR,
  xminHolderXids: 10_000_000,
  slotInactiveMs: 30 * MINUTE,
  slotKeepShare: 0.5,
  slotRetainedBytes: GB,
  replicaLagWarningMs: 30 * SECOND,
  replicaLagCriticalMs: HOUR,
  replicaLagCriticalBytes: GB,
  statementsEvictedPerHour: 0,
};
