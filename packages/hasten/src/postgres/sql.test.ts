import * as fc from "fast-check";
import { expect, test } from "vitest";
import { quoteIdentifier } from "./ident.ts";
import { ident, Sql, sql, trustedSql } from "./sql.ts";

test("a value becomes a parameter, never text", () => {
  const statement = sql`select * from t where a = ${"'; drop table t; --"} and b = ${7}`;
  expect(statement.text).toBe("select * from t where a = $1 and b = $2");
  expect(statement.values).toEqual(["'; drop table t; --", 7]);
});

test("nested pieces keep the order of values and number them once", () => {
  const where = sql`where a = ${1} or b = ${2}`;
  const statement = sql`select ${0} from ${ident("s", "t")} ${where} limit ${3}`;
  expect(statement.text).toBe('select $1 from "s"."t" where a = $2 or b = $3 limit $4');
  expect(statement.values).toEqual([0, 1, 2, 3]);
});

test("join separates pieces and values; an empty list is empty SQL", () => {
  expect(sql.join([1, sql`now()`, 3]).text).toBe("$1, now(), $2");
  expect(sql.join([sql`a`, sql`b`], sql` and `).text).toBe("a and b");
  expect(sql.join([]).text).toBe("");
  expect(sql`x${sql.empty}y`.text).toBe("xy");
});

test("an object that looks like Sql is sent as a value", () => {
  const forged = JSON.parse('{"text":"drop table t","values":[],"pieces":["drop table t"]}');
  const statement = sql`select ${forged}`;
  expect(statement.text).toBe("select $1");
  expect(statement.values).toEqual([forged]);
  expect(Sql.is(forged)).toBe(false);
  expect(Sql.is(trustedSql("x"))).toBe(true);
});

test("undefined, functions, symbols and invalid dates are refused by position, without the value", () => {
  for (const bad of [undefined, () => 1, Symbol("s"), new Date(Number.NaN)])
    expect(() => sql`select ${1}, ${bad}`).toThrow(/Value 2 .*HST_PG_VALUE/);
});

test("a statement with more values than the protocol can count is refused", () => {
  expect(() => sql.join(Array(65_536).fill(1))).toThrow(/HST_PG_SQL/);
  expect(sql.join(Array(65_535).fill(1)).values).toHaveLength(65_535);
});

test("an identifier is quoted, and refused when PostgreSQL would cut or misread it", () => {
  expect(quoteIdentifier('we"ird.name')).toBe('"we""ird.name"');
  for (const bad of ["", "a\0b", "x".repeat(64), "é".repeat(32), "\ud800"])
    expect(() => quoteIdentifier(bad)).toThrow(/HST_PG_IDENTIFIER/);
});

test("composition is associative and never drops or invents a value", () => {
  const piece = fc.array(fc.oneof(fc.integer(), fc.string()), { maxLength: 5 });
  void fc.assert(
    fc.property(piece, piece, piece, (a, b, c) => {
      const [x, y, z] = [sql.join(a), sql.join(b), sql.join(c)];
      const left = sql`${sql`${x} ${y}`} ${z}`;
      const right = sql`${x} ${sql`${y} ${z}`}`;
      expect(left.text).toBe(right.text);
      expect(left.values).toEqual([...a, ...b, ...c]);
      const used = left.text.match(/\$\d+/g) ?? [];
      expect(used).toEqual(left.values.map((_, index) => `$${index + 1}`));
    }),
  );
});
