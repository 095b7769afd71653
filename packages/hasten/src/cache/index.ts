export { createCache } from "./cache.ts";
export {
  type CachedCalculation,
  type CalculationOptions,
  cachedCalculation,
} from "./calculation/calculation.ts";
export { byReference, type Codec, type WireForm, type WireOrigin } from "./codec.ts";
export type { CacheEvent } from "./events.ts";
export type { FillToken } from "./fill.ts";
export { escapeGlob } from "./groups/glob.ts";
export { defineGroups, type GroupDefinitions, type InvalidationGroups } from "./groups/groups.ts";
export type {
  Matching,
  MatchingJob,
  MatchingProgress,
  MatchingRun,
} from "./groups/matching-types.ts";
export type { ServerInfo } from "./hot/info.ts";
export type { TierEvent } from "./hot/tier-event.ts";
export type {
  CacheHealth,
  CacheReport,
  ColdKey,
  HealthFinding,
  HealthFindingId,
  HealthThresholds,
  HotKey,
  LoadReport,
  MemoryReport,
  SharedReport,
  Watching,
} from "./hot/types.ts";
export {
  defineKey,
  type Key,
  type KeyBuilder,
  type KeyDefinition,
  type KeyOptions,
  type Segment,
} from "./keys.ts";
export type { CacheOptions } from "./options.ts";
export type { SharedStatus } from "./shared/port.ts";
export {
  allUsersKey,
  apiResponseKey,
  queryResultKey,
  rateLimitKey,
  userKey,
} from "./standard-keys.ts";
export type { CacheStats } from "./stats.ts";
export type {
  BatchLoad,
  Cache,
  EntryView,
  Explanation,
  Hold,
  InvalidateOptions,
  LoadContext,
  LoadOptions,
  Outcome,
  RefusedBecause,
  SetOptions,
  SharedExplanation,
  StoreOptions,
  Targets,
  WrapOptions,
} from "./types.ts";
export { segmentsOf } from "./warm/segments.ts";
export {
  type HotLoad,
  type StandardStrategies,
  type StandardTasks,
  standardStrategies,
} from "./warm/strategies.ts";
export { warmMany, warmOne } from "./warm/tasks.ts";
export type {
  WarmContext,
  WarmStrategies,
  WarmStrategy,
  WarmTask,
  WarmTaskFailure,
  WarmUp,
  WarmUpEvent,
  WarmUpOptions,
  WarmUpProgress,
  WarmUpReport,
  WarmUpRun,
  WarmUpStatus,
} from "./warm/types.ts";
export { createWarmUp } from "./warm/warm-up.ts";
