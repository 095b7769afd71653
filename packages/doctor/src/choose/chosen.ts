import type { Candidate } from "../candidates/types.ts";
import { type Matrix, planWithin } from "./matrix.ts";
import { costOf, fits, type SelectInput, sumOf } from "./objective.ts";
import { type ChooseInput, problemOf } from "./problem.ts";
import { select } from "./select.ts";
import { complexity, leads } from "./shapes.ts";

/** An index is kept when the others without it would leave this share of the cost… */
export const KEEP_GAIN_SHARE = 0.5;
/** …of a statement that has this share of the workload's time (of a file: of its statements)… */
export const KEEP_STATEMENT_SHARE = 0.01;
/** …or, over all statements, this share of the workload's time. */
export const KEEP_TOTAL_SHARE = 0.01;
/** Gains below this share of a statement's cost do not count towards that. */
const TELLING_SHARE = 0.1;
/** Plans within the choice teach new combinations; they are learned so often. */
const ROUNDS_MAX = 5;
/** A simpler index is as good when no statement costs more than by this share… */
const TIE_SHARE = 0.02;
/** …or so many cost units, about a page. */
const TIE_COST = 1;

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

/**
 * The best set in which each member meets the thresholds and none leads another; what fails goes one
 * by one, and the rest is chosen anew. Then simpler indexes take the place of ones that gain nothing
 * by being more.
 */
function choice(input: ChooseInput, banned: Set<string>): readonly Candidate[] {
  for (;;) {
    const candidates = input.candidates.filter(({ id }) => !banned.has(id));
    const problem = problemOf(input, candidates);
    const chosen = simplified(problem, candidates, select(problem).chosen, input);
    const gone =
      redundant(problem, candidates, chosen) ??
      weakest(problem, chosen, input.matrix.costed.length);
    if (gone === undefined) return chosen.flatMap((at) => candidates[at] ?? []);
    banned.add(candidates[gone]?.id ?? "");
  }
}

/** Of two new indexes of which one leads the other, the one whose loss costs less. */
function redundant(
  problem: SelectInput,
  candidates: readonly Candidate[],
  chosen: readonly number[],
): number | undefined {
  const without = (gone: number): number =>
    sumOf(problem, new Set(chosen.filter((at) => at !== gone)));
  for (const one of chosen)
    for (const other of chosen) {
      const [a, b] = [candidates[one], candidates[other]];
      if (one === other || a === undefined || b === undefined || !leads(a, b)) continue;
      return without(one) <= without(other) ? one : other;
    }
  return undefined;
}

/** Each index replaced by the simplest one that leaves every statement as cheap, or nearly. */
function simplified(
  problem: SelectInput,
  candidates: readonly Candidate[],
  chosen: readonly number[],
  { matrix }: ChooseInput,
): readonly number[] {
  const simplest = [...candidates.entries()].toSorted(
    ([, a], [, b]) => complexity(a) - complexity(b),
  );
  let now = [...chosen];
  for (const at of chosen) {
    const candidate = candidates[at];
    if (candidate === undefined) continue;
    for (const [other, simpler] of simplest) {
      if (complexity(simpler) >= complexity(candidate)) break;
      if (simpler.relation !== candidate.relation || now.includes(other)) continue;
      const next = now.map((it) => (it === at ? other : it));
      if (!fits(problem, new Set(next)) || !asCheap(problem, now, next, matrix)) continue;
      now = next;
      break;
    }
  }
  return now.toSorted((a, b) => a - b);
}

function asCheap(
  problem: SelectInput,
  now: readonly number[],
  next: readonly number[],
  { costed }: Matrix,
): boolean {
  const [before, after] = [new Set(now), new Set(next)];
  return problem.statements.every((statement, at) => {
    const cost = costOf(statement, before);
    const unit = TIE_COST / Math.max(1, costed[at]?.before ?? 1);
    return costOf(statement, after) <= Math.max(cost * (1 + TIE_SHARE), cost + unit);
  });
}

/** The member that gains least, when it gains too little. */
function weakest(
  problem: SelectInput,
  chosen: readonly number[],
  statements: number,
): number | undefined {
  const whole = new Set(chosen);
  const shareLeast = Math.min(KEEP_STATEMENT_SHARE, 1 / Math.max(1, statements));
  let weak: { at: number; gain: number } | undefined;
  for (const at of chosen) {
    const without = new Set(chosen.filter((it) => it !== at));
    let total = 0;
    let enough = false;
    for (const statement of problem.statements) {
      const cost = costOf(statement, without);
      const gain = cost - costOf(statement, whole);
      if (gain >= TELLING_SHARE * cost) total += gain * statement.weight;
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
