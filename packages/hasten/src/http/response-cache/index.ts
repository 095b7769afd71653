export type { StoredCodingStats } from "./codings.ts";
export type { Next, Replay } from "./exchange.ts";
export type { FrontOptions } from "./front.ts";
export type { CacheMark } from "./header-block.ts";
export type { InvalidationTargets } from "./invalidation.ts";
export type { Adapter, Incoming } from "./lookup.ts";
export type { Notice, ResponseCacheOptions, RoutePolicy, Scope } from "./options.ts";
export type { ExtendedRequest } from "./reads.ts";
export { patchRemovably } from "./removable.ts";
export {
  type CachedRoute,
  createResponseCache,
  type ResponseCache,
  type ResponseCacheStats,
} from "./response-cache.ts";
export { servedAs } from "./served.ts";
