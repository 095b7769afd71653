/** The runs: a long one, a short one for every `npm test`, and one for each mutant. */
import type { EveryFault } from "./every-fault.ts";
import type { AnyMutant } from "./every-mutant.ts";
import { FAULT_NAMES } from "./faults.ts";
import { isPoolerMutant, isReplicaMutant } from "./placed-mutants.ts";
import { POOLER_FAULT_NAMES } from "./pooler-faults.ts";
import { REPLICA_FAULT_NAMES } from "./replica-faults.ts";
import type { RunOptions } from "./run-types.ts";
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
  "every-session": { faults: [] },
  // Few other writes: what was wrongly kept is dropped by the next write of its row.
  "any-replay": { faults: ["replay paused for longer than the bound"], writesPerSecond: 20 },
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

const LONG_POOLED: Partial<RunOptions> = {
  pooler: true,
  secondsMax: 180,
  faults: [...POOLER_FAULT_NAMES, ...FAULT_NAMES],
};

const SHORT_POOLED: Partial<RunOptions> = {
  pooler: true,
  secondsMax: 10,
  faults: [
    "PgBouncer killed and started again",
    "PgBouncer stopped for longer than the bound",
    "PgBouncer's server connections replaced",
    "connections of clients ended",
    "PgBouncer's connections killed",
    "walsender ended",
  ],
};

const LONG_REPLICA: Partial<RunOptions> = {
  replica: true,
  secondsMax: 120,
  faults: [...REPLICA_FAULT_NAMES, ...FAULT_NAMES],
};

const SHORT_REPLICA: Partial<RunOptions> = {
  replica: true,
  secondsMax: 10,
  faults: [...REPLICA_FAULT_NAMES, "walsender silent", "connections of clients ended"],
};

/** What stands beside the API processes, or between them and their database. */
export type Setting = "alone" | "redis" | "pooler" | "replica";

const LONG_IN: Readonly<Record<Setting, Partial<RunOptions>>> = {
  alone: {},
  redis: LONG_SHARED,
  pooler: LONG_POOLED,
  replica: LONG_REPLICA,
};
const SHORT_IN: Readonly<Record<Setting, Partial<RunOptions>>> = {
  alone: {},
  redis: SHORT_SHARED,
  pooler: SHORT_POOLED,
  replica: SHORT_REPLICA,
};

export const longRun = (seed: number, setting: Setting = "alone"): RunOptions => ({
  ...LONG,
  ...LONG_IN[setting],
  seed,
});
export const shortRun = (seed: number, setting: Setting = "alone"): RunOptions => ({
  ...SHORT,
  ...SHORT_IN[setting],
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
  const pooler = isPoolerMutant(mutant);
  const replica = isReplicaMutant(mutant);
  return { ...least, seed, mutant, redis, pooler, replica, ...EXPOSED_BY[mutant] };
}
