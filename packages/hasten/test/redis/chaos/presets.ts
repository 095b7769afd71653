/** The runs: two long ones, a short one for every `npm test`, and one for each mutant. */
import { ALONE, ELECTIONS, type Fault } from "./faults.ts";
import type { Mutant } from "./mutants.ts";
import type { RunOptions } from "./run.ts";

const BOUND_MS = 500;

const LONG: RunOptions = {
  seed: 1,
  boundMs: BOUND_MS,
  reads: 100_000,
  secondsMax: 110,
  readsPerSecond: 1_600,
  writesPerSecond: 40,
  nodes: 4,
  servers: "one",
  faults: ALONE,
  faultPauseMs: 700,
};

const SHORT: RunOptions = {
  ...LONG,
  reads: 8_000,
  secondsMax: 12,
  readsPerSecond: 1_200,
  faultPauseMs: 250,
  faults: [
    "clock deleted",
    "marks deleted",
    "all connections killed",
    "records of tags and prefixes deleted",
    "process stopped, the log deleted meanwhile",
    "FLUSHALL",
    "log trimmed",
    "process stopped for longer than the bound",
    "Redis stopped for a moment",
    "Redis killed and started again",
  ],
};

/** What exposes each mutant: the least that must go wrong for it to show. */
const EXPOSED_BY: Readonly<Record<Mutant, readonly Fault[]>> = {
  "blind-set": [],
  "confirmed-by-xread": ["process stopped, the log deleted meanwhile"],
  "trusted-for-ever": ["process stopped for longer than the bound"],
  deaf: [],
};

export const longRun = (seed: number): RunOptions => ({ ...LONG, seed });

/** Failing over takes seconds: few, and no other faults but those around a master. */
export const electionRun = (seed: number): RunOptions => ({
  ...LONG,
  seed,
  reads: 30_000,
  secondsMax: 60,
  servers: "watched by Sentinels",
  faults: [...ELECTIONS, "entries deleted", "blocked connections killed"],
});

export const shortRun = (seed: number): RunOptions => ({ ...SHORT, seed });

export function mutantRun(mutant: Mutant, seed: number): RunOptions {
  const faults = EXPOSED_BY[mutant];
  // What was missed while stopped must not be invalidated once more before it is due.
  const writesPerSecond = mutant === "confirmed-by-xread" ? 25 : 80;
  return { ...SHORT, reads: 30_000, secondsMax: 25, writesPerSecond, seed, mutant, faults };
}
