import type { Pool } from "pg";
import type { Clock } from "../core/clock.ts";
import type { PgClient } from "./driver.ts";

/**
 * Why the connections that wait in the pool are as bad as the one that was just given up. `no answer`:
 * a statement timed out and not even the request to cancel it was taken: the network swallows, and
 * each of the others would cost a caller the same time-out. `read-only`: the server refused a write as
 * such: after a failover the others, too, lead to what used to be the primary.
 */
export type Suspicion = "no answer" | "read-only";

/** A write in a read-only transaction of the application looks the same: not at each of them. */
const READ_ONLY_EVERY_MS = 10_000;

/** Closes every idle connection of the pool; those in use go on. The pool opens others when needed. */
export function idleDropper(pool: Pool, clock: Clock): (why: Suspicion) => void {
  let latestMs = Number.NEGATIVE_INFINITY;
  return (why) => {
    const nowMs = clock.nowMs();
    if (why === "read-only" && nowMs - latestMs < READ_ONLY_EVERY_MS) return;
    latestMs = nowMs;
    // The driver has no call for it. Without its own parts they are found out one by one.
    const parts = pool as unknown as IdleParts;
    if (!Array.isArray(parts._idle) || typeof parts._remove !== "function") return;
    for (const { client } of [...parts._idle]) {
      // Out of the pool first: nobody may be given a client whose socket closes.
      parts._remove(client);
      client.connection?.stream?.destroy();
    }
  };
}

interface IdleParts {
  readonly _idle?: readonly { readonly client: PgClient }[];
  _remove?(client: PgClient): void;
}
