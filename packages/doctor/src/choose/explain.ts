import type { Explainable, Planned, RawPlan } from "../model/types.ts";

/** Sends exactly one statement by the simple protocol, which a text with `$1` needs. */
export type Ask = (text: string) => Promise<readonly object[]>;

/** From this version on `EXPLAIN (GENERIC_PLAN)` plans `$1` without a value. */
const GENERIC_PLAN_MAJOR = 16;
const PREPARED = "hasten_doctor_explain";
/** A plan deeper than this is not walked further. */
const DEPTH_MAX = 200;

export interface ServerExplain {
  readonly ask: Ask;
  readonly major: number;
  /** Number of parameters of a statement: the highest `$n`. */
  readonly parameters: (statement: Explainable) => number;
}

/**
 * The plan of a statement that is not run, inside the transaction that the caller has opened.
 * The caller has made sure that the text is one statement. Errors are the caller's.
 */
export async function explainOnServer(
  server: ServerExplain,
  statement: Explainable,
): Promise<readonly object[]> {
  const count = server.parameters(statement);
  if (count === 0) return server.ask(`explain (format json) ${statement.planText}`);
  if (server.major >= GENERIC_PLAN_MAJOR)
    return server.ask(`explain (generic_plan, format json) ${statement.planText}`);
  await server.ask("set local plan_cache_mode = force_generic_plan");
  await server.ask(`prepare ${PREPARED} as ${statement.planText}`);
  try {
    const values = Array.from({ length: count }, () => "null").join(", ");
    return await server.ask(`explain (format json) execute ${PREPARED}(${values})`);
  } finally {
    // In an aborted transaction it fails, and the name would outlive the rollback.
    await server.ask(`deallocate ${PREPARED}`).catch(() => undefined);
  }
}

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
