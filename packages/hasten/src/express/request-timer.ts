import { AsyncLocalStorage } from "node:async_hooks";
import type { Request, Response } from "express";
import { channels } from "../core/channels.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { currentTrace, type Trace } from "../core/trace/index.ts";
import {
  createRequestLog,
  formatServerTiming,
  type RequestLogSnapshot,
  type RequestTiming,
  sampledMemory,
  servedAs,
  startRequestTiming,
  type TimedRequest,
} from "../http/index.ts";

export interface RequestTimingOptions {
  /** A request that takes longer is slow. Milliseconds, 1 to 3600000. @default 1000 */
  readonly slowMs?: number;
  /** Told of each slow request. It must not throw. */
  readonly onSlow?: (request: TimedRequest) => void;
  /**
   * Sends Server-Timing: to everyone, or where the function says so. It tells how long the
   * database took, so keep it from the public. @default false
   */
  readonly serverTiming?: boolean | ((req: Request) => boolean);
  /** @default systemClock */
  readonly clock?: Clock;
}

/** Times requests; whoever starts it makes the timing current. */
export interface RequestTimer {
  start(req: Request, res: Response): RequestTiming;
  snapshot(): RequestLogSnapshot;
  /** Stops listening to the database channel. */
  close(): void;
}

const current = new AsyncLocalStorage<RequestTiming>();

/** The timing of the request being handled, to add costs that hasten does not see. */
export function currentTiming(): RequestTiming | undefined {
  return timingOf(currentTrace()) ?? current.getStore();
}

/** Makes it current where there is no trace to carry it. */
export function runTimed(timing: RequestTiming, run: () => void): void {
  current.run(timing, run);
}

/** @throws HastenError HST_HTTP_OPTION when slowMs is out of bounds. */
export function createRequestTimer(options: RequestTimingOptions = {}): RequestTimer {
  const { clock = systemClock, serverTiming = false } = options;
  const log = createRequestLog({ slowMs: options.slowMs, onSlow: options.onSlow });
  const memoryBytes = sampledMemory(clock);
  return {
    start(req, res) {
      const timing = startRequestTiming(req.method, clock);
      res.once("close", () => {
        noteServed(res, timing);
        const request = timing.finish({
          status: res.statusCode,
          route: routeOf(req),
          memoryBytes: memoryBytes(),
        });
        log.record(request);
        if (channels.httpRequest.hasSubscribers) channels.httpRequest.publish(request);
      });
      const shown = typeof serverTiming === "function" ? serverTiming(req) : serverTiming;
      if (shown) sendServerTiming(res, timing);
      return timing;
    },
    snapshot: () => log.snapshot(),
    close: listen(),
  };
}

/** The pattern where a route matched: URLs have no bound. */
export function routeOf(req: Request): string {
  const path: unknown = req.route?.path;
  return typeof path === "string" ? req.baseUrl + path : "unmatched";
}

/** Adds the field as late as possible, so that it covers the handler. */
function sendServerTiming(res: Response, timing: RequestTiming): void {
  const writeHead = res.writeHead as (...args: unknown[]) => Response;
  Object.assign(res, {
    writeHead(...args: unknown[]) {
      const field = formatServerTiming(timing.serverTimings());
      if (field !== undefined && !res.headersSent) res.appendHeader("Server-Timing", field);
      return writeHead.apply(res, args);
    },
  });
}

/** A hit's whole time is the cache's; a miss cost a look-up, which is too short to time. */
function noteServed(res: Response, timing: RequestTiming): void {
  const served = servedAs(res);
  if (served === undefined) return;
  const hit = served !== "MISS";
  const wholeMs = timing.serverTimings().at(-1)?.durationMs ?? 0;
  timing.cache({ hit, durationMs: hit ? wholeMs : 0 });
}

/** A statement as its event tells it. */
interface QueryEvent {
  readonly statement?: unknown;
  readonly durationMs?: unknown;
  /** Whose it was: a watched connection publishes from whatever context its socket has. */
  readonly trace?: Trace | undefined;
  /** That trace has it among its own. */
  readonly recorded?: unknown;
}

let timers = 0;

/** All timers share one listener: two of them must not count a statement twice. */
function listen(): () => void {
  if (timers === 0) channels.postgresQuery.subscribe(onQuery);
  timers += 1;
  let open = true;
  return () => {
    if (!open) return;
    open = false;
    timers -= 1;
    if (timers === 0) channels.postgresQuery.unsubscribe(onQuery);
  };
}

/** Costs reported by the database go to the request that asked for the statement. */
function onQuery(message: unknown): void {
  const { statement, durationMs, trace, recorded } = message as QueryEvent;
  // A timing on a trace counts the statements that the trace recorded.
  if (recorded === true && trace !== undefined && timingOf(trace) !== undefined) return;
  const timing = trace === undefined ? currentTiming() : timingOf(trace);
  if (timing === undefined || typeof durationMs !== "number") return;
  const text = typeof statement === "string" ? statement : "";
  timing.database({ kind: kindOf(text), model: modelOf(text), durationMs });
}

/** What `start` gave and its caller put on the trace. */
function timingOf(trace: Trace | undefined): RequestTiming | undefined {
  return trace?.timing as RequestTiming | undefined;
}

/** `select`, `insert`, …: the first word of a statement. */
function kindOf(statement: string): string {
  return /^[\s(]*([a-z]+)/i.exec(statement)?.[1]?.toLowerCase() ?? "query";
}

/** The first table it names, or "" where it names none. */
function modelOf(statement: string): string {
  const found = /\b(?:from|into|update)\s+"?([a-z_][\w.]*)/i.exec(statement);
  return found?.[1]?.toLowerCase() ?? "";
}
