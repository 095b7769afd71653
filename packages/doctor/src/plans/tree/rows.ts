import { withoutConstants } from "../constants.ts";
import { conditionOf, listOf, numberOf, rawName, totalOf } from "../fields.ts";
import type { Plan, PlanFinding, PlanNode } from "../types.ts";

/** Nodes of a tree that are shown at most, in the order of the plan. */
export const TREE_NODES_MAX = 400;
/** Factor between estimated and actual rows from which it is marked. */
export const OFF_MIN = 10;

const CONDITIONS = [
  "Index Cond",
  "Recheck Cond",
  "TID Cond",
  "Hash Cond",
  "Merge Cond",
  "Join Filter",
  "Filter",
  "One-Time Filter",
] as const;
const LISTS = ["Sort Key", "Presorted Key", "Group Key"] as const;

/** One node as both trees show it: names and numbers, no constant of a condition. */
export interface TreeRow {
  readonly node: PlanNode;
  /** "Index Scan", with what it joins or sorts by where that has a name. */
  readonly type: string;
  /** "on public.orders o using orders_pkey"; empty for most nodes. */
  readonly object: string;
  /** On the way from the root to where the most time (or cost) goes. */
  readonly hot: boolean;
  /** Of the plan's time, or of its cost when it was not run, 0 to 1. */
  readonly share: number;
  /** Expected and actual rows of one run of the node. */
  readonly estimated: number;
  readonly actual: number | undefined;
  /** By how much the estimate is off, when it is marked; 25 for 1,000 expected and 40 found. */
  readonly off: number | undefined;
  readonly loops: number;
  readonly details: readonly Detail[];
  readonly findings: readonly PlanFinding[];
}

export interface Detail {
  readonly label: string;
  readonly text: string;
}

/** The nodes that are shown, and how many are not. */
export function treeRows(
  plan: Plan,
  findings: readonly PlanFinding[],
): { readonly rows: readonly TreeRow[]; readonly left: number } {
  const hot = hotPath(plan);
  const shown = plan.nodes.slice(0, TREE_NODES_MAX);
  const rows = shown.map((node) => ({
    node,
    type: typeOf(node),
    object: objectOf(node),
    hot: hot.has(node.index),
    share: shareOf(plan, node),
    estimated: node.planRows,
    actual: node.actual === undefined ? undefined : node.actual.rowsTotal / node.actual.loops,
    off: offBy(node),
    loops: node.actual?.loops ?? 0,
    details: detailsOf(node),
    findings: findings.filter((finding) => finding.node === node.index),
  }));
  return { rows, left: plan.nodes.length - shown.length };
}

function shareOf(plan: Plan, node: PlanNode): number {
  if (plan.analyzed) return node.actual?.share ?? 0;
  return plan.root.cost.total > 0 ? node.cost.own / plan.root.cost.total : 0;
}

/** From the root down to the node after which no child takes more than the node itself. */
function hotPath(plan: Plan): ReadonlySet<number> {
  const below = plan.nodes.map((node) => shareOf(plan, node));
  for (const node of plan.nodes.toReversed()) {
    if (node.parent !== undefined)
      below[node.parent.index] = (below[node.parent.index] ?? 0) + (below[node.index] ?? 0);
  }
  const path = new Set<number>();
  for (let at: PlanNode | undefined = plan.root; at !== undefined; ) {
    path.add(at.index);
    const own = shareOf(plan, at);
    const heaviest: PlanNode | undefined = at.children.toSorted(
      (a, b) => (below[b.index] ?? 0) - (below[a.index] ?? 0),
    )[0];
    at = heaviest !== undefined && (below[heaviest.index] ?? 0) > own ? heaviest : undefined;
  }
  return path;
}

