import { AsyncLocalStorage } from "node:async_hooks";
import type { Request, RequestHandler, Response } from "express";
import { channels } from "../core/channels.ts";
import { type Clock, systemClock } from "../core/clock.ts";
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

/** The middleware, and what it has seen. */
export interface RequestTimingHandler extends RequestHandler {
  /** Requests by route, and the latest slow ones. */
  snapshot(): RequestLogSnapshot;
  /** Stops listening to the database and cache channels. */
  close(): void;
}

const current = new AsyncLocalStorage<RequestTiming>();

/** The timing of the request being handled, to add costs that hasten does not see. */
export function currentTiming(): RequestTiming | undefined {
  return current.getStore();
}

/**
 * Times every request: duration, status, route, and the database and cache time that hasten's own
 * parts report. Publishes a `TimedRequest` to the `hasten:http:request` channel. Mount it first.
 * @throws HastenError HST_HTTP_OPTION when slowMs is out of bounds.
 */
export function requestTiming(options: RequestTimingOptions = {}): RequestTimingHandler {
  const { clock = systemClock, serverTiming = false } = options;
  const log = createRequestLog({ slowMs: options.slowMs, onSlow: options.onSlow });
  const memoryBytes = sampledMemory(clock);
  const close = listen();
  const middleware: RequestHandler = (req, res, next) => {
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
    current.run(timing, next);
  };
  return Object.assign(middleware, { snapshot: () => log.snapshot(), close });
}

/** The pattern where a route matched: URLs have no bound. */
function routeOf(req: Request): string {
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

/** Costs reported by hasten's database go to the request in whose context its statement ends. */
function listen(): () => void {
  const onQuery = (message: unknown): void => {
    const timing = current.getStore();
    if (timing === undefined) return;
    const { statement, durationMs } = message as { statement?: unknown; durationMs?: unknown };
    if (typeof durationMs !== "number") return;
    const text = typeof statement === "string" ? statement : "";
    timing.database({ kind: kindOf(text), model: modelOf(text), durationMs });
  };
  channels.postgresQuery.subscribe(onQuery);
  return () => void channels.postgresQuery.unsubscribe(onQuery);
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
