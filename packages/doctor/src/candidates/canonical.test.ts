import { expect, test } from "vitest";
import { canonical } from "./canonical.ts";

test.each([
  ['(lower("email"))', "lower((email)::text)"],
  ["(\"data\" ->> 'k')", "(data ->> 'k'::text)"],
  [
    '((("data" -> \'n\') ->> \'m\')::"pg_catalog"."int4")',
    "((((data -> 'n'::text) ->> 'm'::text))::integer)",
  ],
  ['(coalesce("score", 0))', "COALESCE(score, (0)::numeric)"],
  ["\"status\" in ('a', 'b')", "(status = ANY (ARRAY['a'::text, 'b'::text]))"],
  [
    "\"status\" in ('a', 'b')",
    "((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
  ],
  ["\"status\" not in ('a', 'b')", "(status <> ALL (ARRAY['a'::state, 'b'::state]))"],
  ['"deleted_at" is null', "(deleted_at IS NULL)"],
  ['not "active"', "(NOT active)"],
  ["\"status\" = 'it''s'", "((status)::text = 'it''s'::text)"],
  ['("pg_catalog"."extract"(\'year\', "at"))', "EXTRACT(year FROM at)"],
  ['("pg_catalog"."timezone"(\'utc\', "seen"))', "(seen AT TIME ZONE 'utc'::text)"],
])("%s", (ours, theirs) => {
  expect(canonical(ours)).toBe(canonical(theirs));
});

test("what differs stays different", () => {
  expect(canonical("status = 'a'")).not.toBe(canonical("status = 'b'"));
  expect(canonical("(at)::date")).not.toBe(canonical("(at)::timestamp"));
  expect(canonical(undefined)).toBe("");
});
