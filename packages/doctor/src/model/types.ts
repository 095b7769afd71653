import type { Candidate } from "../candidates/types.ts";

/** What a planner is asked to plan: one SELECT, INSERT, UPDATE, DELETE or MERGE, `$n` allowed. */
export interface Explainable {
  readonly id: string;
  readonly planText: string;
}

/** Plan node as `EXPLAIN (FORMAT JSON)` gives it. */
export interface RawPlan {
  readonly "Node Type": string;
  readonly Plans?: readonly RawPlan[];
  readonly [field: string]: unknown;
}

export type Planned =
  | {
      readonly kind: "planned";
      readonly totalCost: number;
      readonly startupCost: number;
      /** Rows that the planner expects at the top. */
      readonly rows: number;
      readonly plan: RawPlan;
      /** Ids of the candidates that the plan uses. */
      readonly uses: readonly string[];
      /** Names of existing indexes that the plan uses. */
      readonly usesExisting: readonly string[];
    }
  | { readonly kind: "refused"; readonly because: string };

/** What is assumed of the indexes while planning. */
export interface IndexChange {
  readonly add: readonly Candidate[];
  /** Oids of existing indexes that are taken away. */
  readonly drop: readonly number[];
}

export type Explain = (statement: Explainable) => Promise<Planned>;

/**
 * PostgreSQL's planner with hypothetical indexes. One call at a time; nothing is ever run.
 * Invariant: after `whatIf` has settled, `explain` answers as before it, whatever happened within.
 */
export interface Planner extends AsyncDisposable {
  readonly source: PlannerSource;
  readonly explain: Explain;
  /**
   * Plans within `change`, which is undone afterwards. A candidate that cannot be created (a type
   * the model lacks, an expression that is not immutable) is left out and named in `refused`.
   */
  whatIf<T>(
    change: IndexChange,
    plan: (explain: Explain, refused: readonly Refused[]) => Promise<T>,
  ): Promise<T>;
}

export interface Refused {
  readonly candidate: string;
  readonly because: string;
}

/** The model; HypoPG on the target; a server on which indexes are really created (tests). */
export type PlannerSource = "model" | "hypopg" | "server";

/** Estimated size of an index that does not exist. */
export interface IndexSize {
  readonly pages: number;
  readonly rows: number;
  readonly bytes: number;
}
