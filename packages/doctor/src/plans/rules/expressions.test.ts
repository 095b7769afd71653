import { expect, test } from "vitest";
import { columnWithin, functionsOnColumns, leadingWildcards, wrappedCasts } from "./expressions.ts";

test.for([
  ["((id)::numeric = 5.0)", "id", "numeric"],
  ["((o.id)::text = ANY ('{5,6}'::text[]))", "id", "text"],
  ["((a.b = 1) AND ((o.placed_at)::date >= '2026-01-05'::date))", "placed_at", "date"],
  [`(("Order"."Id")::character varying(20) = $1)`, "Id", "character varying"],
  ["((price)::numeric(10,2) > '3'::numeric)", "price", "numeric"],
] as const)("the cast in %s", ([condition, column, type]) => {
  expect(wrappedCasts(condition)).toEqual([{ column, type }]);
});

test.for([
  "(id = (5)::bigint)",
  "(id = 5)",
  "(note = '((id)::text = 5)'::text)",
  "(id = (other.code)::integer)",
  "(lower((email)::text) = 'x'::text)",
])("no cast of a column is compared in %s", (condition) => {
  expect(wrappedCasts(condition)).toEqual([]);
});

const COLUMNS = ["email", "placed_at", "id", "Total Sum"];

test.for([
  ["(lower(email) = 'a'::text)", "email", "lower"],
  ["(lower((c.email)::text) = 'a'::text)", "email", "lower"],
  ["(date_trunc('day'::text, o.placed_at) >= '2026-01-01'::timestamp)", "placed_at", "date_trunc"],
  ["(EXTRACT(year FROM placed_at) = '2026'::numeric)", "placed_at", "EXTRACT"],
  ["((lower(email))::text ~~ 'a%'::text)", "email", "lower"],
  ["((id + 1) = 5)", "id", "+"],
  [`((t."Total Sum" * 2) > 5)`, "Total Sum", "*"],
  ["(COALESCE(email, ''::text) = 'x'::text)", "email", "COALESCE"],
] as const)("what is applied to a column in %s", ([condition, column, name]) => {
  expect(functionsOnColumns(condition, COLUMNS)).toContainEqual({ column, name });
});

test.for([
  "(email = lower('ABC'::text))",
  "(email = lower(other.name))",
  "(length(note) = 5)",
  "(note = 'lower(email) = 1'::text)",
  "((email = 'a'::text) OR (email = 'b'::text))",
  "(id = ANY ('{1,2}'::integer[]))",
  "(NOT (id = 5))",
  "(placed_at > (now() - '1 day'::interval))",
])("nothing is applied to an indexed column in %s", (condition) => {
  expect(functionsOnColumns(condition, COLUMNS)).toEqual([]);
});

test.for([
  ["(note ~~ '%abc%'::text)", "note"],
  ["((o.code)::text ~~* '%abc'::text)", "code"],
  [`(t."Odd Name" ~~ '_abc'::text)`, "Odd Name"],
  [`(t."it's" ~~ '%abc'::text)`, "it's"],
  ["(note ~~ ANY ('{%a,%b}'::text[]))", "note"],
  [`(note ~~ E'%a\\\\_b'::text)`, "note"],
] as const)("the pattern in %s begins with a wildcard", ([condition, column]) => {
  expect(leadingWildcards(condition).map(columnWithin)).toEqual([column]);
});

test.for([
  "(note ~~ 'abc%'::text)",
  "(note = 'secret ~~ ''%abc'::text)",
  "('secret'::text ~~ '%abc'::text)",
  `("o'brien" = 'secret ~~ ''%x')`,
  "(note ~~ $1)",
])("no pattern on a column in %s begins with a wildcard", (condition) => {
  expect(
    leadingWildcards(condition)
      .map(columnWithin)
      .filter((it) => it !== undefined),
  ).toEqual([]);
});

test("a condition of any shape and length is read in time", () => {
  const start = performance.now();
  for (const part of ["(a + ", "((a)::", "f(", "'", '"', "(a ~~ ", "(lower(a"]) {
    const condition = part.repeat(Math.floor(20_000 / part.length));
    wrappedCasts(condition);
    functionsOnColumns(condition, ["a"]);
    leadingWildcards(condition);
  }
  expect(performance.now() - start).toBeLessThan(2_000);
});
