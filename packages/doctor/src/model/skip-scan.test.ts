import { expect, test } from "vitest";
import { reliesOnSkipScan } from "./skip-scan.ts";

const keys = (name: string): readonly string[] | undefined =>
  ({ ab: ["a", "b"], odd: ['"A b"', "b"], ex: ["lower(a)", "b"] })[name];
const scan = (name: string, condition: string | undefined, alias = "t") => ({
  "Node Type": "Index Scan",
  "Index Name": name,
  Alias: alias,
  ...(condition === undefined ? {} : { "Index Cond": condition }),
});

test.each([
  ["ab", "(b = 5)", true],
  ["ab", "(a = 1)", false],
  ["ab", "((a = 1) AND (b = 5))", false],
  ["ab", "((a > 1) AND (b = 5))", false],
  ["ab", "(b = 'a = 1'::text)", true],
  ["ab", "(b = o.a)", true],
  ["ab", "(b = t.a)", false],
  ["ab", "(aa = b)", true],
  ["odd", '("A b" = b)', false],
  ["odd", "(b = 1)", true],
  ["ex", "((lower(a) = 'x'::text) AND (b = 1))", false],
  ["ex", "(b = 1)", true],
  ["unknown", "(b = 1)", false],
])("%s with %s: %s", (index, condition, expected) => {
  expect(reliesOnSkipScan(scan(index, condition), keys)).toBe(expected);
});

test("no condition is no skip; children are looked at", () => {
  expect(reliesOnSkipScan(scan("ab", undefined), keys)).toBe(false);
  expect(reliesOnSkipScan({ "Node Type": "Limit", Plans: [scan("ab", "(b = 1)")] }, keys)).toBe(
    true,
  );
});
