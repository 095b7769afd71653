import type { Planned, RawPlan } from "./types.ts";

/** A plan deeper than this is not walked further. */
const DEPTH_MAX = 200;

/** Takes the rows of `EXPLAIN (FORMAT JSON)` apart; `ids` maps index names to candidates. */
export function plannedFrom(
  rows: readonly object[],
  ids: ReadonlyMap<string, string> = new Map(),
): Planned {
  const plan = planIn(rows);
  const totalCost = plan?.["Total Cost"];
  if (plan === undefined || typeof totalCost !== "number")
    return { kind: "refused", because: "the server answered with no plan" };
  const names = indexNames(plan);
  return {
    kind: "planned",
    totalCost,
    startupCost: Number(plan["Startup Cost"] ?? 0),
    rows: Number(plan["Plan Rows"] ?? 0),
    plan,
    uses: [...new Set(names.flatMap((name) => ids.get(name) ?? []))],
    usesExisting: names.filter((name) => !ids.has(name)),
  };
}

function planIn(rows: readonly object[]): RawPlan | undefined {
  const cell: unknown = Object.values(rows[0] ?? {})[0];
  const parsed: unknown = typeof cell === "string" ? JSON.parse(cell) : cell;
  const first: unknown = Array.isArray(parsed) ? parsed[0] : undefined;
  const plan: unknown =
    typeof first === "object" && first !== null && "Plan" in first ? first.Plan : undefined;
  return isRawPlan(plan) ? plan : undefined;
}

function isRawPlan(value: unknown): value is RawPlan {
  return typeof value === "object" && value !== null && "Node Type" in value;
}

/** Names of the indexes that a plan reads, each once. */
export function indexNames(plan: RawPlan): readonly string[] {
  const names = new Set<string>();
  const visit = (node: RawPlan, depth: number): void => {
    const name = node["Index Name"];
    if (typeof name === "string") names.add(name);
    if (depth < DEPTH_MAX) for (const child of node.Plans ?? []) visit(child, depth + 1);
  };
  visit(plan, 0);
  return [...names];
}
