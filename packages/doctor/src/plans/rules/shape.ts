import type { Plan, PlanNode, RuleHit } from "../types.ts";

/** "12", "4,800", "1.2 million": numbers within a sentence. */
export function spoken(number: number): string {
  if (number >= 1e6)
    return `${Number((number / 1e6).toPrecision(2)).toLocaleString("en-US")} million`;
  const kept = number >= 100 ? Math.round(number) : Number(number.toPrecision(2));
  return kept.toLocaleString("en-US");
}

/** Bytes of a count of kilobytes, as EXPLAIN gives memory and disk. */
export function kilobytes(count: number): number {
  return count * 1024;
}

/** Processes that share a node's loops: more than 1 below a Gather. */
export function processesOf(node: PlanNode): number {
  for (let at = node; at.parent !== undefined; at = at.parent) {
    const { parent } = at;
    if (parent.type !== "Gather" && parent.type !== "Gather Merge") continue;
    if (at.actual === undefined || parent.actual === undefined) return 1;
    return Math.max(at.actual.loops / parent.actual.loops, 1);
  }
  return 1;
}

const JOINS: ReadonlySet<string> = new Set(["Nested Loop", "Hash Join", "Merge Join"]);

export function isJoin(node: PlanNode): boolean {
  return JOINS.has(node.type);
}

/**
 * What a wrong expectation of a node's rows may have cost: the outermost join above it, chosen by
 * that expectation, else the node itself, with all below.
 */
export function decidedBy(node: PlanNode, plan: Plan): NonNullable<RuleHit["scope"]> {
  if (!plan.analyzed) return "subtree";
  let widest = node;
  for (let at = node.parent; at !== undefined; at = at.parent) if (isJoin(at)) widest = at;
  return { ms: widest.actual?.totalMs ?? 0 };
}

const BLOCKING: ReadonlySet<string> = new Set(["Sort", "Hash", "Bitmap Heap Scan"]);

/** Whether a node takes in all of its child's rows before it gives the first. */
export function isBlocking(node: PlanNode): boolean {
  if (node.type === "Aggregate") return node.raw["Strategy"] !== "Sorted";
  return BLOCKING.has(node.type);
}

/** The nearest Limit above that the node's rows reach as they come. */
export function limitAbove(node: PlanNode): PlanNode | undefined {
  for (let at = node; at.parent !== undefined; at = at.parent) {
    if (at.relationship === "InitPlan" || at.relationship === "SubPlan") return undefined;
    if (at.parent.type === "Limit") return at.parent;
    if (isBlocking(at.parent)) return undefined;
  }
  return undefined;
}

/**
 * Whether something above may stop the node before its last row, so that fewer rows than expected
 * are no wrong estimate.
 */
export function mayStopEarly(node: PlanNode): boolean {
  for (let at = node; at.parent !== undefined; at = at.parent) {
    const { parent } = at;
    // EXISTS and scalar subqueries end with their first row.
    if (at.relationship === "SubPlan" || at.relationship === "InitPlan") return true;
    if (parent.type === "Limit" || parent.type === "Merge Join") return true;
    if (isBlocking(parent)) return false;
    if (parent.type === "Nested Loop" && at.relationship === "Inner") {
      const kind = parent.raw["Join Type"];
      if (kind === "Semi" || kind === "Anti" || parent.raw["Inner Unique"] === true) return true;
    }
  }
  return false;
}

/** How far an expectation was off, 1 or more; fractions of a row count as one. */
export function factorOff(planned: number, actual: number): number {
  const a = Math.max(planned, 1);
  const b = Math.max(actual, 1);
  return Math.max(a / b, b / a);
}

/** Average of a node's rows in one loop. */
export function rowsPerLoop(node: PlanNode): number {
  const { actual } = node;
  return actual === undefined || actual.loops === 0 ? 0 : actual.rowsTotal / actual.loops;
}

/** A number of a node and of each of its workers, summed. */
export function withWorkers(node: PlanNode, field: string): number {
  const workers: unknown = node.raw["Workers"];
  let total = finite(node.raw[field]);
  if (!Array.isArray(workers)) return total;
  for (const worker of workers.slice(0, 100)) {
    if (typeof worker === "object" && worker !== null) {
      total += finite((worker as Readonly<Record<string, unknown>>)[field]);
    }
  }
  return total;
}

function finite(value: unknown): number {
  return typeof value === "number" && value >= 0 && value < 1e15 ? value : 0;
}

/** A statement slower than this, most of it in one node, is no matter of taste any more. */
const GRAVE_MS = 1_000;
const GRAVE_SHARE = 0.5;

/** Critical when the node alone makes a statement slow for whoever waits, else a warning. */
export function gravityOf(node: PlanNode): RuleHit["severity"] {
  const { actual } = node;
  if (actual === undefined) return "warning";
  return actual.ownMs >= GRAVE_MS && actual.share >= GRAVE_SHARE ? "critical" : "warning";
}
