import { Board, type Move } from "./board.ts";
import { bestExact, EXACT_MAX } from "./exact.ts";
import { EPSILON, type SelectInput, sumOf } from "./objective.ts";
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

/** Rounds over all tables at most; each one ends early when nothing improves. */
const ROUNDS_MAX = 100;
const MOVES_MAX = 1_000;

/** Adds, swaps and drops within one table after the other while the sum falls. */
function improve(input: SelectInput): ReadonlySet<number> {
  const board = new Board(input);
  const tables = Map.groupBy(input.candidates.keys(), (at) => input.candidates[at]?.table ?? 0);
  const sets = setsOf(input);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    let moved = false;
    for (const candidates of tables.values())
      for (let move = 0; move < MOVES_MAX && step(board, within(candidates, board)); move += 1)
        moved = true;
    if (step(board, together(sets, board))) moved = true;
    if (!moved) break;
  }
  return new Set(board.members());
}

/** Makes the best of these moves, if any makes the sum less. */
function step(board: Board, moves: Iterable<Move>): boolean {
  let best: { move: Move; growth: number } | undefined;
  for (const move of moves) {
    if (!board.fits(move)) continue;
    const growth = board.growth(move);
    if (growth < (best?.growth ?? 0) - EPSILON) best = { move, growth };
  }
  if (best !== undefined) board.apply(best.move);
  return best !== undefined;
}

/** One index more, one fewer, one for another. */
function* within(candidates: readonly number[], board: Board): Generator<Move> {
  const outside = candidates.filter((at) => !board.has(at));
  const inside = candidates.filter((at) => board.has(at));
  for (const at of outside) yield { add: [at], drop: [] };
  for (const gone of inside) {
    yield { add: [], drop: [gone] };
    for (const at of outside) yield { add: [at], drop: [gone] };
  }
}

/** Plans that need several new indexes and may gain nothing by one alone. */
function* together(sets: readonly (readonly number[])[], board: Board): Generator<Move> {
  for (const set of sets) {
    const add = set.filter((at) => !board.has(at));
    if (add.length > 0) yield { add, drop: [] };
  }
}

function setsOf(input: SelectInput): readonly (readonly number[])[] {
  const sets = new Map<string, readonly number[]>();
  for (const { options } of input.statements)
    for (const { uses } of options) if (uses.length > 1) sets.set(uses.join(), uses);
  return [...sets.values()];
}
