import { quoteIdentifier } from "hasten/postgres";
import type { Candidate, CandidateKey } from "../candidates/types.ts";

/** A candidate of plain columns for tests: "a", "b desc" … in the order of the keys. */
export function columnsCandidate(
  relation: number,
  keys: readonly string[],
  more: Partial<Candidate> = {},
): Candidate {
  const id = [relation, more.method ?? "btree", ...keys, more.include?.join("+"), more.predicate];
  return {
    id: id.filter((part) => part !== undefined).join(" "),
    relation,
    method: "btree",
    keys: keys.map(keyFrom),
    include: [],
    predicate: undefined,
    reasons: ["equality"],
    statements: [],
    extension: undefined,
    ...more,
  };
}

function keyFrom(text: string): CandidateKey {
  const [column = "", direction] = text.split(" ");
  const descending = direction === "desc";
  return {
    column,
    sql: quoteIdentifier(column),
    descending,
    nullsFirst: descending,
    opclass: undefined,
  };
}
