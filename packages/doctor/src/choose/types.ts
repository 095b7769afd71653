import type { Candidate } from "../candidates/types.ts";

/** How an advice was proven. */
export type Badge = "model" | "hypopg" | "unverified";

/** One statement before and after. */
export interface StatementGain {
  readonly id: string;
  /** Share of the workload's time, 0 to 1. */
  readonly share: number;
  readonly calls: number;
  readonly meanMs: number;
  /** Planner cost with the indexes as they are, and with the advised ones. */
  readonly costBefore: number;
  readonly costAfter: number;
  /** Why this statement's numbers are not to be trusted; undefined when calibrated. */
  readonly untrusted: string | undefined;
}

export interface AdviceBase {
  /** Stable between runs on the same schema. */
  readonly id: string;
  /** Schema and table, unquoted, for people. */
  readonly table: string;
  readonly columns: readonly string[];
  /** "btree", "gin" …; with "unique", "partial", "covering" where it is. */
  readonly type: string;
  readonly reason: string;
  /** Each to be run alone, outside a transaction, in order. */
  readonly ddl: readonly string[];
  readonly rollback: readonly string[];
  /** What to run if the build is interrupted. */
  readonly cleanup: readonly string[];
  readonly badge: Badge;
  /** Why it is not verified. */
  readonly unverifiedBecause: string | undefined;
  readonly caveats: readonly string[];
}

export interface CreateAdvice extends AdviceBase {
  readonly kind: "create" | "replace";
  readonly candidate: Candidate;
  /** Existing indexes that the new one makes unneeded; dropped after it is there. */
  readonly replaces: readonly string[];
  readonly statements: readonly StatementGain[];
  /** Share of the whole workload's time that goes by cost, 0 to 1. */
  readonly savedShare: number;
  readonly impact: "high" | "medium" | "low";
  readonly sizeBytes: number;
  readonly buildMs: number;
  /** Added work of writes to this table, as a share of what they write now, 0 to … */
  readonly writeShare: number;
  /** Whether updates that are HOT now would cease to be. */
  readonly losesHot: boolean;
}

export interface DropAdvice extends AdviceBase {
  readonly kind: "drop";
  readonly index: string;
  readonly because: "unused" | "duplicate" | "prefix";
  /** What supports it: scans, age of the counters, the index that covers it. */
  readonly evidence: readonly string[];
  readonly freedBytes: number;
}

export type Advice = CreateAdvice | DropAdvice;

export interface AdviceResult {
  readonly advice: readonly Advice[];
  /** How many candidates were thought of, planned and kept: the report tells it. */
  readonly considered: {
    readonly statements: number;
    readonly candidates: number;
    readonly plans: number;
  };
  /** Statements for which no advice can be proven, by reason. */
  readonly uncovered: readonly { readonly id: string; readonly because: string }[];
  readonly calibration: { readonly compared: number; readonly within10Percent: number };
  readonly notes: readonly string[];
}
