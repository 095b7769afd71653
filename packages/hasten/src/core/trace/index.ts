export type { CallSite } from "./call-site.ts";
export {
  builderSite,
  carriedSite,
  forgetUnattributed,
  fromSite,
  siteHere,
} from "./capture-site.ts";
export {
  currentQueries,
  currentTrace,
  inTrace,
  isAdrift,
  isApart,
  isOwnTraffic,
  isTracing,
  ownTraffic,
  untraced,
} from "./current.ts";
export { DEPENDENCY_TAGS_MAX, type Dependency } from "./dependency.ts";
export { type TraceEnded, type TraceKind, traceEnded } from "./ended.ts";
export { isUnjudged, type SiteCapture, siteCapture, unjudged } from "./judging.ts";
export { type OpenedTrace, onTraceOpened } from "./opened.ts";
export { QueryLog, type QueryTotals, RECORDS_MAX, type TransactionSpan } from "./query-log.ts";
export { type CacheOutcome, newRecord, type QueryRecord } from "./query-record.ts";
export type { QueryShape, QueryTraits } from "./query-shape.ts";
export {
  hasStatementHooks,
  onStatement,
  type StatementEnd,
  type StatementHook,
  tellCalled,
  tellEnded,
} from "./statement-hooks.ts";
export { NOTHING_READ, readAdrift, TOO_MANY_TAGS, Trace } from "./trace.ts";
