import { costOf, EPSILON, type PlanOption, type SelectInput } from "./objective.ts";

/**
 * Candidates that may be in a best choice: an index is left out when all it could ever gain is no
 * more than its upkeep, when it alone exceeds its budget, or when another one can stand in for it.
 */
export function survivorsOf(input: SelectInput): readonly number[] {
  const gains = gainsOf(input);
  const paying = [...input.candidates.entries()].flatMap(([at, candidate]) => {
    const budget = input.budgets.get(candidate.table) ?? Number.POSITIVE_INFINITY;
    return candidate.load <= budget && (gains[at] ?? 0) > candidate.upkeep ? [at] : [];
  });
  return withoutDominated(input, paying);
}

/** The most that each candidate could ever gain: no other set makes its share of a gain larger. */
function gainsOf(input: SelectInput): readonly number[] {
  const gains = input.candidates.map(() => 0);
  for (const { weight, options } of input.statements) {
    const least = new Map<number, number>();
    for (const { uses, cost } of options)
      for (const at of uses) least.set(at, Math.min(least.get(at) ?? 1, cost));
    for (const [at, cost] of least) gains[at] = (gains[at] ?? 0) + weight * Math.max(0, 1 - cost);
  }
  return gains;
}

interface Use {
  readonly statement: number;
  readonly option: PlanOption;
}

function withoutDominated(input: SelectInput, candidates: readonly number[]): readonly number[] {
  const uses = new Map<number, Use[]>(candidates.map((at) => [at, []]));
  for (const [statement, { options }] of input.statements.entries())
    for (const option of options)
      for (const at of option.uses) uses.get(at)?.push({ statement, option });
  const standsIn = (other: number, at: number): boolean =>
    cheaperToKeep(input, other, at) &&
    (uses.get(at) ?? []).every(({ statement, option }) => {
      const instead = new Set(option.uses.map((it) => (it === at ? other : it)));
      const target = input.statements[statement];
      return target !== undefined && costOf(target, instead) <= Math.min(1, option.cost) + EPSILON;
    });
  const alive = new Set(candidates);
  for (const at of candidates)
    for (const other of alive)
      if (other !== at && standsIn(other, at)) {
        alive.delete(at);
        break;
      }
  return [...alive];
}

function cheaperToKeep(input: SelectInput, one: number, other: number): boolean {
  const a = input.candidates[one];
  const b = input.candidates[other];
  if (a === undefined || b === undefined || a.table !== b.table) return false;
  return a.upkeep <= b.upkeep && a.load <= b.load;
}

/** Groups of candidates that share a statement's option or a table with a budget. */
export function componentsOf(
  input: SelectInput,
  candidates: readonly number[],
): readonly (readonly number[])[] {
  const parent = new Map(candidates.map((at) => [at, at]));
  const rootOf = (at: number): number => {
    let root = at;
    for (let next = parent.get(root); next !== undefined && next !== root; next = parent.get(root))
      root = next;
    return root;
  };
  const join = (ats: readonly number[]): void => {
    const [first, ...rest] = ats.filter((at) => parent.has(at));
    if (first !== undefined) for (const at of rest) parent.set(rootOf(at), rootOf(first));
  };
  for (const { options } of input.statements) join(options.flatMap(({ uses }) => uses));
  for (const [table, budget] of input.budgets) {
    const those = candidates.filter((at) => input.candidates[at]?.table === table);
    const load = those.reduce((sum, at) => sum + (input.candidates[at]?.load ?? 0), 0);
    // A budget that all of them together keep to binds nothing.
    if (load > budget) join(those);
  }
  const groups = Map.groupBy(candidates, rootOf);
  return [...groups.values()].map((group) => group.toSorted((a, b) => a - b));
}

/** The problem of some candidates alone, renumbered in their order. */
export function restrict(input: SelectInput, part: readonly number[]): SelectInput {
  const at = new Map(part.map((old, now) => [old, now]));
  return {
    budgets: input.budgets,
    candidates: part.flatMap((old) => input.candidates[old] ?? []),
    statements: input.statements.flatMap(({ weight, options }) => {
      const kept = options.flatMap(({ uses, cost }) => {
        const now = uses.flatMap((old) => at.get(old) ?? []);
        return cost < 1 && now.length > 0 && now.length === uses.length
          ? [{ uses: now, cost }]
          : [];
      });
      return kept.length === 0 ? [] : [{ weight, options: kept }];
    }),
  };
}
