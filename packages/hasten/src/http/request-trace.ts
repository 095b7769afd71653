/**
 * The trace that belongs to a request: kept on the request, because the asynchronous context that
 * also carries it is lost by middleware that calls back from a queue of its own.
 */
import type { IncomingMessage } from "node:http";
import { type Clock, systemClock } from "../core/clock.ts";
import { Trace } from "../core/trace/index.ts";

const TRACE = Symbol("hasten.trace");

type Traced = IncomingMessage & { [TRACE]?: Trace };

/** Opens it, before anything is read for the request; once: later calls give undefined. */
export function openRequestTrace(
  req: IncomingMessage,
  clock: Clock = systemClock,
): Trace | undefined {
  const traced = req as Traced;
  if (traced[TRACE] !== undefined) return undefined;
  const trace = new Trace(clock);
  traced[TRACE] = trace;
  return trace;
}

/** The trace opened for this request, whatever context runs now. */
export function requestTrace(req: IncomingMessage): Trace | undefined {
  return (req as Traced)[TRACE];
}

/** A copy of a request stands for the same one. */
export function shareRequestTrace(from: IncomingMessage, to: IncomingMessage): void {
  const trace = requestTrace(from);
  if (trace !== undefined) (to as Traced)[TRACE] = trace;
}
