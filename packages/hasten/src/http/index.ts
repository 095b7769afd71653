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