function typeOf(node: PlanNode): string {
  const parallel = node.raw["Parallel Aware"] === true ? "Parallel " : "";
  const partial = rawName(node.raw, "Partial Mode");
  const mode = partial === undefined || partial === "Simple" ? "" : `${partial} `;
  const join = rawName(node.raw, "Join Type");
  const joined = join === undefined || join === "Inner" ? "" : ` (${join.toLowerCase()})`;
  const strategy = rawName(node.raw, "Strategy");
  const how = strategy === undefined || strategy === "Plain" ? "" : ` (${strategy.toLowerCase()})`;
  // What a CTE, an InitPlan or a SubPlan is called elsewhere in the plan.
  const subplan = rawName(node.raw, "Subplan Name");
  const named = subplan === undefined ? "" : `${subplan}: `;
  const operation = node.type === "ModifyTable" ? rawName(node.raw, "Operation") : undefined;
  return `${named}${parallel}${mode}${operation ?? node.type}${joined}${how}`;
}

function objectOf(node: PlanNode): string {
  const table = node.schema === undefined ? node.relation : `${node.schema}.${node.relation}`;
  const named =
    (node.relation === undefined ? undefined : table) ??
    rawName(node.raw, "CTE Name") ??
    rawName(node.raw, "Function Name");
  const alias =
    node.alias === undefined || node.alias === node.relation || node.alias === named
      ? ""
      : ` ${node.alias}`;
  const on = named === undefined ? "" : `on ${named}${alias}`;
  return node.indexName === undefined ? on : `${on} using ${node.indexName}`.trim();
}

/** Not below a LIMIT, which stops its children before they are done. */
function offBy(node: PlanNode): number | undefined {
  if (node.actual === undefined) return undefined;
  const estimated = Math.max(node.planRows, 1);
  const actual = Math.max(node.actual.rowsTotal / node.actual.loops, 1);
  const off = Math.max(estimated / actual, actual / estimated);
  return off > OFF_MIN && !(actual < estimated && isStopped(node)) ? off : undefined;
}

function isStopped(node: PlanNode): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent) {
    if (at.type === "Limit" || at.raw["Join Type"] === "Semi") return true;
    if (at.type === "Sort" || at.type === "Aggregate" || at.type === "Hash") return false;
  }
  return false;
}

function detailsOf(node: PlanNode): readonly Detail[] {
  const conditions = CONDITIONS.flatMap((field): readonly Detail[] => {
    const condition = conditionOf(node, field);
    return condition === undefined ? [] : [{ label: field, text: withoutConstants(condition) }];
  });
  const lists = LISTS.flatMap((field): readonly Detail[] => {
    const keys = listOf(node, field);
    return keys.length === 0
      ? []
      : [{ label: field, text: withoutConstants(keys.slice(0, 20).join(", ")) }];
  });
  return [...conditions, ...lists, ...workOf(node)];
}

/** What went on besides rows: rows thrown away, spills, pages from outside the cache. */
function workOf(node: PlanNode): readonly Detail[] {
  const details: Detail[] = [];
  const removed =
    totalOf(node, "Rows Removed by Filter") + totalOf(node, "Rows Removed by Join Filter");
  if (removed > 0) details.push({ label: "Thrown away", text: `${whole(removed)} rows` });
  const method = rawName(node.raw, "Sort Method");
  const space = numberOf(node, "Sort Space Used");
  if (method !== undefined && space !== undefined) {
    const where = node.raw["Sort Space Type"] === "Disk" ? "on disk" : "in memory";
    details.push({ label: "Sort", text: `${method}, ${whole(space)} kB ${where}` });
  }
  const batches = Math.max(
    numberOf(node, "Hash Batches") ?? 0,
    numberOf(node, "HashAgg Batches") ?? 0,
  );
  if (batches > 1) details.push({ label: "Batches", text: `${whole(batches)}, on disk` });
  const fetched = numberOf(node, "Heap Fetches") ?? 0;
  if (fetched > 0) details.push({ label: "Heap fetches", text: whole(fetched) });
  const blocks = node.actual?.blocks;
  if (blocks !== undefined && blocks.hit + blocks.read >= 1) {
    const text = `${whole(blocks.hit + blocks.read)} pages, ${whole(blocks.read)} not in the cache`;
    details.push({ label: "Read", text });
  }
  return details;
}

const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
