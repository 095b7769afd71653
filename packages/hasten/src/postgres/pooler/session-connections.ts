/**
 * Connections for work that needs a session of its own: session locks, settings, building indexes.
 *
 * Invariants:
 * - With `directUrl` they lead past the pooler, from a small pool of their own, opened when first used.
 * - Without it, work is refused as soon as it is known that a pooler gives each transaction another
 *   session: a lock there would be taken on a session that somebody else gets next.
 */
import type { Connections } from "../connections.ts";
import { PostgresError } from "../errors.ts";

export interface SessionConnections extends Pick<Connections, "acquire"> {
  close(timeoutMs: number): Promise<void>;
}

/** Sessions of their own at a time, past the pooler. */
export const SESSIONS_MAX = 4;

/** @param openDirect undefined without `directUrl` */
export function createSessionConnections(
  main: Connections,
  openDirect: (() => Connections) | undefined,
): SessionConnections {
  let direct: Connections | undefined;
  return {
    async acquire(limit) {
      direct ??= openDirect?.();
      const connections = direct ?? main;
      const lease = await connections.acquire(limit);
      if (connections.pooler.kind !== "transaction") return lease;
      lease.release("clean");
      throw needsSession();
    },
    close: async (timeoutMs) => direct?.close(timeoutMs),
  };
}

const needsSession = (): PostgresError =>
  new PostgresError("HST_PG_POOLER", {
    message:
      "This needs a session of its own, and a pooler gives every transaction another one: a lock or setting would reach other clients.",
    fix: "Pass directUrl, the same database without the pooler in between, or pooler: 'session' if it keeps sessions.",
  });
