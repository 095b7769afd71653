export { createCache } from "./cache.ts";
export { byReference, type Codec, type WireForm, type WireOrigin } from "./codec.ts";
export type { CacheEvent } from "./events.ts";
export type { FillToken } from "./fill.ts";
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
