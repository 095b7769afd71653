/**
 * Finished requests, summed by route: a latency histogram, costs and the latest slow requests.
 * Bounded: ROUTES_MAX routes (7 KiB each) and SLOW_REQUESTS_MAX slow requests, oldest out first.
 */
import { createHistogram, type Histogram, type HistogramSnapshot } from "../core/histogram.ts";
import { wholeNumber } from "./errors.ts";
import {
  OPERATIONS_MAX,
  type OperationCost,
  SLOW_REQUEST_MS,
  type TimedRequest,
} from "./request-timing.ts";

/** Further routes are summed as `other`. */
export const ROUTES_MAX = 256;
/** Slow requests remembered. */
export const SLOW_REQUESTS_MAX = 100;

export interface RequestLogOptions {
  /** A request that takes longer is slow. Milliseconds, 1 to 3600000. @default 1000 */
  readonly slowMs?: number | undefined;
  /** Called with each slow request. It must not throw. */
  readonly onSlow?: ((request: TimedRequest) => void) | undefined;
}

export interface RouteCosts {
  readonly method: string;
  readonly route: string;
  readonly durations: HistogramSnapshot;
  /** Requests answered with 500 or above. */
  readonly serverErrors: number;
  readonly databaseMs: number;
  readonly databaseOperations: number;
  readonly cacheMs: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly operations: readonly OperationCost[];
}

export interface RequestLogSnapshot {
  readonly requests: number;
  readonly slowRequests: number;
  readonly durations: HistogramSnapshot;
  readonly memoryBytes: number | undefined;
  readonly routes: readonly RouteCosts[];
  /** The latest slow requests, newest last. */
  readonly slow: readonly TimedRequest[];
}

export interface RequestLog {
  /** Adds a request and says whether it was slow. */
  record(request: TimedRequest): "slow" | "normal";
  snapshot(): RequestLogSnapshot;
  reset(): void;
}

interface Route {
  readonly method: string;
  readonly route: string;
  readonly durations: Histogram;
  readonly operations: Map<string, OperationCost>;
  serverErrors: number;
  databaseMs: number;
  databaseOperations: number;
  cacheMs: number;
  cacheHits: number;
  cacheMisses: number;
}

/** @throws HastenError when an option is out of bounds. */
export function createRequestLog(options: RequestLogOptions = {}): RequestLog {
  const bounds = { min: 1, max: 3_600_000, fallback: SLOW_REQUEST_MS };
  const slowMs = wholeNumber("slowMs", options.slowMs, bounds);
  const routes = new Map<string, Route>();
  const durations = createHistogram();
  const slow: TimedRequest[] = [];
  let slowRequests = 0;
  let memoryBytes: number | undefined;
  return {
    record(request) {
      durations.record(request.durationMs);
      memoryBytes = request.memoryBytes ?? memoryBytes;
      addToRoute(routeFor(routes, request), request);
      if (request.durationMs <= slowMs) return "normal";
      slowRequests += 1;
      slow.push(request);
      if (slow.length > SLOW_REQUESTS_MAX) slow.shift();
      options.onSlow?.(request);
      return "slow";
    },
    snapshot: () => ({
      requests: durations.count,
      slowRequests,
      durations: durations.snapshot(),
      memoryBytes,
      routes: [...routes.values()].map(routeCosts),
      slow: [...slow],
    }),
    reset() {
      routes.clear();
      durations.reset();
      slow.length = 0;
      slowRequests = 0;
    },
  };
}

function routeFor(routes: Map<string, Route>, request: TimedRequest): Route {
  const key = `${request.method} ${request.route}`;
  const known = routes.get(key);
  if (known !== undefined) return known;
  const full = routes.size >= ROUTES_MAX;
  const name = full ? "other" : key;
  const created =
    routes.get(name) ?? emptyRoute(full ? "*" : request.method, full ? "other" : request.route);
  routes.set(name, created);
  return created;
}

function emptyRoute(method: string, route: string): Route {
  return {
    method,
    route,
    durations: createHistogram(),
    operations: new Map(),
    serverErrors: 0,
    databaseMs: 0,
    databaseOperations: 0,
    cacheMs: 0,
    cacheHits: 0,
    cacheMisses: 0,
  };
}

function addToRoute(route: Route, request: TimedRequest): void {
  route.durations.record(request.durationMs);
  if (request.status >= 500) route.serverErrors += 1;
  route.databaseMs += request.databaseMs;
  route.databaseOperations += request.databaseOperations;
  route.cacheMs += request.cacheMs;
  route.cacheHits += request.cacheHits;
  route.cacheMisses += request.cacheMisses;
  for (const operation of request.operations) addCost(route.operations, operation);
}

function addCost(costs: Map<string, OperationCost>, operation: OperationCost): void {
  const exact = `${operation.kind}\n${operation.model}`;
  const full = costs.size >= OPERATIONS_MAX && !costs.has(exact);
  const key = full ? "other\nother" : exact;
  const { kind, model } = full ? { kind: "other", model: "other" } : operation;
  const sum = costs.get(key);
  costs.set(key, {
    kind,
    model,
    count: operation.count + (sum?.count ?? 0),
    durationMs: operation.durationMs + (sum?.durationMs ?? 0),
  });
}

function routeCosts(route: Route): RouteCosts {
  const { durations, operations, ...costs } = route;
  return { ...costs, durations: durations.snapshot(), operations: [...operations.values()] };
}
