/** What goes wrong with a pooler. As `faults.ts`: each ends with everything running again. */
import { setTimeout as delay } from "node:timers/promises";
import type { Inject, Surroundings } from "./faults.ts";
import type { Pooler } from "./pooler.ts";

function poolerOf({ pooler }: Surroundings): Pooler {
  if (pooler === undefined) throw new Error("this fault needs a run behind a pooler");
  return pooler;
}

/** Stopped for so long; asked right before it goes on, and right after. */
async function stopped(all: Surroundings, ms: number): Promise<void> {
  const pooler = poolerOf(all);
  pooler.pause();
  try {
    await delay(ms);
    for (const slot of all.slots) all.probe(slot);
    await delay(5);
  } finally {
    pooler.resume();
  }
  for (const slot of all.slots) all.probe(slot);
}

export const POOLER_FAULTS = {
  "PgBouncer killed and started again": async (all) => {
    await poolerOf(all).restart();
    for (const slot of all.slots) all.probe(slot);
  },
  "PgBouncer stopped for longer than the bound": (all) =>
    stopped(all, all.boundMs * (1.2 + all.random.next())),
  "PgBouncer stopped for less than the bound": (all) =>
    stopped(all, all.boundMs * 0.6 * all.random.next()),
  "PgBouncer's server connections replaced": async (all) => {
    await poolerOf(all).command("RECONNECT");
    await delay(50);
    for (const slot of all.slots) all.probe(slot);
  },
  "PgBouncer's connections killed": async (all) => {
    await poolerOf(all).killConnections();
    for (const slot of all.slots) all.probe(slot);
  },
} as const satisfies Record<string, Inject>;

export type PoolerFault = keyof typeof POOLER_FAULTS;
export const POOLER_FAULT_NAMES: readonly PoolerFault[] = Object.keys(
  POOLER_FAULTS,
) as PoolerFault[];
