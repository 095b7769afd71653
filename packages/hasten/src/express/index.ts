export { untraced } from "../core/trace/index.ts";
export type { HastenOptions, HastenStatus } from "../facade/index.ts";
export {
  createResponseCache,
  type FrontOptions,
  type InvalidationTargets,
  type Notice,
  type ResponseCache,
  type ResponseCacheOptions,
  type ResponseCacheStats,
  type TimedRequest,
} from "../http/index.ts";
export { type CachedOptions, cached } from "./cached.ts";
export { compression } from "./compression.ts";
export { front } from "./front.ts";
export { type Application, type Hasten, hasten, type ListenOptions } from "./hasten.ts";
export { invalidates, type TargetsOf } from "./invalidates.ts";
export { type ProblemsOptions, problems } from "./problems.ts";
export { currentTiming, type RequestTimingOptions } from "./request-timer.ts";
export { type RequestTimingHandler, requestTiming } from "./request-timing.ts";
export { type RequestsHandler, type RequestsOptions, requests } from "./requests.ts";
