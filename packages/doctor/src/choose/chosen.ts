import type { Candidate } from "../candidates/types.ts";
import { Board, type Move } from "./board.ts";
import { type Matrix, planWithin } from "./matrix.ts";
import type { SelectInput } from "./objective.ts";
import { type ChooseInput, problemOf } from "./problem.ts";
import { select } from "./select.ts";
import { beginAlike, complexity, leads } from "./shapes.ts";

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
/** …or so many cost units, about a page, or where that is next to nothing of the workload's time. */
const TIE_COST = 1;
const TIE_TOTAL_SHARE = 0.0001;
const TIE_RISE_MAX = 0.1;

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
 * The best set in which each member meets the thresholds and none leads another; what fails goes, one
 * of a table at a time, and the rest is chosen anew. Then simpler indexes take the place of ones that
 * gain nothing by being more.
 */
function choice(input: ChooseInput, banned: Set<string>): readonly Candidate[] {
  for (;;) {
    const candidates = input.candidates.filter(({ id }) => !banned.has(id));
    const problem = problemOf(input, candidates);
    const board = new Board(problem, select(problem).chosen);
    simplify(problem, candidates, board, input.matrix);
    const doubles = redundant(candidates, board);
    const gone = doubles.length > 0 ? doubles : weakest(problem, board);
    if (gone.length === 0) return board.members().flatMap((at) => candidates[at] ?? []);
    for (const at of gone) banned.add(candidates[at]?.id ?? "");
  }
}

/** Of two new indexes of which one leads the other, or might do for it, the one whose loss costs less. */
function redundant(candidates: readonly Candidate[], board: Board): readonly number[] {
  const chosen = board.members();
  const tables = Map.groupBy(chosen, (at) => candidates[at]?.relation ?? 0);
  return [...tables.values()].flatMap((those) => {
    for (const one of those)
      for (const other of those) {
        const [a, b] = [candidates[one], candidates[other]];
        if (one === other || a === undefined || b === undefined) continue;
        if (!leads(a, b) && !beginAlike(a, b)) continue;
        const loss = (at: number): number => board.growth({ add: [], drop: [at] });
        return [loss(one) <= loss(other) ? one : other];
      }
    return [];
  });
}

/** Each index replaced by the simplest one that leaves every statement as cheap, or nearly. */
function simplify(
  problem: SelectInput,
  candidates: readonly Candidate[],
  board: Board,
  { costed }: Matrix,
): void {
  const tables = Map.groupBy(candidates.keys(), (at) => candidates[at]?.relation ?? 0);
  const weigh = (at: number): number => {
    const candidate = candidates[at];
    return candidate === undefined ? Number.POSITIVE_INFINITY : complexity(candidate);
  };
  const isAsCheap = (move: Move): boolean =>
    [...board.costsAfter(move)].every(([statement, cost]) => {
      const now = board.cost(statement);
      const unit = TIE_COST / Math.max(1, costed[statement]?.before ?? 1);
      const weight = problem.statements[statement]?.weight ?? 0;
      const idle = Math.min(TIE_RISE_MAX, TIE_TOTAL_SHARE / Math.max(weight, TIE_TOTAL_SHARE));
      return cost <= now + Math.max(now * TIE_SHARE, unit, idle);
    });
  for (const at of board.members()) {
    const others = tables.get(candidates[at]?.relation ?? 0) ?? [];
    const simpler = others
      .filter((other) => weigh(other) < weigh(at) && !board.has(other))
      .toSorted((a, b) => weigh(a) - weigh(b))
      .map((other): Move => ({ add: [other], drop: [at] }))
      .find((move) => board.fits(move) && isAsCheap(move));
    if (simpler !== undefined && problem.statements.length > 0) board.apply(simpler);
  }
}

/** Of each table the member that gains least, when it gains too little. */
function weakest(problem: SelectInput, board: Board): readonly number[] {
  const shareLeast = Math.min(KEEP_STATEMENT_SHARE, 1 / Math.max(1, problem.statements.length));
  const weak = new Map<number, { at: number; total: number }>();
  for (const at of board.members()) {
    let total = 0;
    let enough = false;
    for (const [statement, cost] of board.costsAfter({ add: [], drop: [at] })) {
      const weight = problem.statements[statement]?.weight ?? 0;
      const gain = cost - board.cost(statement);
      if (gain >= TELLING_SHARE * cost) total += gain * weight;
      enough ||= weight >= shareLeast && gain >= KEEP_GAIN_SHARE * cost;
    }
    if (enough || total >= KEEP_TOTAL_SHARE) continue;
    const table = problem.candidates[at]?.table ?? 0;
    if (total < (weak.get(table)?.total ?? Number.POSITIVE_INFINITY))
      weak.set(table, { at, total });
  }
  return [...weak.values()].map(({ at }) => at);
}

function sameSet(one: readonly Candidate[], other: readonly Candidate[]): boolean {
  const ids = new Set(other.map(({ id }) => id));
  return one.length === ids.size && one.every(({ id }) => ids.has(id));
}
