/**
 * What one request cost: its duration, database and cache time, and its database operations by
 * kind and model. Time is injected; nothing is reported from here.
 *
 * Invariants: memory is bounded per request (OPERATIONS_MAX), and `finish` counts once.
 */
import type { Clock } from "../core/clock.ts";
import type { QueryLog } from "../core/trace/index.ts";
import type { ServerTiming } from "./server-timing.ts";

/** Distinct (kind, model) pairs kept per request; further ones are summed as `other`. */
export const OPERATIONS_MAX = 64;

/** A request slower than this is reported, unless told otherwise. */
export const SLOW_REQUEST_MS = 1_000;

export interface OperationCost {
  /** For example `select`. */
  readonly kind: string;
  /** Table or model. */
  readonly model: string;
  readonly count: number;
  readonly durationMs: number;
}

/** A finished request. Durations in milliseconds. */
export interface TimedRequest {
  readonly method: string;
  /** The route's pattern, not the URL: URLs have no bound. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  /** Sum over database operations; more than `durationMs` where they ran side by side. */
  readonly databaseMs: number;
  readonly databaseOperations: number;
  /** Time in which its statements waited for a connection. 0 where no trace was open. */
  readonly databaseWaitMs: number;
  readonly cacheMs: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly operations: readonly OperationCost[];
  /** Memory of the process when the request finished; undefined when not measured. */
  readonly memoryBytes: number | undefined;
  /** Wall clock at the start. */
  readonly startedAtMs: number;
}

export interface Finish {
  readonly status: number;
  readonly route: string;
  readonly memoryBytes?: number | undefined;
}

export interface RequestTiming {
  /** Adds one database operation. */
  database(operation: {
    readonly kind: string;
    readonly model: string;
    readonly durationMs: number;
  }): void;
  /** Counts the statements of a trace too, as far as it has them when it is asked. Once. */
  statementsOf(queries: () => QueryLog | undefined): void;
  /** Adds one cache access. */
  cache(access: { readonly hit: boolean; readonly durationMs: number }): void;
  /** Entries for Server-Timing as of now: `db`, `wait`, `cache` where used, and `app`, the whole. */
  serverTimings(): readonly ServerTiming[];
  /** The finished request. Later calls give the first result. */
  finish(finish: Finish): TimedRequest;
}

/** A shorter wait is not worth a line. */
const WAIT_SHOWN_MS = 0.1;

interface Sum {
  readonly kind: string;
  readonly model: string;
  count: number;
  durationMs: number;
}

/** Starts timing a request now. */
export function startRequestTiming(method: string, clock: Clock): RequestTiming {
  const startMs = clock.nowMs();
  const startedAtMs = clock.wallMs();
  const sums = new Map<string, Sum>();
  let databaseMs = 0;
  let databaseOperations = 0;
  let cacheMs = 0;
  let cacheHits = 0;
  let cacheMisses = 0;
  let finished: TimedRequest | undefined;
  let queries: () => QueryLog | undefined = () => undefined;
  const totals = (): DatabaseCosts => {
    const log = queries()?.totals();
    return {
      databaseMs: databaseMs + (log?.databaseMs ?? 0),
      databaseOperations: databaseOperations + (log?.count ?? 0),
      databaseWaitMs: log?.waitMs ?? 0,
    };
  };
  return {
    statementsOf(given) {
      queries = given;
    },
    database({ kind, model, durationMs }) {
      databaseMs += durationMs;
      databaseOperations += 1;
      addOperation(sums, { kind, model, durationMs });
    },
    cache({ hit, durationMs }) {
      cacheMs += durationMs;
      if (hit) cacheHits += 1;
      else cacheMisses += 1;
    },
    serverTimings() {
      const timings: ServerTiming[] = [];
      const costs = totals();
      if (costs.databaseOperations > 0) {
        const { databaseOperations: count } = costs;
        const description = `${count} ${count === 1 ? "statement" : "statements"}`;
        timings.push({ name: "db", durationMs: costs.databaseMs, description });
        if (costs.databaseWaitMs >= WAIT_SHOWN_MS)
          timings.push({ name: "wait", durationMs: costs.databaseWaitMs });
      }
      if (cacheHits + cacheMisses > 0) {
        const description = `${cacheHits} hits of ${cacheHits + cacheMisses}`;
        timings.push({ name: "cache", durationMs: cacheMs, description });
      }
      return [...timings, { name: "app", durationMs: clock.nowMs() - startMs }];
    },
    finish({ status, route, memoryBytes }) {
      finished ??= {
        method,
        route,
        status,
        durationMs: clock.nowMs() - startMs,
        ...totals(),
        cacheMs,
        cacheHits,
        cacheMisses,
        operations: [...withStatements(sums, queries()).values()],
        memoryBytes,
        startedAtMs,
      };
      return finished;
    },
  };
}

type DatabaseCosts = Pick<TimedRequest, "databaseMs" | "databaseOperations" | "databaseWaitMs">;

/** What was reported, and what the trace recorded. */
function withStatements(sums: Map<string, Sum>, log: QueryLog | undefined): Map<string, Sum> {
  for (const { shape, cache, sentMs, endedMs } of log?.records ?? []) {
    if (cache === "hit" || (shape.role !== "read" && shape.role !== "write")) continue;
    const durationMs = sentMs === 0 || endedMs === 0 ? 0 : endedMs - sentMs;
    addOperation(sums, { kind: shape.kind, model: shape.model, durationMs });
  }
  return sums;
}

function addOperation(
  sums: Map<string, Sum>,
  operation: { readonly kind: string; readonly model: string; readonly durationMs: number },
): void {
  const key = `${operation.kind}\n${operation.model}`;
  const full = sums.size >= OPERATIONS_MAX && !sums.has(key);
  const { kind, model } = full ? { kind: "other", model: "other" } : operation;
  const name = full ? "other\nother" : key;
  const sum = sums.get(name) ?? { kind, model, count: 0, durationMs: 0 };
  sum.count += 1;
  sum.durationMs += operation.durationMs;
  sums.set(name, sum);
}
