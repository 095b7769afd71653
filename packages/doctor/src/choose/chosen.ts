import type { Candidate } from "../candidates/types.ts";
import {
  type Costed,
  GAIN_COST_LEAST,
  type Matrix,
  type MatrixInput,
  planWithin,
} from "./matrix.ts";
import { costOf, type SelectInput } from "./objective.ts";
import { select } from "./select.ts";
import type { Upkeep } from "./upkeep.ts";

export interface ChooseInput {
  readonly matrix: Matrix;
  readonly planning: MatrixInput;
  readonly candidates: readonly Candidate[];
  readonly upkeep: ReadonlyMap<string, Upkeep>;
  /** By oid of the table, in the unit of `writeShare`. */
  readonly budgets: ReadonlyMap<number, number>;
}

/** An index is kept when it saves this share of the cost… */
export const KEEP_GAIN_SHARE = 0.1;
/** …of a statement that has this share of the workload's time (of a file: of its statements)… */
export const KEEP_STATEMENT_SHARE = 0.01;
/** …or, over all statements, this share of the workload's time. */
export const KEEP_TOTAL_SHARE = 0.01;
/** Plans within the choice teach new combinations; they are learned so often. */
const ROUNDS_MAX = 5;

/** The set of indexes that are worth their upkeep together. */
export async function choose(input: ChooseInput): Promise<readonly Candidate[]> {
  const banned = new Set<string>();
  let chosen = choice(input, banned);
  for (let round = 0; round < ROUNDS_MAX && chosen.length > 0; round += 1) {
    await planWithin(input.matrix, input.planning, chosen);
    const next = choice(input, banned);
    if (sameSet(next, chosen)) break;
    chosen = next;
  }
  return chosen;
}

/** The best set of which each member meets the thresholds; the weakest that does not goes first. */
function choice(input: ChooseInput, banned: Set<string>): readonly Candidate[] {
  for (;;) {
    const candidates = input.candidates.filter(({ id }) => !banned.has(id));
    const problem = problemOf(input, candidates);
    const { chosen } = select(problem);
    const weak = weakest(problem, chosen, input.matrix.costed);
    if (weak === undefined) return chosen.flatMap((at) => candidates[at] ?? []);
    banned.add(candidates[weak]?.id ?? "");
  }
}

function problemOf(input: ChooseInput, candidates: readonly Candidate[]): SelectInput {
  const positions = new Map(candidates.map(({ id }, at) => [id, at]));
  return {
    budgets: input.budgets,
    candidates: candidates.map(({ id, relation }) => {
      const upkeep = input.upkeep.get(id);
      return { table: relation, upkeep: upkeep?.upkeep ?? 0, load: upkeep?.writeShare ?? 0 };
    }),
    statements: input.matrix.costed.map(({ statement, before, options }) => ({
      weight: statement.share,
      options: options.flatMap(({ candidates: ids, cost }) => {
        const uses = ids.flatMap((id) => positions.get(id) ?? []);
        const counts = uses.length === ids.length && before - cost >= GAIN_COST_LEAST;
        return counts ? [{ uses: uses.toSorted((a, b) => a - b), cost: cost / before }] : [];
      }),
    })),
  };
}

/** The member that gains least, when it gains too little. */
function weakest(
  problem: SelectInput,
  chosen: readonly number[],
  costed: readonly Costed[],
): number | undefined {
  const whole = new Set(chosen);
  const shareLeast = Math.min(KEEP_STATEMENT_SHARE, 1 / Math.max(1, costed.length));
  let weak: { at: number; gain: number } | undefined;
  for (const at of chosen) {
    const without = new Set(chosen.filter((it) => it !== at));
    let total = 0;
    let enough = false;
    for (const statement of problem.statements) {
      const cost = costOf(statement, without);
      const gain = cost - costOf(statement, whole);
      total += gain * statement.weight;
      enough ||= statement.weight >= shareLeast && gain >= KEEP_GAIN_SHARE * cost;
    }
    if (enough || total >= KEEP_TOTAL_SHARE) continue;
    if (weak === undefined || total < weak.gain) weak = { at, gain: total };
  }
  return weak?.at;
}

function sameSet(one: readonly Candidate[], other: readonly Candidate[]): boolean {
  const ids = new Set(other.map(({ id }) => id));
  return one.length === ids.size && one.every(({ id }) => ids.has(id));
}
