import fc from "fast-check";
import { expect, test } from "vitest";
import { broadTag, functionTag, rowTag, type TableName, tableOfTag, tableTag } from "./sql-tag.ts";

const word = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom("a", "a.b", "a:b", "a%3a;b", "*", "a=1", "%", ":", ".", "a b"),
  fc.string({ minLength: 300, maxLength: 500 }),
);
const table: fc.Arbitrary<TableName> = fc.record({ database: word, schema: word, table: word });

test("two tables have one tag only if they are the same table", () => {
  fc.assert(
    fc.property(table, table, (a, b) => {
      const same = a.database === b.database && a.schema === b.schema && a.table === b.table;
      expect(tableTag(a) === tableTag(b)).toBe(same);
    }),
    { numRuns: 2_000 },
  );
});

test("two rows have one tag only if table, column and value are the same", () => {
  const row = fc.record({ table, column: word, value: word });
  fc.assert(
    fc.property(row, row, (a, b) => {
      const [one, other] = [a, b].map((r) => rowTag(tableTag(r.table), r.column, r.value));
      const same = JSON.stringify(a) === JSON.stringify(b);
      if (tableTag(a.table) === tableTag(b.table)) expect(one === other).toBe(same);
      else expect(one).not.toBe(other);
    }),
    { numRuns: 2_000 },
  );
});

test("every tag of a table leads back to its table's, and no row's is the broad one", () => {
  fc.assert(
    fc.property(table, word, word, (of, column, value) => {
      const home = tableTag(of);
      expect(tableOfTag(home)).toBe(home);
      expect(tableOfTag(broadTag(home))).toBe(home);
      expect(tableOfTag(rowTag(home, column, value))).toBe(home);
      expect(rowTag(home, column, value)).not.toBe(broadTag(home));
      expect(rowTag(home, column, value).length).toBeLessThan(1_500);
    }),
    { numRuns: 2_000 },
  );
});

test("other tags are their own table", () => {
  expect(tableOfTag("team:3")).toBe("team:3");
  expect(tableOfTag(functionTag("shop", 42))).toBe(functionTag("shop", 42));
  expect(functionTag("shop", 42)).toMatch(/^sql:shop:function\.42$/);
});
