import type { DoctorFinding, Severity } from "../finding.ts";
import type { RawPlan } from "../model/types.ts";

/** A plan with its arithmetic done: what the rules and the tree read. */
export interface Plan {
  readonly root: PlanNode;
  /** In the order of the tree, parents first. */
  readonly nodes: readonly PlanNode[];
  /** Whether it was run (`ANALYZE`): only then do `actual` fields stand. */
  readonly analyzed: boolean;
  readonly planningMs: number | undefined;
  readonly executionMs: number | undefined;
  readonly jitMs: number | undefined;
  readonly triggers: readonly {
    readonly name: string;
    readonly ms: number;
    readonly calls: number;
    readonly constraint: string | undefined;
  }[];
  /** `SETTINGS`: planner settings that are not default, by name. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface PlanNode {
  /** Position in `nodes`. */
  readonly index: number;
  /** "0.1.0": child positions from the root. */
  readonly path: string;
  readonly depth: number;
  readonly parent: PlanNode | undefined;
  readonly children: readonly PlanNode[];
  readonly type: string;
  /** Inner, Outer, Subquery, InitPlan, SubPlan, Member … */
  readonly relationship: string | undefined;
  readonly relation: string | undefined;
  readonly schema: string | undefined;
  readonly alias: string | undefined;
  readonly indexName: string | undefined;
  readonly cost: NodeCost;
  readonly planRows: number;
  readonly width: number;
  /** Undefined when not run, or never executed. */
  readonly actual: NodeActual | undefined;
  /** Every field of the JSON, for a rule's rarer needs. */
  readonly raw: RawPlan;
}

export interface NodeCost {
  /** As EXPLAIN prints them, for one run of the node. */
  readonly startup: number;
  readonly total: number;
  /** Without its children's, in units of the whole plan: those of all nodes add up to the root's. */
  readonly own: number;
}

export interface NodeActual {
  readonly loops: number;
  /** Over all loops and workers. */
  readonly rowsTotal: number;
  /** Wall time over all loops; divided by workers below a Gather. */
  readonly totalMs: number;
  /** Without its children; what shares of the whole are made of. */
  readonly ownMs: number;
  /** Of the plan's execution, 0 to 1. */
  readonly share: number;
  readonly blocks: Blocks | undefined;
}

/** Own counts, children taken off. */
export interface Blocks {
  readonly hit: number;
  readonly read: number;
  readonly tempRead: number;
  readonly tempWritten: number;
}

export interface PlanFinding extends DoctorFinding {
  /** Index of the node that it is about. */
  readonly node: number;
  /** Estimated share of the plan's time (or cost, when not run), 0 to 1. */
  readonly share: number;
}

/** What a rule may know besides the plan; every part may be missing. */
export interface PlanContext {
  readonly major: number | undefined;
  /** Facts of a scanned table, by its name in the plan. */
  readonly relation: (schema: string | undefined, name: string) => RelationFacts | undefined;
}

export interface RelationFacts {
  readonly rows: number;
  readonly modifiedSinceAnalyze: number;
  readonly analyzed: boolean;
  readonly partitionKey: readonly string[] | undefined;
  /** Leading key columns of its b-trees. */
  readonly indexedColumns: readonly string[];
  /** Plain names of its columns' types ("int4", "varchar"), by column; undefined: unknown. */
  readonly columnTypes?: Readonly<Record<string, string>> | undefined;
}

/** One row of the table of rules. Pure. */
export interface PlanRule {
  /** "plan/seq-scan-selective-filter". */
  readonly id: string;
  /** Its number in the docs' table. */
  readonly number: number;
  /** What it needs: a plan that was run, or any. */
  readonly needs: "any" | "analyzed";
  readonly find: (plan: Plan, context: PlanContext) => readonly RuleHit[];
}

/** What a rule reports; title, why and fix are made from it by the rule's own texts. */
export interface RuleHit {
  readonly node: number;
  /** As bad as it gets; one that takes little of the plan's time is reported as "info". */
  readonly severity: Severity;
  readonly title: string;
  readonly evidence: DoctorFinding["evidence"];
  readonly why: string;
  readonly fix: DoctorFinding["fix"];
  /**
   * What its share is made of: the node's own time, that of all below it too, or a time that no
   * node has (planning, JIT, triggers). Default "own".
   */
  readonly scope?: "own" | "subtree" | { readonly ms: number };
}

/** One plan in the report. */
export interface PlanReport {
  /** Statement id, or "explain". */
  readonly id: string;
  readonly plan: Plan;
  readonly findings: readonly PlanFinding[];
}
