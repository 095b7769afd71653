import type { Candidate, StatementFacts } from "../candidates/types.ts";
import type { Explain, Planned, Planner } from "../model/types.ts";
import type { OnProgress } from "../target/types.ts";
import type { WorkStatement } from "../workload/types.ts";

/** A way to plan a statement, in planner cost. */
export interface CostedOption {
  readonly candidates: readonly string[];
  readonly cost: number;
}

/** One statement that the planner could plan. */
export interface Costed {
  readonly statement: WorkStatement;
  readonly before: number;
  /** Names of the existing indexes that today's plan reads. */
  readonly usesExisting: readonly string[];
  /** Oids of the tables that it reads, as its facts say. */
  readonly relations: ReadonlySet<number>;
  readonly options: CostedOption[];
}

export interface MatrixInput {
  readonly planner: Planner;
  readonly statements: readonly WorkStatement[];
  readonly facts: readonly StatementFacts[];
  readonly candidates: readonly Candidate[];
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Matrix {
  readonly costed: readonly Costed[];
  /** Statements that cannot be planned, and why. */
  readonly refused: readonly { readonly id: string; readonly because: string }[];
  /** Candidates that cannot be created, and why. */
  readonly impossible: ReadonlyMap<string, string>;
  readonly plans: number;
}

/** Gains below these are no reason to look further: a share of the cost, and cost units. */
export const GAIN_SHARE_LEAST = 0.02;
export const GAIN_COST_LEAST = 10;
/** Plans made at most; what is not planned then is not advised. */
const PLANS_MAX = 40_000;
/** Subsets of the candidates that one plan uses are tried up to so many of them. */
const SUBSETS_OF_MAX = 4;

/**
 * What each statement costs with which candidates. First with all of them at once: a statement that
 * gains nothing then gains nothing with fewer. The others are planned with each candidate alone, and
 * with the parts of the set that their best plan used.
 */
export async function costMatrix(input: MatrixInput): Promise<Matrix> {
  const run = new Run(input);
  await run.baselines();
  const all = await run.allAtOnce();
  await run.subsets(all);
  await run.singles();
  return run.matrix();
}

/** Plans the statements within a set of indexes and keeps what was learned as options. */
export async function planWithin(
  matrix: Matrix,
  input: MatrixInput,
  candidates: readonly Candidate[],
): Promise<ReadonlyMap<string, Planned>> {
  const touched = new Set(candidates.map(({ relation }) => relation));
  return input.planner.whatIf({ add: candidates, drop: [] }, async (explain) => {
    const plans = new Map<string, Planned>();
    for (const costed of matrix.costed) {
      if (![...costed.relations].some((oid) => touched.has(oid))) continue;
      input.signal?.throwIfAborted();
      const planned = await explain(costed.statement);
      plans.set(costed.statement.id, planned);
      keep(costed, planned);
    }
    return plans;
  });
}

function keep(costed: Costed, planned: Planned): void {
  if (planned.kind === "refused" || planned.uses.length === 0) return;
  costed.options.push({ candidates: planned.uses, cost: planned.totalCost });
}

function gains(costed: Costed): boolean {
  const least = Math.min(costed.before, ...costed.options.map(({ cost }) => cost));
  const gain = costed.before - least;
  return gain >= GAIN_COST_LEAST && gain >= costed.before * GAIN_SHARE_LEAST;
}

class Run {
  readonly #input: MatrixInput;
  readonly #costed: Costed[] = [];
  readonly #refused: { id: string; because: string }[] = [];
  readonly #impossible = new Map<string, string>();
  /** By statement: the terms that an index could serve first, each with its table. */
  readonly #facts: ReadonlyMap<string, ReadonlySet<string>>;
  #plans = 0;

  constructor(input: MatrixInput) {
    this.#input = input;
    this.#facts = new Map(input.facts.map((each) => [each.id, new Set(termsOf(each))]));
  }

  matrix(): Matrix {
    return {
      costed: this.#costed,
      refused: this.#refused,
      impossible: this.#impossible,
      plans: this.#plans,
    };
  }

