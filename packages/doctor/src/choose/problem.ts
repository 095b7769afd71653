import type { Candidate } from "../candidates/types.ts";
import { type Costed, GAIN_COST_LEAST, type Matrix, type MatrixInput } from "./matrix.ts";
import type { PlanOption, SelectInput } from "./objective.ts";
import { sameKeys } from "./shapes.ts";
import type { Upkeep } from "./upkeep.ts";

export interface ChooseInput {
  readonly matrix: Matrix;
  readonly planning: MatrixInput;
  readonly candidates: readonly Candidate[];
  readonly upkeep: ReadonlyMap<string, Upkeep>;
  /** By oid of the table, in the unit of `writeShare`. */
  readonly budgets: ReadonlyMap<number, number>;
}

/** Payload columns must save this much more than the same index without them. */
const INCLUDE_FACTOR = 1.3;
/** And where an index without them exists or gains nothing, this share of the cost. */
const INCLUDE_SHARE = 0.3;

/** What was planned, as a problem of choice among these candidates. */
export function problemOf(
  input: Pick<ChooseInput, "matrix" | "upkeep" | "budgets">,
  candidates: readonly Candidate[],
): SelectInput {
  const positions = new Map(candidates.map(({ id }, at) => [id, at]));
  const bare = new Map(
    candidates.flatMap((candidate, at) => {
      if (candidate.include.length === 0) return [];
      const without = candidates.findIndex(
        (other) => other.include.length === 0 && sameKeys(candidate, other),
      );
      return [[at, without < 0 ? undefined : without] as const];
    }),
  );
  return {
    budgets: input.budgets,
    candidates: candidates.map(({ id, relation }) => {
      const upkeep = input.upkeep.get(id);
      return { table: relation, upkeep: upkeep?.upkeep ?? 0, load: upkeep?.writeShare ?? 0 };
    }),
    statements: input.matrix.costed.map((costed) => ({
      weight: costed.statement.share,
      options: withoutWeakPairs(withoutIdlePayload(optionsOf(costed, positions), bare), candidates),
    })),
  };
}

function optionsOf(
  { before, options }: Costed,
  positions: ReadonlyMap<string, number>,
): readonly PlanOption[] {
  return options.flatMap(({ candidates: ids, cost }) => {
    const uses = ids.flatMap((id) => positions.get(id) ?? []);
    const counts = uses.length === ids.length && before - cost >= GAIN_COST_LEAST;
    return counts ? [{ uses: uses.toSorted((a, b) => a - b), cost: cost / before }] : [];
  });
}

/**
 * Where payload columns save too little beside the bare index, the index with them counts like the
 * bare one: it can serve the statement, but gains nothing by what it carries.
 */
function withoutIdlePayload(
  options: readonly PlanOption[],
  bare: ReadonlyMap<number, number | undefined>,
): readonly PlanOption[] {
  return options.flatMap((option) => {
    const carrying = option.uses.find((at) => bare.has(at));
    if (carrying === undefined) return [option];
    const base = bare.get(carrying);
    const uses = option.uses.map((at) => (at === carrying ? base : at));
    const key = uses.toSorted((a, b) => (a ?? 0) - (b ?? 0)).join();
    const same =
      base === undefined ? undefined : options.find((other) => other.uses.join() === key);
    const saved = 1 - option.cost;
    const savedBare = same === undefined ? 0 : 1 - same.cost;
    const pays = saved >= INCLUDE_SHARE && saved >= savedBare * INCLUDE_FACTOR;
    if (pays) return [option];
    return same === undefined ? [] : [{ uses: option.uses, cost: same.cost }];
  });
}

/** Two new indexes of one table for one plan must leave this share of what one of them costs. */
const PAIR_SHARE = 0.5;

/** Bitmaps of two new indexes are rarely worth the second one. */
function withoutWeakPairs(
  options: readonly PlanOption[],
  candidates: readonly Candidate[],
): readonly PlanOption[] {
  return options.filter((option) => {
    const tables = new Set(option.uses.map((at) => candidates[at]?.relation));
    if (tables.size === option.uses.length) return true;
    const fewer = options.filter(
      ({ uses }) =>
        uses.length < option.uses.length &&
        uses.every((at) => tables.has(candidates[at]?.relation)),
    );
    return option.cost <= PAIR_SHARE * Math.min(1, ...fewer.map(({ cost }) => cost));
  });
}
