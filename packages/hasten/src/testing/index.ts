export { expectQueries, type QueryExpectation } from "./expect-queries.ts";
export { type CutRule, type FaultyProxy, faultyProxy, type ProxyMode } from "./faulty-proxy.ts";
export { type NoNPlusOneOptions, noNPlusOne } from "./no-n-plus-one.ts";
export type { ConformanceCase, RedisServerControl } from "./redis-driver-bench.ts";
export {
  type DriverConformanceOptions,
  redisDriverConformance,
} from "./redis-driver-conformance.ts";
