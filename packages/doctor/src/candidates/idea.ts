import { quoteIdentifier } from "hasten/postgres";
import type { Candidate, CandidateKey, CandidateReason, OrderItem, Term } from "./types.ts";
import { KEYS_MAX } from "./types.ts";

/** An index that a scan could use, before it is weighed against those of other scans. */
export interface Idea {
  readonly method: Candidate["method"];
  readonly keys: readonly CandidateKey[];
  readonly include: readonly string[];
  readonly predicate: string | undefined;
  readonly extension: Candidate["extension"];
  readonly reasons: readonly CandidateReason[];
  /** What the keys are sought by: only an index for order minds directions. */
  readonly sought: "equality" | "lookup" | "order";
  /** For an order: so many leading keys have one value each, and may stand in any order. Default 0. */
  readonly fixed?: number;
  /** How likely it is the best for its scan, 0 to 1: decides what a full table drops. */
  readonly promise: number;
}

export type BtreeParts = Pick<Idea, "reasons" | "sought" | "promise" | "fixed"> & {
  readonly keys: readonly CandidateKey[];
  readonly include?: readonly string[];
  readonly predicate?: string | undefined;
};

/** Undefined without keys; keys beyond {@link KEYS_MAX} and repeated ones are left out. */
export function btree(parts: BtreeParts): Idea | undefined {
  const keys = unique(parts.keys).slice(0, KEYS_MAX);
  if (keys.length === 0) return undefined;
  const expression: readonly CandidateReason[] = keys.some((key) => key.column === undefined)
    ? ["expression"]
    : [];
  return {
    method: "btree",
    include: [],
    predicate: undefined,
    extension: undefined,
    ...parts,
    keys,
    reasons: [...parts.reasons, ...expression],
  };
}

/** GIN, GiST and BRIN: one key. */
export function special(
  method: Candidate["method"],
  key: CandidateKey,
  facts: Pick<Idea, "reasons" | "promise" | "extension">,
): Idea {
  return { method, keys: [key], include: [], predicate: undefined, sought: "lookup", ...facts };
}

export function keyOf(term: Term, opclass?: string): CandidateKey {
  return { column: term.column, sql: term.sql, descending: false, nullsFirst: false, opclass };
}

/**
 * Keys in the order asked for. When all of them descend it is the ascending index read backwards,
 * which serves more statements.
 */
export function orderKeys(items: readonly OrderItem[]): readonly CandidateKey[] {
  const backwards = items.every((item) => item.descending && item.nullsFirst);
  return items.map(({ term, descending, nullsFirst }) => ({
    ...keyOf(term),
    descending: backwards ? false : descending,
    nullsFirst: backwards ? false : nullsFirst,
  }));
}

/** The same index read from its other end. */
export function flipped(keys: readonly CandidateKey[]): readonly CandidateKey[] {
  return keys.map((key) => ({
    ...key,
    descending: !key.descending,
    nullsFirst: !key.nullsFirst,
  }));
}

export function columnTerm(column: string): Term {
  return { column, sql: quoteIdentifier(column) };
}

function unique(keys: readonly CandidateKey[]): readonly CandidateKey[] {
  const seen = new Set<string>();
  return keys.filter((key) => {
    const known = seen.has(key.sql);
    seen.add(key.sql);
    return !known;
  });
}
