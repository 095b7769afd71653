import type { Candidate, Clause, Scan, StatementFacts } from "../candidates/types.ts";
import type { Relation } from "../catalog/types.ts";

/** Tables below this are read as fast without an index. */
const ROWS_LEAST = 10_000;
const ADVICE_MAX = 20;

/**
 * What experience suggests where nothing can be planned: for each table that a statement reads, the
 * candidate that serves most of its conditions, unless an index begins with its first key already.
 * Never more than a guess, and said to be one.
 */
export function guess(
  facts: readonly StatementFacts[],
  candidates: readonly Candidate[],
  relations: ReadonlyMap<number, Relation>,
): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const { id, scans } of facts.toSorted((a, b) => b.share - a.share))
    for (const scan of scans) {
      const relation = relations.get(scan.relation);
      if (relation === undefined || relation.rows < ROWS_LEAST || found.size >= ADVICE_MAX)
        continue;
      const own = candidates.filter(
        (candidate) =>
          candidate.relation === scan.relation &&
          candidate.statements.includes(id) &&
          !isServed(candidate, relation),
      );
      const [best] = own.toSorted((a, b) => points(b, scan) - points(a, scan));
      if (best !== undefined && points(best, scan) > 0) found.set(best.id, best);
    }
  const all = [...found.values()];
  return all.filter((one) => !all.some((other) => other !== one && leads(one, other)));
}

function isServed(candidate: Candidate, relation: Relation): boolean {
  const first = candidate.keys[0]?.column;
  return relation.indexes.some(
    (index) =>
      index.valid &&
      index.predicate === undefined &&
      index.method === candidate.method &&
      first !== undefined &&
      index.keys[0]?.column === first,
  );
}

const POINTS: Readonly<Partial<Record<Clause["kind"], number>>> = {
  equality: 3,
  join: 3,
  contains: 3,
  prefix: 2,
  range: 2,
  pattern: 2,
};
const PER_KEY = 0.5;

/** Conditions served, less something for each key and column that it carries. */
function points(candidate: Candidate, scan: Scan): number {
  let sum = 0;
  for (const key of candidate.keys) {
    const clause = scan.clauses.find(
      (each) => "term" in each && (each.term.column ?? each.term.sql) === (key.column ?? key.sql),
    );
    if (clause === undefined) break;
    sum += (POINTS[clause.kind] ?? 0) - PER_KEY;
    // What stands behind a range narrows nothing.
    if (clause.kind === "range") break;
  }
  return sum - candidate.include.length - (candidate.predicate === undefined ? 0 : 1);
}

function leads(one: Candidate, other: Candidate): boolean {
  return (
    one.relation === other.relation &&
    one.method === other.method &&
    one.keys.length < other.keys.length &&
    one.keys.every((key, at) => key.sql === other.keys[at]?.sql)
  );
}
