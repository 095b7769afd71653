import { expect, test } from "vitest";
import { dependenciesBytes, ndistinctBytes } from "./extended.ts";

const same = (attribute: number): number => attribute;

// The bytes are those of PostgreSQL 18.
test("numbers of different values: PostgreSQL's own bytes", () => {
  expect(ndistinctBytes('{"1, 2": 100, "1, 3": 100, "2, 3": 100, "1, 2, 3": 100}', same)).toBe(
    "a4bf52a30100000004000000000000000000594002000000010002000000000000005940020000000100030000000000000059400200000002000300000000000000594003000000010002000300",
  );
});

test("dependencies: PostgreSQL's own bytes, with the attributes' new numbers", () => {
  const text = '{"1 => 2": 1.000000, "1, 2 => 3": 1.000000}';
  expect(dependenciesBytes(text, same)).toBe(
    "2c9a54b40100000002000000000000000000f03f020001000200000000000000f03f0300010002000300",
  );
  expect(dependenciesBytes(text, (attribute) => attribute + 1)).toBe(
    "2c9a54b40100000002000000000000000000f03f020002000300000000000000f03f0300020003000400",
  );
});
