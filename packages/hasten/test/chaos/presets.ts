/** The runs: a long one, a short one for every `npm test`, and one for each mutant. */
import type { EveryFault } from "./every-fault.ts";
import type { AnyMutant } from "./every-mutant.ts";
import { FAULT_NAMES } from "./faults.ts";
import type { RunOptions } from "./run.ts";
import { SHARED_FAULT_NAMES } from "./shared-faults.ts";
import { isSharedMutant } from "./shared-mutants.ts";

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
const EXPOSED_BY: Readonly<
  Record<AnyMutant, Partial<RunOptions> & { faults: readonly EveryFault[] }>
> = {
  "bump-on-decode": { faults: ["synchronous standby hung"] },
  // Few other writes: keys that are written all the time are not stored at all.
  "late-capture": { faults: ["rows change while handlers think"], writesPerSecond: 20 },
  "als-in-queue": { faults: ["many reads at once"], poolMax: 2, faultPauseMs: 50 },
  "no-heartbeat": { faults: ["walsender silent"] },
  "one-term-for-ever": { faults: ["leader killed", "walsender ended"] },
  "heard-is-young": { faults: ["leader stopped for less than its lease"] },
  "not-told": { faults: [] },
};

/** What goes wrong in turn where a Redis is shared: its faults and those of the stream. */
const LONG_SHARED: Partial<RunOptions> = {
  redis: true,
  faults: [...FAULT_NAMES, ...SHARED_FAULT_NAMES],
};

const SHORT_SHARED: Partial<RunOptions> = {
  redis: true,
  faults: [
    "leader killed",
    "FLUSHALL",
    "leader stopped for less than its lease",
    "the leader's record deleted",
    "Redis restarted, empty",
    "leader ended in order",
    "synchronous standby hung",
    "schema changed",
    "connections to Redis killed",
    "leader stopped past its lease",
  ],
};

export const longRun = (seed: number, shared = false): RunOptions => ({
  ...LONG,
  ...(shared ? LONG_SHARED : {}),
  seed,
});
export const shortRun = (seed: number, shared = false): RunOptions => ({
  ...SHORT,
  ...(shared ? SHORT_SHARED : {}),
  seed,
});

export function mutantRun(mutant: AnyMutant, seed: number): RunOptions {
  const least = {
    ...SHORT,
    // It ends as soon as it was found. One round of faults finds a mutant with some chance only, so
    // the patience is many rounds.
    reads: 60_000,
    secondsMax: 60,
    apis: 2,
    writers: 1,
    writesPerSecond: 120,
  };
  const redis = isSharedMutant(mutant);
  return { ...least, seed, mutant, redis, ...EXPOSED_BY[mutant] };
}
