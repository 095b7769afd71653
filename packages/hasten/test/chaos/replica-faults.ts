/** What goes wrong with a replica. As `faults.ts`: each ends with everything running again. */
import { setTimeout as delay } from "node:timers/promises";
import type { Replica } from "hasten-tools/postgres";
import type { Inject, Surroundings } from "./faults.ts";

const DOWN_MS = 500;

function replicaOf({ replica }: Surroundings): Replica {
  if (replica === undefined) throw new Error("this fault needs a run with a replica");
  return replica;
}

/** While it shows the past it is asked, again and again. */
async function paused(all: Surroundings, ms: number): Promise<void> {
  const replica = replicaOf(all);
  await replica.pause();
  try {
    const rounds = Math.ceil(ms / (all.boundMs / 2));
    for (let round = 0; round < rounds; round++) {
      await delay(all.boundMs / 2);
      for (const slot of all.slots) all.probe(slot);
    }
  } finally {
    await replica.resume();
  }
}

export const REPLICA_FAULTS = {
  "replay paused for longer than the bound": (all) =>
    paused(all, all.boundMs * (3 + 2 * all.random.next())),
  "replay paused for less than the lag that is allowed": (all) => paused(all, all.boundMs * 1.5),
  "replica killed and started again": async (all) => {
    const replica = replicaOf(all);
    await replica.stop("crash");
    await delay(DOWN_MS * all.random.next());
    for (const slot of all.slots) all.probe(slot);
    await replica.start();
    for (const slot of all.slots) all.probe(slot);
  },
  "replica restarted": async (all) => {
    const replica = replicaOf(all);
    await replica.stop();
    await replica.start();
    for (const slot of all.slots) all.probe(slot);
  },
} as const satisfies Record<string, Inject>;

export type ReplicaFault = keyof typeof REPLICA_FAULTS;
export const REPLICA_FAULT_NAMES: readonly ReplicaFault[] = Object.keys(
  REPLICA_FAULTS,
) as ReplicaFault[];
