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

/** Costs reported by hasten's database and cache go to the request in whose context they end. */
function listen(): () => void {
  const onQuery = (message: unknown): void => {
    const cost = message as { kind?: unknown; model?: unknown; durationMs?: unknown };
    if (typeof cost.durationMs !== "number") return;
    const kind = typeof cost.kind === "string" ? cost.kind : "query";
    const model = typeof cost.model === "string" ? cost.model : "";
    current.getStore()?.database({ kind, model, durationMs: cost.durationMs });
  };
  channels.postgresQuery.subscribe(onQuery);
  return () => void channels.postgresQuery.unsubscribe(onQuery);
}
