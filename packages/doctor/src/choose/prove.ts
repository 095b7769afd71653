import { quoteQualified } from "hasten/postgres";
import type { Candidate, StatementFacts } from "../candidates/types.ts";
import type { Relation } from "../catalog/types.ts";
import { estimateIndexSize } from "../model/size.ts";
import type { IndexSize, Planned, Planner } from "../model/types.ts";
import { type Calibration, calibrate } from "./calibrate.ts";
import { choose } from "./chosen.ts";
import type { counted } from "./counted.ts";
import { createAdvice } from "./create.ts";
import { type DropCandidate, dropAdvice, droppable } from "./drop.ts";
import type { AdviseInput } from "./input.ts";
import { costMatrix, type Matrix, type MatrixInput } from "./matrix.ts";
import { findReplaced, isHarmless } from "./replace.ts";
import type { Badge, CreateAdvice, DropAdvice } from "./types.ts";
import { budgetOf, type Upkeep, upkeepOf, writeLoads } from "./upkeep.ts";

export interface ProveInput {
  readonly planner: ReturnType<typeof counted>;
  readonly relations: ReadonlyMap<number, Relation>;
  readonly candidates: readonly Candidate[];
  readonly facts: readonly StatementFacts[];
}

export interface Proof {
  readonly matrix: Matrix;
  readonly calibration: Calibration;
  readonly creates: readonly CreateAdvice[];
  readonly drops: readonly DropAdvice[];
  readonly plans: number;
}

/** Plans, chooses, calibrates and verifies: everything that needs a planner. */
export async function prove(input: AdviseInput, known: ProveInput): Promise<Proof> {
  const { planner, relations, candidates } = known;
  const ids = new Set(known.facts.map(({ id }) => id));
  const statements = input.workload.statements.filter(({ id }) => ids.has(id));
  const { onProgress, signal } = input;
  const planning: MatrixInput = {
    ...{ planner, statements, facts: known.facts, candidates, onProgress, signal },
  };
  const matrix = await costMatrix(planning);
  const sizes = await sizesOf(known);
  const { upkeep, budgets } = costsOfWrites(input, known, sizes);
  onProgress?.({ step: "choosing" });
  const chosen = await choose({ matrix, planning, candidates, upkeep, budgets });
  const calibration = await calibrate({
    ...{ target: input.target, planner, parser: input.parser, onProgress, signal },
    statements: matrix.costed.map(({ statement }) => statement),
  });
  const harm = { planner, chosen, relations, costed: matrix.costed, signal };
  const replaced = await findReplaced(harm);
  const gone = [...replaced.values()].flat();
  const final = await finalPlans(
    matrix,
    planner,
    chosen,
    gone.map(({ oid }) => oid),
  );
  const creates = await createAdvice(chosen, {
    ...{ input, relations, matrix, calibration, final, replaced, sizes, upkeep },
    source: planner.source,
  });
  const used = new Set(matrix.costed.flatMap(({ usesExisting }) => usesExisting));
  const dropping = { catalog: input.catalog, used, replaced: new Set(gone.map(({ oid }) => oid)) };
  const drops = droppable(dropping);
  const verified = await verifyDrops(drops, harm);
  return {
    ...{ matrix, calibration, creates, plans: planner.plans() },
    drops: dropAdvice(drops, { ...dropping, verified }),
  };
}

/** Estimated sizes; of a partial index by the rows that the planner expects of its condition. */
async function sizesOf({
  planner,
  candidates,
  relations,
}: ProveInput): Promise<ReadonlyMap<string, IndexSize>> {
  const shares = new Map<string, number>();
  const sizes = new Map<string, IndexSize>();
  for (const candidate of candidates) {
    const relation = relations.get(candidate.relation);
    if (relation === undefined) continue;
    const { predicate } = candidate;
    const key = `${relation.oid} ${predicate ?? ""}`;
    const share =
      predicate === undefined
        ? 1
        : (shares.get(key) ?? (await shareOf(planner, relation, predicate)));
    shares.set(key, share);
    sizes.set(candidate.id, estimateIndexSize(candidate, relation, share));
  }
  return sizes;
}

/** Of the rows, what a partial index holds when the planner cannot say: as pganalyze assumes. */
const PARTIAL_SHARE = 0.1;

async function shareOf(planner: Planner, relation: Relation, predicate: string): Promise<number> {
  const table = quoteQualified([relation.schema, relation.name]);
  const planText = `select 1 from ${table} where ${predicate}`;
  const planned = await planner.explain({ id: "share of a partial index", planText });
  if (planned.kind === "refused" || relation.rows <= 0) return PARTIAL_SHARE;
  return Math.min(1, planned.rows / relation.rows);
}

function costsOfWrites(
  input: AdviseInput,
  { candidates, relations }: ProveInput,
  sizes: ReadonlyMap<string, IndexSize>,
): { upkeep: ReadonlyMap<string, Upkeep>; budgets: ReadonlyMap<number, number> } {
  const loads = writeLoads(input.workload, input.catalog, input.parser);
  const upkeep = new Map<string, Upkeep>();
  for (const candidate of candidates) {
    const relation = relations.get(candidate.relation);
    const load = loads.get(candidate.relation);
    const size = sizes.get(candidate.id);
    if (relation !== undefined && load !== undefined && size !== undefined)
      upkeep.set(candidate.id, upkeepOf(candidate, relation, size, load));
  }
  const budgets = new Map(
    [...loads].map(([oid, load]) => [oid, input.writeBudget ?? budgetOf(load)]),
  );
  return { upkeep, budgets };
}

async function finalPlans(
  matrix: Matrix,
  planner: Planner,
  chosen: readonly Candidate[],
  drop: readonly number[],
): Promise<ReadonlyMap<string, Planned>> {
  const touched = new Set(chosen.map(({ relation }) => relation));
  const reading = matrix.costed.filter(({ relations }) =>
    [...relations].some((oid) => touched.has(oid)),
  );
  if (reading.length === 0) return new Map();
  return planner.whatIf({ add: chosen, drop }, async (explain) => {
    const plans = new Map<string, Planned>();
    for (const { statement } of reading) plans.set(statement.id, await explain(statement));
    return plans;
  });
}

async function verifyDrops(
  drops: readonly DropCandidate[],
  harm: Parameters<typeof isHarmless>[0],
): Promise<ReadonlyMap<number, { badge: Badge; harmless: boolean }>> {
  const verified = new Map<number, { badge: Badge; harmless: boolean }>();
  for (const { index, relation, because } of drops) {
    if (because !== "prefix") continue;
    const harmless = await isHarmless(harm, [index.oid], relation.oid);
    verified.set(index.oid, {
      badge: harm.planner.source === "hypopg" ? "hypopg" : "model",
      harmless,
    });
  }
  return verified;
}
