/** A streaming replica of the run's own server. */
import { type Replica, startReplica } from "hasten-tools/postgres";

/** How far what is read on the replica may be behind, and how often that is looked at. */
export const REPLICA_LAG_MS = 1_000;
export const REPLICA_PROBE_MS = 200;
/**
 * What its own reader is given straight from a replica shows what is so old: the lag that is allowed,
 * two probes (one that came before it fell behind, one that is on its way), and a machine that is busy.
 */
export const LOADED_BOUND_MS: number = REPLICA_LAG_MS + 2 * REPLICA_PROBE_MS + 600;

export function replicaOf(url: string): Promise<Replica> {
  return startReplica({ url, port: Number(new URL(url).port) });
}
