import type { Candidate } from "../candidates/types.ts";
import type { Index, Relation } from "../catalog/types.ts";
import type { Planner } from "../model/types.ts";
import { replaceable } from "./existing.ts";
import type { Costed } from "./matrix.ts";

export interface ReplaceInput {
  readonly planner: Planner;
  readonly chosen: readonly Candidate[];
  readonly relations: ReadonlyMap<number, Relation>;
  readonly costed: readonly Costed[];
  readonly signal?: AbortSignal | undefined;
}

/** Costs of statements may rise by this share when an index goes, against the plan with it. */
const RISE_SHARE_MAX = 0.1;
/** Or by so many cost units: a page or two. */
const RISE_COST_MAX = 1;

/** Candidate id to the existing indexes that are not needed beside it, each proven by planning. */
export async function findReplaced(
  input: ReplaceInput,
): Promise<ReadonlyMap<string, readonly Index[]>> {
  const replaced = new Map<string, Index[]>();
  const gone: number[] = [];
  for (const candidate of input.chosen) {
    const relation = input.relations.get(candidate.relation);
    if (relation === undefined || relation.kind !== "table") continue;
    for (const index of replaceable(candidate, relation)) {
      if (gone.includes(index.oid)) continue;
      if (!(await isHarmless(input, [...gone, index.oid], relation.oid))) continue;
      gone.push(index.oid);
      replaced.set(candidate.id, [...(replaced.get(candidate.id) ?? []), index]);
    }
  }
  return replaced;
}

/** Whether no statement that reads the table costs more with these indexes gone. */
export async function isHarmless(
  input: Omit<ReplaceInput, "relations">,
  drop: readonly number[],
  table: number,
): Promise<boolean> {
  const { planner, chosen, signal } = input;
  const reading = input.costed.filter(({ relations }) => relations.has(table));
  const costs = (dropped: readonly number[]): Promise<readonly number[]> =>
    planner.whatIf({ add: chosen, drop: dropped }, async (explain) => {
      const all: number[] = [];
      for (const { statement } of reading) {
        signal?.throwIfAborted();
        const planned = await explain(statement);
        all.push(planned.kind === "planned" ? planned.totalCost : Number.POSITIVE_INFINITY);
      }
      return all;
    });
  const [before, after] = [await costs([]), await costs(drop)];
  return after.every((cost, at) => {
    const least = before[at] ?? 0;
    return cost <= Math.max(least * (1 + RISE_SHARE_MAX), least + RISE_COST_MAX);
  });
}
