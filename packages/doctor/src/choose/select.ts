import { bestExact, EXACT_MAX } from "./exact.ts";
import { EPSILON, fits, type SelectInput, sumOf } from "./objective.ts";
import { componentsOf, restrict, survivorsOf } from "./reduce.ts";

export interface Selection {
  /** Positions of the chosen candidates, ascending. */
  readonly chosen: readonly number[];
  /** The sum that was made least. */
  readonly value: number;
  /** Whether no better choice exists; otherwise it is a local optimum. */
  readonly exact: boolean;
}

/**
 * Chooses the indexes to create. Candidates that cannot pay for themselves, or that another one
 * serves as well at no more cost, go first; what is left falls into parts that share no statement
 * and no budget. A part of at most 20 candidates is solved exactly by branch and bound, a larger
 * one by adding, swapping and dropping until nothing improves.
 */
export function select(input: SelectInput): Selection {
  const chosen = new Set<number>();
  let exact = true;
  for (const part of componentsOf(input, survivorsOf(input))) {
    const problem = restrict(input, part);
    const local = improve(problem);
    const best = part.length <= EXACT_MAX ? bestExact(problem, local) : undefined;
    exact &&= best !== undefined;
    for (const at of best ?? local) chosen.add(part[at] ?? 0);
  }
  const sorted = [...chosen].sort((a, b) => a - b);
  return { chosen: sorted, value: sumOf(input, chosen), exact };
}

/** Adds, swaps and drops while the sum falls; at most so many steps. */
const STEPS_MAX = 500;

function improve(input: SelectInput): ReadonlySet<number> {
  let chosen: ReadonlySet<number> = new Set();
  let value = sumOf(input, chosen);
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const next = bestOf(input, neighbours(input, chosen));
    if (next === undefined || next.value >= value - EPSILON) break;
    ({ chosen, value } = next);
  }
  return chosen;
}

/**
 * One index more, one fewer, one for another; and all of one option at once, for plans that need
 * two new indexes and gain nothing by either alone.
 */
function* neighbours(
  input: SelectInput,
  chosen: ReadonlySet<number>,
): Generator<ReadonlySet<number>> {
  const outside = [...input.candidates.keys()].filter((at) => !chosen.has(at));
  for (const at of outside) yield new Set([...chosen, at]);
  for (const gone of chosen) {
    const rest = [...chosen].filter((at) => at !== gone);
    yield new Set(rest);
    for (const at of outside) yield new Set([...rest, at]);
  }
  const seen = new Set<string>();
  for (const { options } of input.statements)
    for (const { uses } of options) {
      if (uses.length < 2 || seen.has(uses.join())) continue;
      seen.add(uses.join());
      yield new Set([...chosen, ...uses]);
    }
}

function bestOf(
  input: SelectInput,
  sets: Iterable<ReadonlySet<number>>,
): { chosen: ReadonlySet<number>; value: number } | undefined {
  let best: { chosen: ReadonlySet<number>; value: number } | undefined;
  for (const chosen of sets) {
    if (!fits(input, chosen)) continue;
    const value = sumOf(input, chosen);
    if (best === undefined || value < best.value - EPSILON) best = { chosen, value };
  }
  return best;
}
