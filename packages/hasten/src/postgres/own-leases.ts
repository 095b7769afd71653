import type { Lease } from "./lease.ts";

/**
 * The leases of every database of this process, by server, so that what is known of a session of
 * the server can be joined with who has it here, and so that ending it goes by its lease: the client is
 * out of the pool before anything is cancelled. A database takes its own out when it is closed.
 */
const offered = new Map<ReadonlySet<Lease>, string>();

interface Place {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

/** Where a pool or a URL leads, as one word. */
export const serverOf = ({ host, port }: Place): string =>
  `${host ?? process.env["PGHOST"] ?? "localhost"}:${port ?? process.env["PGPORT"] ?? 5432}`;

/** Leases that are added later count too. Returns how to take them out again. */
export function offerLeases(server: string, leases: ReadonlySet<Lease>): () => void {
  offered.set(leases, server);
  return () => void offered.delete(leases);
}

/** The lease whose session has this process id on that server. Behind a pooler there is none. */
export function leaseOfSession(server: string, pid: number): Lease | undefined {
  for (const [leases, at] of offered) {
    if (at !== server) continue;
    for (const lease of leases) if (lease.pid === pid) return lease;
  }
  return undefined;
}