  async baselines(): Promise<void> {
    const facts = new Map(this.#input.facts.map((each) => [each.id, each]));
    for (const statement of this.#input.statements) {
      const planned = await this.#plan(this.#input.planner.explain, statement);
      if (planned.kind === "refused") {
        this.#refused.push({ id: statement.id, because: planned.because });
        continue;
      }
      const scans = facts.get(statement.id)?.scans ?? [];
      this.#costed.push({
        statement,
        before: planned.totalCost,
        usesExisting: planned.usesExisting,
        relations: new Set(scans.map(({ relation }) => relation)),
        options: [],
      });
    }
  }

  /** The candidates that each statement's plan uses when all exist. */
  async allAtOnce(): Promise<ReadonlyMap<string, readonly string[]>> {
    const { candidates, planner } = this.#input;
    const used = new Map<string, readonly string[]>();
    if (candidates.length === 0) return used;
    await planner.whatIf({ add: candidates, drop: [] }, async (explain, refused) => {
      for (const { candidate, because } of refused) this.#impossible.set(candidate, because);
      for (const [at, costed] of this.#costed.entries()) {
        const planned = await this.#plan(explain, costed.statement);
        this.#input.onProgress?.({
          step: "planning with all candidates",
          done: at + 1,
          total: this.#costed.length,
        });
        keep(costed, planned);
        if (planned.kind === "planned") used.set(costed.statement.id, planned.uses);
      }
    });
    return used;
  }

  /** Pairs and the like of one plan: which of them does the gain need? */
  async subsets(used: ReadonlyMap<string, readonly string[]>): Promise<void> {
    const sets = new Map<string, Costed[]>();
    for (const costed of this.#costed.filter(gains)) {
      const uses = [...(used.get(costed.statement.id) ?? [])].sort();
      if (uses.length > SUBSETS_OF_MAX) continue;
      for (const subset of properSubsets(uses)) {
        const key = JSON.stringify(subset);
        sets.set(key, [...(sets.get(key) ?? []), costed]);
      }
    }
    for (const [key, asking] of sets) {
      const ids: readonly string[] = JSON.parse(key);
      await this.#within(
        this.#input.candidates.filter(({ id }) => ids.includes(id)),
        asking,
      );
    }
  }

  async singles(): Promise<void> {
    const gaining = this.#costed.filter(gains);
    const { candidates, onProgress } = this.#input;
    for (const [at, candidate] of candidates.entries()) {
      onProgress?.({
        step: "planning with each candidate",
        done: at + 1,
        total: candidates.length,
      });
      if (this.#impossible.has(candidate.id)) continue;
      const asking = gaining.filter((costed) => this.#mayUse(candidate, costed));
      if (asking.length > 0) await this.#within([candidate], asking);
    }
  }

  /** Whether it asked for the candidate, or compares or orders the first key. */
  #mayUse(candidate: Candidate, { statement, relations }: Costed): boolean {
    if (!relations.has(candidate.relation)) return false;
    if (candidate.statements.includes(statement.id)) return true;
    const [first] = candidate.keys;
    return this.#facts.get(statement.id)?.has(`${candidate.relation} ${first?.sql}`) ?? false;
  }

  async #within(candidates: readonly Candidate[], asking: readonly Costed[]): Promise<void> {
    if (this.#plans > PLANS_MAX) return;
    await this.#input.planner.whatIf({ add: candidates, drop: [] }, async (explain) => {
      for (const costed of asking) {
        const planned = await this.#plan(explain, costed.statement);
        keep(costed, planned);
      }
    });
  }

  async #plan(explain: Explain, statement: WorkStatement): Promise<Planned> {
    this.#input.signal?.throwIfAborted();
    this.#plans += 1;
    return explain(statement);
  }
}

function termsOf({ scans }: StatementFacts): readonly string[] {
  return scans.flatMap(({ relation, clauses, order, grouped }) => [
    ...clauses.flatMap((clause) => ("term" in clause ? [`${relation} ${clause.term.sql}`] : [])),
    ...order.slice(0, 1).map(({ term }) => `${relation} ${term.sql}`),
    ...grouped.map(({ sql }) => `${relation} ${sql}`),
  ]);
}

/** Of two and more members, without the whole. */
function properSubsets(ids: readonly string[]): readonly (readonly string[])[] {
  const subsets: string[][] = [];
  for (let mask = 1; mask < 2 ** ids.length - 1; mask += 1) {
    const subset = ids.filter((_, at) => (mask >> at) & 1);
    if (subset.length > 1) subsets.push(subset);
  }
  return subsets;
}
