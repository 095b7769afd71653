import { PostgresError } from "../errors.ts";
import type { Watcher } from "./watcher.ts";

/** Tells that a caller is refused, and gives the error for it. */
export function refusedFull(watcher: Watcher): PostgresError {
  watcher.shed();
  return new PostgresError("HST_PG_POOL_FULL", {
    message: `All connections are in use and ${watcher.watching.waitingMax} callers wait already.`,
    fix: "Shed load earlier, hold connections for less long, or raise max or waitingMax.",
  });
}

/** The same in the way that the caller asked. */
export function rejectedFull(
  watcher: Watcher,
  PromiseClass: PromiseConstructor = Promise,
  callback: ((error: unknown, client: undefined, done: () => void) => void) | undefined,
): Promise<never> | undefined {
  const error = refusedFull(watcher);
  if (callback === undefined) return PromiseClass.reject(error);
  process.nextTick(callback, error, undefined, () => undefined);
  return undefined;
}
