import { leaseOfSession } from "../own-leases.ts";
import type { WatchedPool } from "../pool-watch/types.ts";
import type { SessionCheckout } from "./facts.ts";

/**
 * Which session of the server is which checkout of this process, by the server's process id. Watched
 * pools know the line and the request, leases of `createDatabase` only since when.
 */
export function joined(
  server: string,
  pools: () => readonly WatchedPool[],
  nowMs: number,
): (pid: number) => SessionCheckout | undefined {
  let known: ReadonlyMap<number, SessionCheckout> | undefined;
  return (pid) => {
    // Reports are made only when something was found.
    known ??= ofPools(pools());
    const lease = known.has(pid) ? undefined : leaseOfSession(server, pid);
    return lease === undefined ? known.get(pid) : { heldMs: nowMs - lease.sinceMs };
  };
}

function ofPools(pools: readonly WatchedPool[]): ReadonlyMap<number, SessionCheckout> {
  const known = new Map<number, SessionCheckout>();
  for (const pool of pools)
    for (const { pid, ageMs, site, trace } of pool.checkouts())
      if (pid !== undefined)
        known.set(pid, {
          heldMs: ageMs,
          line: site === undefined ? undefined : `${site.file}:${site.line}`,
          trace,
        });
  return known;
}
