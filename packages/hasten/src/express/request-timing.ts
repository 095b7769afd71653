import type { RequestHandler } from "express";
import type { RequestLogSnapshot } from "../http/index.ts";
import { createRequestTimer, type RequestTimingOptions, runTimed } from "./request-timer.ts";

/** The middleware, and what it has seen. */
export interface RequestTimingHandler extends RequestHandler {
  /** Requests by route, and the latest slow ones. */
  snapshot(): RequestLogSnapshot;
  /** Stops listening to the database and cache channels. */
  close(): void;
}

/**
 * Times every request: duration, status, route, and the database and cache time that hasten's own
 * parts report. Publishes a `TimedRequest` to the `hasten:http:request` channel. Mount it first.
 * `requests` does this and more.
 * @throws HastenError HST_HTTP_OPTION when slowMs is out of bounds.
 */
export function requestTiming(options: RequestTimingOptions = {}): RequestTimingHandler {
  const timer = createRequestTimer(options);
  const middleware: RequestHandler = (req, res, next) => runTimed(timer.start(req, res), next);
  return Object.assign(middleware, { snapshot: timer.snapshot, close: timer.close });
}
