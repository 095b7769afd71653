/** The runs: a long one, a short one for every `npm test`, and one for each mutant. */
import { FAULT_NAMES, type Fault } from "./faults.ts";
import type { Mutant } from "./mutants.ts";
import type { RunOptions } from "./run.ts";

const BOUND_MS = 500;

const LONG: RunOptions = {
  seed: 1,
  boundMs: BOUND_MS,
  reads: 100_000,
  secondsMax: 600,
  readsPerSecond: 2_000,
  apis: 3,
  writers: 2,
  writesPerSecond: 50,
  faults: FAULT_NAMES,
  faultPauseMs: 1_200,
  poolMax: 6,
};

const SHORT: RunOptions = {
  ...LONG,
  reads: 6_000,
  secondsMax: 15,
  readsPerSecond: 1_000,
  writesPerSecond: 40,
  faultPauseMs: 500,
  faults: [
    "walsender ended",
    "API process stopped for longer than the bound",
    "synchronous standby hung",
    "walsender silent",
    "big transaction committed",
    "API process killed and started again",
    "server crashed",
  ],
};

/** What exposes each mutant: the least that must go wrong for it to show. */
const EXPOSED_BY: Readonly<Record<Mutant, Partial<RunOptions> & { faults: readonly Fault[] }>> = {
  "bump-on-decode": { faults: ["synchronous standby hung"] },
  // Few other writes: keys that are written all the time are not stored at all.
  "late-capture": { faults: ["rows change while handlers think"], writesPerSecond: 20 },
  "als-in-queue": { faults: ["many reads at once"], poolMax: 2, faultPauseMs: 50 },
  "no-heartbeat": { faults: ["walsender silent"] },
};

export const longRun = (seed: number): RunOptions => ({ ...LONG, seed });
export const shortRun = (seed: number): RunOptions => ({ ...SHORT, seed });

export function mutantRun(mutant: Mutant, seed: number): RunOptions {
  const least = {
    ...SHORT,
    reads: 8_000,
    secondsMax: 8,
    apis: 2,
    writers: 1,
    writesPerSecond: 120,
  };
  return { ...least, seed, mutant, ...EXPOSED_BY[mutant] };
}
