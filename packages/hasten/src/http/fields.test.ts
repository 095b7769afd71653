import fc from "fast-check";
import { expect, test } from "vitest";
import type { ProblemError } from "../core/problem.ts";
import { parseFields, pickFields } from "./fields.ts";

const allowed = ["id", "name", "updatedAt", "document.*", "owner.name"];
const parse = (fields: unknown): readonly string[] | undefined =>
  parseFields({ fields }, { allowed, always: ["id"] });
const problem = (fields: unknown): ProblemError["problem"] => {
  try {
    parse(fields);
  } catch (error) {
    return (error as ProblemError).problem;
  }
  throw new Error("accepted");
};

test("absent and empty mean all fields", () => {
  expect(parse(undefined)).toBeUndefined();
  expect(parse(" , ")).toBeUndefined();
  expect(parse({ a: "1" })).toBeUndefined();
});

test("every spelling of one selection is the same list, with the key in it", () => {
  const expected = ["id", "name", "updatedAt"];
  expect(parse("updatedAt,name")).toEqual(expected);
  expect(parse(" name , updatedAt,name,id")).toEqual(expected);
  expect(parse(["name", "updatedAt"])).toEqual(expected);
});

test("dotted paths are allowed below a wildcard only", () => {
  expect(parse("document.unit.symbol,owner.name")).toEqual([
    "document.unit.symbol",
    "id",
    "owner.name",
  ]);
  expect(problem("owner.email").status).toBe(400);
  expect(problem("document.").status).toBe(400);
  expect(problem("document..x").status).toBe(400);
  expect(problem("document.*,name").status).toBe(400);
  expect(problem(`document${".a".repeat(9)}`).status).toBe(400);
});

test("an unknown field is a 400 that names it and what is allowed", () => {
  expect(problem("name,password,__proto__")).toMatchObject({
    status: 400,
    parameter: "fields",
    unknown: ["password", "__proto__"],
    allowed,
  });
});

test("too many names and too long a text are refused", () => {
  expect(problem(Array.from({ length: 65 }, (_, at) => `document.a${at}`).join()).status).toBe(400);
  expect(problem("n".repeat(2049)).status).toBe(400);
  const repeated = Array.from({ length: 300 }, () => "document.a");
  expect(problem(repeated).detail).toMatch(/longer than/);
  expect(parse(repeated.slice(0, 200))).toEqual(["document.a", "id"]);
});

test("picking keeps the selected members only, in arrays and below paths", () => {
  const row = { id: 1, name: "a", secret: 2, document: { unit: { symbol: "s", n: 1 }, x: 1 } };
  expect(pickFields([row], ["document.unit.symbol", "id", "missing"])).toEqual([
    { id: 1, document: { unit: { symbol: "s" } } },
  ]);
  expect(pickFields(row, ["document", "document.x"])).toEqual({ document: row.document });
  expect(pickFields(null, ["id"])).toBeNull();
});

test("any input gives a sorted selection of allowed names or a 400", () => {
  const name = fc.oneof(fc.constantFrom("id", "name", "document.a", ",", ".", "*"), fc.string());
  fc.assert(
    fc.property(
      fc.array(name).map((names) => names.join()),
      (text) => {
        try {
          const got = parse(text);
          expect(got === undefined || got.join() === [...new Set(got)].sort().join()).toBe(true);
        } catch (error) {
          expect((error as ProblemError).problem.status).toBe(400);
        }
      },
    ),
    { numRuns: 1000 },
  );
});
