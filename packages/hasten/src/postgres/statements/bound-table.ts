/** One table of a read, with the tags that one run of it depends on. */
import { broadTag, rowTag } from "../../core/sql-tag.ts";
import { canonicalValue } from "./canonical.ts";
import { type Candidate, type Term, VALUES_MAX, type ValueSource } from "./equality.ts";

export interface BoundTable {
  readonly tableTag: string;
  /** The narrowest first; the whole table where none applies. */
  readonly candidates: readonly Candidate[];
}

/** Adds the tags of one run with these parameters. */
export function addTags(table: BoundTable, values: readonly unknown[], tags: Set<string>): void {
  const { tableTag, candidates } = table;
  for (const candidate of candidates) {
    const rows = rowTags(tableTag, candidate, values);
    if (rows === undefined) continue;
    tags.add(broadTag(tableTag));
    for (const tag of rows) tags.add(tag);
    return;
  }
  tags.add(tableTag);
}

/** Whether every run has the same tags. */
export function isConstant({ candidates }: BoundTable): boolean {
  return candidates.every((candidate) =>
    candidate.every(({ values }) => values.every(({ from }) => from === "constant")),
  );
}

function rowTags(
  tableTag: string,
  candidate: Candidate,
  values: readonly unknown[],
): ReadonlySet<string> | undefined {
  const tags = new Set<string>();
  for (const term of candidate) {
    for (const source of term.values)
      if (!addRowTags(tableTag, { term, source, values }, tags)) return undefined;
    if (tags.size > VALUES_MAX) return undefined;
  }
  return tags;
}

interface Run {
  readonly term: Term;
  readonly source: ValueSource;
  readonly values: readonly unknown[];
}

/** False where a value has no form that is surely the one in the row's tag. */
function addRowTags(tableTag: string, { term, source, values }: Run, tags: Set<string>): boolean {
  switch (source.from) {
    case "constant":
      return addRowTag(tableTag, term, { value: source.text, tags });
    case "parameter":
      if (source.number > values.length) return false;
      return addRowTag(tableTag, term, { value: values[source.number - 1], tags });
    case "slot":
      return false;
    case "array": {
      const array = values[source.number - 1];
      if (!Array.isArray(array) || array.length > VALUES_MAX) return false;
      return array.every((value: unknown) => addRowTag(tableTag, term, { value, tags }));
    }
    default:
      return source satisfies never;
  }
}

function addRowTag(
  tableTag: string,
  { column, kind }: Term,
  { value, tags }: { value: unknown; tags: Set<string> },
): boolean {
  const canonical = canonicalValue(kind, value);
  if (canonical === undefined) return false;
  // NULL equals nothing: no row can matter.
  if (canonical !== null) tags.add(rowTag(tableTag, column, canonical));
  return true;
}
