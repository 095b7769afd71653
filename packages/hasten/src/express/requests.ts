import type { Request, RequestHandler, Response } from "express";
import { type Clock, systemClock } from "../core/clock.ts";
import { currentTrace, inTrace, type Trace, traceEnded } from "../core/trace/index.ts";
import {
  type CompressionOptions,
  createRequestLog,
  createResponseCompression,
  openRequestTrace,
  patchRemovably,
  type RequestLogSnapshot,
} from "../http/index.ts";
import {
  createRequestTimer,
  type RequestTimingOptions,
  routeOf,
  runTimed,
} from "./request-timer.ts";

const INSIDE = "another request handled inside it";

/** Each part can be left out with `false`. */
export interface RequestsOptions {
  /** What each request reads, so that cached answers know what they depend on. @default true */
  readonly trace?: boolean;
  /** Duration, database and cache time by route: see `requestTiming`. @default true */
  readonly timing?: boolean | Omit<RequestTimingOptions, "clock">;
  /** Codings for answers that no cache holds: see `compression`. @default true */
  readonly compression?: boolean | CompressionOptions;
  /** @default systemClock */
  readonly clock?: Clock;
}

/** The middleware, and what its timing has seen. */
export interface RequestsHandler extends RequestHandler {
  /** Requests by route, and the latest slow ones; empty without timing. */
  snapshot(): RequestLogSnapshot;
  /** Stops listening to the database channel. */
  close(): void;
}

/**
 * A trace, timing and compression for each request. Mount it before everything that reads: what an
 * authentication reads is part of what an answer depends on.
 * @throws HastenError for options out of bounds.
 */
export function requests(options: RequestsOptions = {}): RequestsHandler {
  const { trace: traced = true, timing = true, compression = true, clock = systemClock } = options;
  const timer =
    timing === false
      ? undefined
      : createRequestTimer({ ...(timing === true ? {} : timing), clock });
  const coded =
    compression === false
      ? undefined
      : createResponseCompression(compression === true ? {} : compression);
  const middleware: RequestHandler = (req, res, next) => {
    const trace = traced ? openRequestTrace(req, clock) : undefined;
    // Mounted twice: the first one opened it before anything was read.
    if (traced && trace === undefined) return next();
    // Its reads go to its own trace: whoever made it inside the process does not see them.
    currentTrace()?.untracked(INSIDE);
    const timed = timer?.start(req, res);
    if (coded !== undefined) patchRemovably(res, () => coded.attach(req, res as Response));
    if (trace !== undefined) {
      trace.timing = timed;
      timed?.statementsOf(() => trace.queriesSoFar);
      tellEnd(trace, { req, res: res as Response, clock });
      inTrace(trace, next);
    } else if (timed !== undefined) runTimed(timed, next);
    else next();
  };
  const none = createRequestLog();
  return Object.assign(middleware, {
    snapshot: () => (timer ?? none).snapshot(),
    close: () => timer?.close(),
  });
}

/** Tells monitors and finders of the trace when the answer is over. */
function tellEnd(
  trace: Trace,
  { req, res, clock }: { readonly req: Request; readonly res: Response; readonly clock: Clock },
): void {
  const nameNow = (): string => `${req.method} ${routeOf(req)}`;
  trace.namedBy(() => (req.route === undefined ? undefined : nameNow()));
  res.once("close", () => {
    const name = nameNow();
    trace.name = name;
    traceEnded(trace, { kind: "request", name, durationMs: clock.nowMs() - trace.startedMs });
  });
}
