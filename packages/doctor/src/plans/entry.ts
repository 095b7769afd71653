import type { RawPlan } from "../model/types.ts";

/** A node before its arithmetic, in the order of the tree, parents first. */
export interface Entry {
  readonly raw: RawPlan;
  /** Index of the parent; -1 for the root. */
  readonly parent: number;
  readonly children: number[];
  /** Index of the last node below this one; its own when there is none. */
  last: number;
  readonly depth: number;
  readonly path: string;
  readonly type: string;
  readonly relationship: string | undefined;
  /** 0 when it was never executed or the plan was not run. */
  readonly loops: number;
  /** Per loop; undefined without `ANALYZE` or with `TIMING OFF`. */
  readonly loopMs: number | undefined;
}
