import type { Candidate, CandidateKey } from "../candidates/types.ts";

/** Whether two candidates hold the same rows in the same order, whatever else they carry. */
export function sameKeys(one: Candidate, other: Candidate): boolean {
  return one.keys.length === other.keys.length && leads(one, other);
}

/**
 * Whether what `one` can look up or order `other` can too: b-trees of the same rows whose keys lead
 * the other's, forwards or all of them backwards.
 */
export function leads(one: Candidate, other: Candidate): boolean {
  if (one.relation !== other.relation || one.predicate !== other.predicate) return false;
  if (one.method !== "btree" || other.method !== "btree") return false;
  return [false, true].some((backwards) =>
    one.keys.every((key, at) => sameKey(key, other.keys[at], backwards)),
  );
}

/**
 * Whether both begin with one expression. How many rows a value of it has is a guess until it is
 * analysed, and with few of them the one index does for both.
 */
export function beginAlike(one: Candidate, other: Candidate): boolean {
  if (one.relation !== other.relation || one.method !== "btree" || other.method !== "btree")
    return false;
  const [a, b] = [one.keys[0], other.keys[0]];
  return (
    a !== undefined &&
    b !== undefined &&
    a.column === undefined &&
    a.sql === b.sql &&
    a.opclass === b.opclass
  );
}

function sameKey(one: CandidateKey, other: CandidateKey | undefined, backwards: boolean): boolean {
  return (
    other !== undefined &&
    one.sql === other.sql &&
    one.opclass === other.opclass &&
    one.descending !== (other.descending === backwards) &&
    one.nullsFirst !== (other.nullsFirst === backwards)
  );
}

/** What there is to read, keep and explain: of two that do as well the lesser is the better. */
export function complexity({ keys, include, predicate, method, extension }: Candidate): number {
  return (
    keys.length +
    keys.filter(({ column }) => column === undefined).length +
    2 * include.length +
    (predicate === undefined ? 0 : 1.5) +
    (method === "btree" || method === "brin" ? 0 : 1) +
    (extension === undefined ? 0 : 1)
  );
}
