/** What a database with replicas offers more; without any it is there too, and costs nothing. */
import type { Pool } from "pg";
import type { Connections } from "../connections.ts";
import { optionInvalid } from "../errors.ts";
import { formatPosition, NOWHERE } from "./position.ts";
import type { ReadFrom } from "./reads.ts";
import type { Replicas } from "./replicas.ts";
import type { Session, SessionOptions } from "./sessions.ts";
import type { ReplicasStats } from "./types.ts";

export interface ReplicaSurface {
  /** The pools of the replicas, for `coherence.watch` and for other watchers. */
  readonly replicaPools: readonly Pool[];
  /** A session of its own, which may go on from another one's token: see docs/replicas.md. */
  session(options?: SessionOptions): Session;
  /** The session that the running code is in: an explicit one, that of its request, or the process's. */
  currentSession(): Session;
  /** Asks the primary and every replica how far they are, now. Never rejects. */
  probeReplicas(): Promise<void>;
}

export function replicaSurface(replicas: Replicas | undefined): ReplicaSurface {
  if (replicas === undefined) return ALONE;
  return {
    replicaPools: replicas.pools,
    session: (options = {}) => replicas.sessions.open(options),
    currentSession: () => replicas.sessions.now(),
    probeReplicas: () => replicas.probed(),
  };
}

/** Everything is read from the primary: there is nothing to wait for. */
const ONLY_PRIMARY: Session = {
  run: (work) => work(),
  wrote: () => undefined,
  token: async () => formatPosition(NOWHERE),
};

const ALONE: ReplicaSurface = {
  replicaPools: [],
  session: () => ONLY_PRIMARY,
  currentSession: () => ONLY_PRIMARY,
  probeReplicas: async () => undefined,
};

interface Reading {
  readonly connections: Connections;
  readonly replicas: Replicas | undefined;
}

interface Asked {
  readonly read?: ReadFrom | undefined;
  readonly readOnly?: boolean | undefined;
  readonly isolation?: string | undefined;
}

/** Where a transaction takes its connections from. @throws HST_PG_OPTION for one that may write and asks for a replica */
export function forTransaction<C extends Reading>(
  core: C,
  { read, readOnly, isolation }: Asked,
): C {
  if (read !== "replica") return core;
  if (readOnly !== true)
    throw optionInvalid("read", '"primary" for a transaction that is not readOnly', read);
  // A standby refuses it.
  if (core.replicas === undefined || isolation === "serializable") return core;
  return { ...core, connections: core.replicas.forReading() };
}

/** Nothing where there are no replicas. */
export const replicaStats = (replicas: Replicas | undefined): ReplicasStats | undefined =>
  replicas?.stats();
