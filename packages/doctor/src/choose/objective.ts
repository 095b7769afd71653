/** One way to plan a statement: what it costs when all of these candidates exist. */
export interface PlanOption {
  /** Positions in {@link SelectInput.candidates}, ascending, each once; empty: the plan of today. */
  readonly uses: readonly number[];
  /** In units of today's plan: 1 is as it is now. */
  readonly cost: number;
}

export interface SelectStatement {
  /** Share of the workload's time, 0 to 1. */
  readonly weight: number;
  /** The plan of today (no `uses`, cost 1) need not be among them. */
  readonly options: readonly PlanOption[];
}

export interface SelectCandidate {
  /** What its upkeep costs, in the unit of `weight`; at least 0. */
  readonly upkeep: number;
  /** The table: budgets are by table. */
  readonly table: number;
  /** What it takes of its table's budget; at least 0. */
  readonly load: number;
}

/** A weighted choice: the least sum of weight x cost + upkeep, within the budget of each table. */
export interface SelectInput {
  readonly statements: readonly SelectStatement[];
  readonly candidates: readonly SelectCandidate[];
  /** By table; a table that is missing has no limit. */
  readonly budgets: ReadonlyMap<number, number>;
}

/** Sums differ by more than rounding. */
export const EPSILON = 1e-12;

/** Cost of one statement when exactly these exist. */
export function costOf(statement: SelectStatement, chosen: ReadonlySet<number>): number {
  let least = 1;
  for (const option of statement.options)
    if (option.cost < least && option.uses.every((at) => chosen.has(at))) least = option.cost;
  return least;
}

export function sumOf(input: SelectInput, chosen: ReadonlySet<number>): number {
  let sum = 0;
  for (const statement of input.statements) sum += statement.weight * costOf(statement, chosen);
  for (const at of chosen) sum += input.candidates[at]?.upkeep ?? 0;
  return sum;
}

/** Whether every table's budget holds. */
export function fits(input: SelectInput, chosen: ReadonlySet<number>): boolean {
  const used = new Map<number, number>();
  for (const at of chosen) {
    const candidate = input.candidates[at];
    if (candidate !== undefined)
      used.set(candidate.table, (used.get(candidate.table) ?? 0) + candidate.load);
  }
  for (const [table, load] of used)
    if (load > (input.budgets.get(table) ?? Number.POSITIVE_INFINITY) + EPSILON) return false;
  return true;
}
