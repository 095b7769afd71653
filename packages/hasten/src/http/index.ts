export { PROBLEM_CONTENT_TYPE, type Problem, ProblemError } from "../core/problem.ts";
export { currentTrace, inTrace } from "../core/trace/index.ts";
export {
  CACHE_CONTROL_LENGTH_MAX,
  DELTA_SECONDS_MAX,
  parseRequestCacheControl,
  parseResponseCacheControl,
  type Qualified,
  type RequestDirectives,
  type ResponseDirectives,
} from "./cache-control.ts";
export { joinKey } from "./cache-key.ts";
export {
  appendCacheStatus,
  type CacheStatus,
  type Forward,
  formatCacheStatus,
} from "./cache-status.ts";
export {
  parseTargetedCacheControl,
  TARGETED_FIELDS,
  targetedDirectives,
} from "./cdn-cache-control.ts";
export {
  type CompressedCoding,
  type CompressOptions,
  type Compressor,
  compress,
  compressSync,
  createCompressor,
  SUPPORTED_CODINGS,
  SYNC_BYTES_MAX,
} from "./compress.ts";
export type { CompressionSkip } from "./compress-decision.ts";
export {
  type CompressionOptions,
  createResponseCompression,
  type ResponseCompression,
} from "./compress-response.ts";
export type { CodingStats, CompressionStats } from "./compress-stats.ts";
export { isCompressible, isEventStream, mediaType } from "./compressible.ts";
export {
  evaluatePreconditions,
  keptOnNotModified,
  notModifiedFields,
  type Precondition,
  type Validators,
} from "./conditional.ts";
export {
  type CursorPage,
  type CursorPagination,
  cursorBody,
  cursorHeaders,
} from "./cursor-paging.ts";
export {
  type EtagList,
  etagForCoding,
  ifMatchMatches,
  ifNoneMatchMatches,
  parseEtagList,
  strongEquals,
  strongEtag,
  weakEquals,
  weakEtag,
} from "./etag.ts";
export { type FieldRecord, fieldValue } from "./field-record.ts";
export {
  FIELDS_COUNT_MAX,
  FIELDS_DEPTH_MAX,
  FIELDS_LENGTH_MAX,
  type FieldsOptions,
  parseFields,
  pickFields,
} from "./fields.ts";
export {
  currentAgeSeconds,
  DEFAULT_STATUSES,
  type Exchange,
  type Freshness,
  type FreshnessPolicy,
  type Refusal,
  type Storability,
  storability,
  type Use,
  usability,
} from "./freshness.ts";
export { connectionNominated, isHopByHop } from "./hop-by-hop.ts";
export { formatHttpDate, parseHttpDate } from "./http-date.ts";
export { formatLinks, type Link, linkTarget, type QueryChanges } from "./link.ts";
export { sampledMemory } from "./memory-sample.ts";
export {
  ACCEPT_ENCODING_LENGTH_MAX,
  CODING_PREFERENCE,
  type Coding,
  createNegotiator,
  type Negotiated,
  negotiateCoding,
} from "./negotiate.ts";
export {
  clampPage,
  LIMIT_DEFAULT,
  LIMIT_MAX,
  type OffsetPage,
  offsetBody,
  offsetHeaders,
  PAGE_DEFAULT,
  PAGE_MAX,
  PAGING_FIELDS,
  type PageLocation,
  type Pagination,
  type Paging,
  type PagingOptions,
  parsePaging,
  type Total,
} from "./paging.ts";
export {
  QUERY_LENGTH_MAX,
  QUERY_PARAMETERS_MAX,
  type QueryKey,
  type QueryPolicy,
  queryKey,
} from "./query-key.ts";
export { type QueryValues, queryValues } from "./query-values.ts";
export { evaluateRange, type RangeOutcome, type Representation } from "./range.ts";
export {
  createRequestLog,
  type RequestLog,
  type RequestLogOptions,
  type RequestLogSnapshot,
  ROUTES_MAX,
  type RouteCosts,
  SLOW_REQUESTS_MAX,
} from "./request-log.ts";
export {
  type Finish,
  OPERATIONS_MAX,
  type OperationCost,
  type RequestTiming,
  SLOW_REQUEST_MS,
  startRequestTiming,
  type TimedRequest,
} from "./request-timing.ts";
export { openRequestTrace, requestTrace } from "./request-trace.ts";
export {
  type Adapter,
  type CachedRoute,
  type CacheMark,
  createResponseCache,
  type ExtendedRequest,
  type FrontOptions,
  type Incoming,
  type InvalidationTargets,
  type Next,
  type Notice,
  patchRemovably,
  type Replay,
  type ResponseCache,
  type ResponseCacheOptions,
  type ResponseCacheStats,
  type RoutePolicy,
  type Scope,
  type StoredCodingStats,
  servedAs,
} from "./response-cache/index.ts";
export {
  formatServerTiming,
  SERVER_TIMING_ENTRIES_MAX,
  type ServerTiming,
} from "./server-timing.ts";
export {
  addVary,
  type Buckets,
  normaliseFieldValue,
  parseVary,
  VARY_FIELDS_MAX,
  type Vary,
  variantKey,
} from "./vary.ts";
