export { type CutRule, type FaultyProxy, faultyProxy, type ProxyMode } from "./faulty-proxy.ts";
export type { ConformanceCase, RedisServerControl } from "./redis-driver-bench.ts";
export {
  type DriverConformanceOptions,
  redisDriverConformance,
} from "./redis-driver-conformance.ts";
