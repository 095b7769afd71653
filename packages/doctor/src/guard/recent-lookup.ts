import type { Lookup } from "./lookup.ts";

/** Answers are so young at most: within it the statements of a run ask the same over and over. */
const AGE_MAX_MS = 1_000;
/** At it all are forgotten. */
const ANSWERS_MAX = 1_000;

interface Answer {
  readonly atMs: number;
  readonly rows: Promise<readonly unknown[]>;
}

/** The same questions, each put to the catalogs at most once a second. For planning only. */
export function recentLookup(
  lookup: Lookup,
  nowMs: () => number = () => performance.now(),
): Lookup {
  const answers = new Map<string, Answer>();
  const once = <Row>(
    what: keyof Lookup,
    asked: readonly unknown[],
    load: () => Promise<readonly Row[]>,
  ): Promise<readonly Row[]> => {
    const key = JSON.stringify([what, asked]);
    const known = answers.get(key);
    if (known !== undefined && nowMs() - known.atMs <= AGE_MAX_MS)
      return known.rows as Promise<readonly Row[]>;
    if (answers.size >= ANSWERS_MAX) answers.clear();
    const rows = load();
    answers.set(key, { atMs: nowMs(), rows });
    rows.catch(() => answers.delete(key));
    return rows;
  };
  return {
    functions: (names) => once("functions", names, () => lookup.functions(names)),
    operators: (names) => once("operators", names, () => lookup.operators(names)),
    attributes: (names, any) =>
      once("attributes", [names, any], () => lookup.attributes(names, any)),
    types: (names, oids) => once("types", [names, oids], () => lookup.types(names, oids)),
    relations: (names) => once("relations", names, () => lookup.relations(names)),
    casts: () => once("casts", [], () => lookup.casts()),
  };
}
