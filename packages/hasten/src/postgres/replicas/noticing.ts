/**
 * Connections of the primary that tell a session what was done on them.
 *
 * Invariant: the session knows before whoever used the lease is answered: it is told when the lease is
 * given back or given up, whatever ran on it (statements, transactions, cursors, COPY).
 */
import type { Connections } from "../connections.ts";
import type { Lease } from "../lease.ts";

/** The lease as it was, but for this. */
export function whenOver(lease: Lease, told: () => void): Lease {
  const over =
    <A>(end: (argument: A) => void) =>
    (argument: A): void => {
      told();
      end(argument);
    };
  return Object.create(lease, {
    release: { value: over(lease.release) },
    abandon: { value: over(lease.abandon) },
  }) as Lease;
}

/** @param begins called when a connection is asked for, in the context of who asks; gives what to call at the end */
export function noticing(connections: Connections, begins: () => () => void): Connections {
  return {
    ...connections,
    async acquire(limit) {
      const ended = begins();
      return whenOver(await connections.acquire(limit), ended);
    },
  };
}
