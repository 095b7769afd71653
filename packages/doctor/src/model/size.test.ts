import { expect, test } from "vitest";
import type { Relation } from "../catalog/types.ts";
import { columnsCandidate } from "../testing/candidate.ts";
import { estimateIndexSize, treeHeight } from "./size.ts";

const column = (name: string, baseType: string, distinct: number, widthBytes = 4) => ({
  number: 1,
  name,
  type: baseType,
  baseType,
  category: baseType === "text" ? "S" : "N",
  notNull: true,
  collation: undefined,
  numbers: { nullShare: 0, widthBytes, distinct, correlation: 0, topShare: undefined },
});

const relation = {
  oid: 1,
  rows: 1_000_000,
  pages: 10_000,
  columns: [
    column("id", "int8", 1_000_000, 8),
    column("few", "int4", 100),
    column("title", "text", 1_000_000, 40),
  ],
} as unknown as Relation;

test("a b-tree of unique bigints takes 2745 pages for a million rows, as PostgreSQL builds it", () => {
  const { pages, rows, bytes } = estimateIndexSize(columnsCandidate(1, ["id"]), relation);
  expect(pages / 2745).toBeCloseTo(1, 1);
  expect(rows).toBe(1_000_000);
  expect(bytes).toBe(pages * 8192);
});

test("equal keys share posting lists, INCLUDE columns forbid it", () => {
  const merged = estimateIndexSize(columnsCandidate(1, ["few"]), relation).pages;
  const apart = estimateIndexSize(
    columnsCandidate(1, ["few"], { include: ["id"] }),
    relation,
  ).pages;
  expect(merged / 850).toBeCloseTo(1, 1);
  expect(apart).toBeGreaterThan(3 * merged);
});

test("a partial index is smaller, an empty table's has a page at least, a BRIN nearly none", () => {
  const whole = estimateIndexSize(columnsCandidate(1, ["id"]), relation).pages;
  const part = estimateIndexSize(columnsCandidate(1, ["id"]), relation, 0.1);
  expect(part.pages / whole).toBeCloseTo(0.1, 2);
  expect(part.rows).toBe(100_000);
  const empty = { ...relation, rows: 0, pages: 0 } as Relation;
  expect(estimateIndexSize(columnsCandidate(1, ["id"]), empty).pages).toBe(1);
  expect(
    estimateIndexSize(columnsCandidate(1, ["id"], { method: "brin" }), relation).pages,
  ).toBeLessThan(5);
});

test("a table never analysed is judged by its pages", () => {
  const unknown = { ...relation, rows: -1 } as Relation;
  const { rows } = estimateIndexSize(columnsCandidate(1, ["id"]), unknown);
  expect(rows).toBeGreaterThan(500_000);
  expect(rows).toBeLessThan(2_000_000);
});

test("height: a root alone, one level, two levels", () => {
  expect(treeHeight(2, 20)).toBe(0);
  expect(treeHeight(200, 20)).toBe(1);
  expect(treeHeight(2745, 20)).toBe(2);
  expect(treeHeight(0, 20)).toBe(0);
});
