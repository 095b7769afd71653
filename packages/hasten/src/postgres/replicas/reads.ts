/** How reads are shared between the primary and its replicas. Durations are milliseconds. */
export interface ReplicaReads {
  /** Where a read goes that does not say. @default "replica" */
  readonly default?: "replica" | "primary";
  /** A replica whose state is older is skipped. @default 1_000. Bounds 1 to 86_400_000. */
  readonly maxLagMs?: number;
  /** A replica that has more of the log still to replay is skipped. @default 67_108_864 (64 MiB). Bounds 0 to 2^50. */
  readonly maxLagBytes?: number;
  /** How long a read waits for a replica to replay what its session wrote, before it goes to the primary. @default 0. Bounds 0 to 10_000. */
  readonly waitMs?: number;
  /** How often each server is asked how far it is. @default 1_000. Bounds 50 to 60_000. */
  readonly probeEveryMs?: number;
}

/** Where a read may go. */
export type ReadFrom = "primary" | "replica";
