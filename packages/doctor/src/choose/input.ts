import type { Candidate, StatementFacts } from "../candidates/types.ts";
import type { Catalog } from "../catalog/types.ts";
import type { Planner } from "../model/types.ts";
import type { Parser } from "../parse/parse.ts";
import type { OnProgress, Target } from "../target/types.ts";
import type { Workload } from "../workload/types.ts";

export interface AdviseInput {
  readonly target: Target;
  readonly catalog: Catalog;
  readonly workload: Workload;
  readonly parser: Parser;
  /** Undefined: nothing can be planned, and all advice is a guess that says so. */
  readonly planner: Planner | undefined;
  /** Tables that the planner does not have, and why. */
  readonly missing: readonly { readonly relation: number; readonly because: string }[];
  /**
   * How much more the writes to one table may write for new indexes, as a share of what they write
   * now. Default by how the table is used: 0.5 where writes prevail, 1 where it is written and read
   * much, 2 where it is hardly written.
   */
  readonly writeBudget?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Thought {
  readonly facts: readonly StatementFacts[];
  readonly candidates: readonly Candidate[];
}
