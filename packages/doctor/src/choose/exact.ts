import { EPSILON, fits, type SelectInput, sumOf } from "./objective.ts";

/** Parts of more candidates are not searched exactly. */
export const EXACT_MAX = 20;
/** The search of one part gives up after so many nodes, far below which real ones end. */
const NODES_MAX = 300_000;

interface MaskedStatement {
  readonly weight: number;
  /** Ascending by cost; the last is the plan of today. */
  readonly options: readonly { readonly mask: number; readonly cost: number }[];
}

/**
 * Branch and bound over at most {@link EXACT_MAX} candidates. A node decides about one candidate;
 * its bound is what all undecided ones together could reach if they cost nothing.
 * @returns the best set, or undefined when the search grew too large
 */
export function bestExact(
  input: SelectInput,
  start: ReadonlySet<number>,
): ReadonlySet<number> | undefined {
  const statements = input.statements.map(masked);
  const count = input.candidates.length;
  let best = { value: sumOf(input, start), chosen: start };
  let nodes = 0;
  const visit = (at: number, taken: number, upkeep: number): void => {
    nodes += 1;
    if (nodes > NODES_MAX) return;
    const open = taken | (((1 << count) - 1) & ~((1 << at) - 1));
    if (upkeep + costWith(statements, open) >= best.value - EPSILON) return;
    if (at === count) {
      best = { value: upkeep + costWith(statements, taken), chosen: setOf(taken, count) };
      return;
    }
    const withIt = taken | (1 << at);
    if (fits(input, setOf(withIt, count)))
      visit(at + 1, withIt, upkeep + (input.candidates[at]?.upkeep ?? 0));
    visit(at + 1, taken, upkeep);
  };
  visit(0, 0, 0);
  return nodes > NODES_MAX ? undefined : best.chosen;
}

function masked({ weight, options }: SelectInput["statements"][number]): MaskedStatement {
  const all = options.map(({ uses, cost }) => ({
    mask: uses.reduce((mask, at) => mask | (1 << at), 0),
    cost,
  }));
  return {
    weight,
    options: [...all, { mask: 0, cost: 1 }].sort((a, b) => a.cost - b.cost),
  };
}

function costWith(statements: readonly MaskedStatement[], available: number): number {
  let sum = 0;
  for (const { weight, options } of statements)
    for (const { mask, cost } of options)
      if ((mask & available) === mask) {
        sum += weight * cost;
        break;
      }
  return sum;
}

function setOf(mask: number, count: number): ReadonlySet<number> {
  const chosen = new Set<number>();
  for (let at = 0; at < count; at += 1) if ((mask & (1 << at)) !== 0) chosen.add(at);
  return chosen;
}
