import { channels } from "../channels.ts";
import type { QueryLog } from "./query-log.ts";
import type { Trace } from "./trace.ts";

/** What a trace was opened for. */
export type TraceKind = "request" | "job" | "test" | "work";

/** Payload of the channel `hasten:trace:ended`: one request or job that is over. */
export interface TraceEnded {
  readonly kind: TraceKind;
  /** `GET /api/orders/:id`, the name of a job: never a URL, which has no bound. */
  readonly name: string;
  readonly durationMs: number;
  /** Its statements; undefined where there were none. */
  readonly queries: QueryLog | undefined;
}

/** Tells monitors and finders; costs one property read where nobody listens. */
export function traceEnded(
  trace: Trace,
  { kind, name, durationMs }: Omit<TraceEnded, "queries">,
): void {
  if (!channels.traceEnded.hasSubscribers) return;
  const event: TraceEnded = { kind, name, durationMs, queries: trace.queriesSoFar };
  channels.traceEnded.publish(event);
}
