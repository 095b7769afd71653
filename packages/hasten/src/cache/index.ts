export { createCache } from "./cache.ts";
export { byReference, type Codec } from "./codec.ts";
export type { CacheEvent } from "./events.ts";
export type { FillToken } from "./fence.ts";
export {
  defineKey,
  type Key,
  type KeyBuilder,
  type KeyDefinition,
  type KeyOptions,
  type Segment,
} from "./keys.ts";
export type { CacheOptions } from "./options.ts";
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
  InvalidateOptions,
  LoadContext,
  LoadOptions,
  Outcome,
  RefusedBecause,
  SetOptions,
  StoreOptions,
  Targets,
  WrapOptions,
} from "./types.ts";
