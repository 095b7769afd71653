import { expect, test } from "vitest";
import type { Candidate, CandidateKey } from "../candidates/types.ts";
import { beginAlike } from "./shapes.ts";

const key = (sql: string, column?: string): CandidateKey => ({
  ...{ sql, column, descending: false, nullsFirst: false, opclass: undefined },
});

const index = (keys: readonly CandidateKey[], facts: Partial<Candidate> = {}): Candidate => ({
  ...{ id: "", relation: 1, method: "btree", keys, include: [], predicate: undefined },
  ...{ reasons: [], statements: [], extension: undefined },
  ...facts,
});

test("two indexes that begin with one expression may do for each other", () => {
  const lower = key("(lower(name))");
  const one = index([lower, key("(lower(domain))")]);
  expect(beginAlike(one, index([lower], { predicate: "domain is null" }))).toBe(true);
  expect(beginAlike(one, index([key("(upper(name))")]))).toBe(false);
  expect(beginAlike(one, index([lower], { relation: 2 }))).toBe(false);
  // What a column holds is known.
  expect(beginAlike(index([key("name", "name")]), index([key("name", "name")]))).toBe(false);
});
