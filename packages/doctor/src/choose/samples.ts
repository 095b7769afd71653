import type { Candidate } from "../candidates/types.ts";
import type { Catalog } from "../catalog/types.ts";
import type { Workload } from "../workload/types.ts";

/** `"user_id" = 7`, `"day" >= '2026-01-01'`: a column beside a literal. */
const COMPARED = /"((?:[^"]|"")+)"(?:::[\w ]+)? (?:=|<|>|<=|>=|<>) ['\d(-]/g;
/** Words and truth values are states; numbers, dates and keys are mostly one value of many. */
const STATES: ReadonlySet<string> = new Set(["S", "E", "B"]);

/**
 * Without the partial indexes whose condition is most likely a sample of a parameter: `user_id = 7`
 * in a text where every value is written out. In a text that has parameters as well, what is
 * written out is meant.
 */
export function withoutSamples(
  candidates: readonly Candidate[],
  catalog: Catalog,
  workload: Workload,
): readonly Candidate[] {
  const meant = new Set(
    workload.statements.filter(({ planText }) => /\$\d/.test(planText)).map(({ id }) => id),
  );
  const relations = new Map(catalog.relations.map((relation) => [relation.oid, relation]));
  return candidates.filter(({ predicate, relation, statements }) => {
    if (predicate === undefined || statements.some((id) => meant.has(id))) return true;
    const columns = relations.get(relation)?.columns ?? [];
    return [...predicate.matchAll(COMPARED)].every(([, name]) =>
      columns.some((column) => column.name === name && STATES.has(column.category)),
    );
  });
}
