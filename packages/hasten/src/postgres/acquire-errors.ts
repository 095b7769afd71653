import { isBrokenCircuitError } from "cockatiel";
import { PostgresError } from "./errors.ts";
import type { Emit } from "./establish.ts";
import { reasonOf, unavailable } from "./failures.ts";

const QUEUE_TIMEOUT = /^timeout exceeded when trying to connect/;

/** What a caller is told that got no connection. */
export function acquireFailed(
  error: unknown,
  context: { boundMs: number; full: boolean; emit: Emit },
): PostgresError {
  const given =
    error instanceof Error && QUEUE_TIMEOUT.test(error.message)
      ? acquireTimeout(context.boundMs)
      : error;
  if (given instanceof PostgresError) {
    if (given.code === "HST_PG_ACQUIRE_TIMEOUT") context.emit("acquire-timeout");
    return given;
  }
  if (isBrokenCircuitError(error))
    return unavailable("connecting failed repeatedly and is paused", error, context.full);
  return unavailable(`connecting failed (${reasonOf(error)})`, error, context.full);
}

export const acquireTimeout = (boundMs: number): PostgresError =>
  new PostgresError("HST_PG_ACQUIRE_TIMEOUT", {
    message: `No connection became free or could be opened within ${Math.round(boundMs)} ms.`,
    fix: "Look for slow or leaked transactions, or raise pool.max or pool.acquireTimeoutMs.",
  });

export const takenBack = (): PostgresError =>
  new PostgresError("HST_PG_TX", {
    message: "The connection was held longer than poolWatch.destroyAfterMs, and was taken back.",
    fix: "Hold connections for less long, or raise the bound.",
  });

export const poolFull = (waitingMax: number): PostgresError =>
  new PostgresError("HST_PG_POOL_FULL", {
    message: `All connections are in use and ${waitingMax} callers wait already.`,
    fix: "Shed load earlier, or raise pool.max or pool.waitingMax.",
  });
