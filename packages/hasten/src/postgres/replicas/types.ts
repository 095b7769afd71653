import type { PoolStats } from "../connections.ts";

/**
 * `connecting`: not asked yet. `ready`: read from. `lagging`: behind by more than is allowed.
 * `unreachable`: it does not answer. `promoted`: no longer a replica. `other-server`: a replica of
 * another system, or of a branch of the log that the primary is not on. `no-position`: it does not
 * say how far it has replayed.
 */
export type ReplicaState =
  | "connecting"
  | "ready"
  | "lagging"
  | "unreachable"
  | "promoted"
  | "other-server"
  | "no-position";

export interface ReplicaStats {
  readonly name: string;
  readonly state: ReplicaState;
  /** Why it is skipped, without host, user or password; undefined while it is ready. */
  readonly because: string | undefined;
  /** Age of what it shows, as of the latest probe; undefined while it is not known. */
  readonly lagMs: number | undefined;
  /** What it had still to replay then. */
  readonly lagBytes: number | undefined;
  /** Up to where it has replayed. */
  readonly replayed: string | undefined;
  /** Reads that it answered. */
  readonly reads: number;
  /** Of the reads that all servers of the database answered under routing. 0 to 1. */
  readonly share: number;
  /** Reads that it was asked for and the primary answered: refused, cancelled by replay, lost. */
  readonly failed: number;
  readonly pool: PoolStats;
}

/** Why reads that might have gone to a replica went to the primary. */
export interface PrimaryReads {
  /** No replica was ready. */
  readonly noneReady: number;
  /** The session had used the primary, and no replica was known to show that yet. */
  readonly session: number;
  /** A replica failed, refused, or cancelled the statement. */
  readonly failed: number;
  /** The statement is none for a replica: it writes, locks, or asked for the primary. */
  readonly notReadable: number;
}

export interface ReplicasStats {
  readonly replicas: readonly ReplicaStats[];
  readonly primary: PrimaryReads;
}
