import { costOf, EPSILON, type SelectInput } from "./objective.ts";

/** Candidates that come and go at once. */
export interface Move {
  readonly add: readonly number[];
  readonly drop: readonly number[];
}

/** A choice that is being improved: what a move would change is found without looking at the rest. */
export class Board {
  readonly #input: SelectInput;
  readonly #chosen: Set<number>;
  readonly #costs: number[];
  readonly #loads = new Map<number, number>();
  /** By candidate: the statements that some option of it could serve. */
  readonly #touched: readonly (readonly number[])[];

  constructor(input: SelectInput, chosen: Iterable<number> = []) {
    this.#input = input;
    this.#chosen = new Set(chosen);
    this.#touched = touchedBy(input);
    this.#costs = input.statements.map((statement) => costOf(statement, this.#chosen));
    for (const at of this.#chosen) this.#load(at, 1);
  }

  /** What is chosen now. */
  members(): readonly number[] {
    return [...this.#chosen];
  }

  has(at: number): boolean {
    return this.#chosen.has(at);
  }

  cost(statement: number): number {
    return this.#costs[statement] ?? 1;
  }

  /** Costs after a move, of the statements that it could change. */
  costsAfter(move: Move): ReadonlyMap<number, number> {
    const statements = new Set(
      [...move.add, ...move.drop].flatMap((at) => this.#touched[at] ?? []),
    );
    this.#flip(move);
    const costs = new Map<number, number>();
    for (const at of statements) {
      const statement = this.#input.statements[at];
      if (statement !== undefined) costs.set(at, costOf(statement, this.#chosen));
    }
    this.#flip({ add: move.drop, drop: move.add });
    return costs;
  }

  /** By how much the sum grows; less than 0 is better. */
  growth(move: Move): number {
    let growth = 0;
    for (const at of move.add) growth += this.#input.candidates[at]?.upkeep ?? 0;
    for (const at of move.drop) growth -= this.#input.candidates[at]?.upkeep ?? 0;
    for (const [at, cost] of this.costsAfter(move))
      growth += (this.#input.statements[at]?.weight ?? 0) * (cost - this.cost(at));
    return growth;
  }

  /** Whether the budgets of the tables hold after it. */
  fits(move: Move): boolean {
    const loads = new Map<number, number>();
    const count = (at: number, sign: 1 | -1): void => {
      const candidate = this.#input.candidates[at];
      if (candidate === undefined) return;
      const { table, load } = candidate;
      loads.set(table, (loads.get(table) ?? this.#loads.get(table) ?? 0) + sign * load);
    };
    for (const at of move.drop) count(at, -1);
    for (const at of move.add) count(at, 1);
    return [...loads].every(
      ([table, load]) =>
        load <= (this.#input.budgets.get(table) ?? Number.POSITIVE_INFINITY) + EPSILON,
    );
  }

  apply(move: Move): void {
    const costs = this.costsAfter(move);
    this.#flip(move);
    for (const at of move.add) this.#load(at, 1);
    for (const at of move.drop) this.#load(at, -1);
    for (const [at, cost] of costs) this.#costs[at] = cost;
  }

  #flip({ add, drop }: Move): void {
    for (const at of drop) this.#chosen.delete(at);
    for (const at of add) this.#chosen.add(at);
  }

  #load(at: number, sign: 1 | -1): void {
    const candidate = this.#input.candidates[at];
    if (candidate === undefined) return;
    const { table, load } = candidate;
    this.#loads.set(table, (this.#loads.get(table) ?? 0) + sign * load);
  }
}

function touchedBy(input: SelectInput): readonly (readonly number[])[] {
  const touched: Set<number>[] = input.candidates.map(() => new Set());
  for (const [at, { options }] of input.statements.entries())
    for (const { uses } of options) for (const candidate of uses) touched[candidate]?.add(at);
  return touched.map((statements) => [...statements]);
}
