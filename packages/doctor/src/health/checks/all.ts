import type { HealthCheck, TrafficCheck } from "../types.ts";
import { indexBloat, tableBloat } from "./bloat.ts";
import { blocking } from "./blocking.ts";
import { foreignKeyIndexes, invalidConstraints, sequences } from "./constraints.ts";
import { duplicateIndexes, invalidIndexes, prefixIndexes, unusedIndexes } from "./indexes.ts";
import { archiver, replicaLag, replicationSlots } from "./replication.ts";
import { sequentialScans } from "./scans.ts";
import { connections, idleInTransaction, longRunning, preparedTransactions } from "./sessions.ts";
import { settings } from "./settings.ts";
import { statementStatistics } from "./statements.ts";
import {
  cacheHit,
  checkpoints,
  deadlocks,
  rollbacks,
  statementsEvicted,
  tempFiles,
} from "./traffic.ts";
import { analyzeLag, autovacuumDisabled, deadRows, wraparound, xminHolder } from "./vacuum.ts";

/** Every check that asks the server, in the order in which they are made and documented. */
export const CHECKS: readonly HealthCheck[] = [
  connections,
  idleInTransaction,
  longRunning,
  blocking,
  preparedTransactions,
  unusedIndexes,
  duplicateIndexes,
  prefixIndexes,
  invalidIndexes,
  foreignKeyIndexes,
  invalidConstraints,
  sequences,
  sequentialScans,
  tableBloat,
  indexBloat,
  deadRows,
  analyzeLag,
  autovacuumDisabled,
  wraparound,
  xminHolder,
  replicationSlots,
  replicaLag,
  archiver,
  statementStatistics,
  settings,
];

/** Every check of what the counters counted. */
export const TRAFFIC_CHECKS: readonly TrafficCheck[] = [
  deadlocks,
  rollbacks,
  cacheHit,
  tempFiles,
  checkpoints,
  statementsEvicted,
];
