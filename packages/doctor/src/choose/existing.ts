import type { Candidate } from "../candidates/types.ts";
import type { ForeignKey, Index, IndexKey, Relation } from "../catalog/types.ts";

/** What index advice must never drop: it does more than make reads faster. */
export function isBound(index: Index): boolean {
  return (
    index.unique ||
    index.primary ||
    index.exclusion ||
    index.replicaIdentity ||
    index.constraint !== undefined
  );
}

/** A part of a partitioned table's index goes with the whole. */
export function isPart(index: Index): boolean {
  return index.parent !== undefined;
}

/** Whether its leading columns are those of a foreign key, which deletes in the other table look up. */
export function supportsForeignKey(index: Index, keys: readonly ForeignKey[]): boolean {
  return keys.some(({ columns }) => {
    const leading = index.keys.slice(0, columns.length).map(({ column }) => column);
    return columns.every((column) => leading.includes(column));
  });
}

/** Same in everything that a plan could ask of them. */
export function sameIndex(one: Index, other: Index): boolean {
  return (
    one.method === other.method &&
    one.keys.length === other.keys.length &&
    one.predicate === other.predicate &&
    one.include.join() === other.include.join() &&
    one.keys.every((key, at) => sameKey(key, other.keys[at]))
  );
}

/** Whether the keys of `one` lead those of `other`, both plain b-trees of the same rows. */
export function isPrefix(one: Index, other: Index): boolean {
  return (
    one.method === "btree" &&
    other.method === "btree" &&
    one.keys.length < other.keys.length &&
    one.predicate === other.predicate &&
    carries(other, one.include) &&
    one.keys.every((key, at) => sameKey(key, other.keys[at]))
  );
}

function carries(index: Index, columns: readonly string[]): boolean {
  return columns.every(
    (name) => index.include.includes(name) || index.keys.some(({ column }) => column === name),
  );
}

function sameKey(one: IndexKey, other: IndexKey | undefined): boolean {
  return (
    other !== undefined &&
    one.column === other.column &&
    one.expression === other.expression &&
    one.descending === other.descending &&
    one.nullsFirst === other.nullsFirst &&
    one.opclass === other.opclass
  );
}

/**
 * Existing indexes whose work the candidate does as well: plain b-trees of columns that lead its
 * own, of all rows, that nothing else depends on. Keys may run the other way if all of them do.
 */
export function replaceable(candidate: Candidate, relation: Relation): readonly Index[] {
  if (candidate.method !== "btree" || candidate.predicate !== undefined) return [];
  return relation.indexes.filter(
    (index) =>
      index.method === "btree" &&
      index.valid &&
      index.predicate === undefined &&
      !isBound(index) &&
      !isPart(index) &&
      index.keys.length <= candidate.keys.length &&
      carriedBy(candidate, index) &&
      (leads(index, candidate, false) || leads(index, candidate, true)),
  );
}

function carriedBy(candidate: Candidate, index: Index): boolean {
  return index.include.every(
    (name) =>
      candidate.include.includes(name) || candidate.keys.some(({ column }) => column === name),
  );
}

function leads(index: Index, candidate: Candidate, backwards: boolean): boolean {
  return index.keys.every((key, at) => {
    const other = candidate.keys[at];
    return (
      other !== undefined &&
      key.column !== undefined &&
      key.column === other.column &&
      key.opclassDefault === (other.opclass === undefined) &&
      (key.opclassDefault || key.opclass === other.opclass) &&
      key.descending !== (other.descending === backwards) &&
      key.nullsFirst !== (other.nullsFirst === backwards)
    );
  });
}
