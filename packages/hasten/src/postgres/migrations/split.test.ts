import * as fc from "fast-check";
import { expect, test } from "vitest";
import { splitStatements } from "./split.ts";

const texts = (source: string): string[] => {
  const split = splitStatements(source);
  return split.kind === "split" ? split.statements.map((one) => one.text) : [split.kind];
};

test("statements end at semicolons that mean it", () => {
  expect(texts("select 1; select 2 ;\n")).toEqual(["select 1", "select 2"]);
  expect(texts("select ';', \";\", $$;$$, $a$;$b$;$a$ -- ;\n/* ; /* ; */ */; select 2")).toEqual([
    "select ';', \";\", $$;$$, $a$;$b$;$a$ -- ;\n/* ; /* ; */ */",
    "select 2",
  ]);
  expect(texts("; ;-- nothing\n;")).toEqual([]);
  expect(texts("create rule r as on insert to t do (select 1; select 2); select 3")).toHaveLength(
    2,
  );
});

test("a function body in SQL or in quotes stays whole", () => {
  const atomic = `create or replace function f() returns int language sql
    begin atomic
      select case when true then 1 else 2 end;
      select 2;
    end`;
  const quoted =
    "create function g() returns void language plpgsql as $f$ begin perform 1; end; $f$";
  expect(texts(`${atomic}; ${quoted}; select 1`)).toEqual([atomic, quoted, "select 1"]);
});

test("an unclosed quote is told with its line", () => {
  expect(splitStatements("select 1;\n\nselect 'a;\n")).toEqual({ kind: "unclosed", line: 3 });
  expect(splitStatements("select 1; /* /* */")).toEqual({ kind: "unclosed", line: 1 });
});

test("a statement knows its line, past comments", () => {
  const split = splitStatements("-- a\n\nselect 1;\n-- b\n  select\n2;");
  expect(split.kind === "split" && split.statements.map((one) => one.line)).toEqual([3, 5]);
});

test("statements made of any literals come back as they went in", () => {
  const body = fc.string().map((text) => text.replaceAll("\0", ""));
  const literal = fc.oneof(
    body.map((text) => `'${text.replaceAll("'", "''")}'`),
    body.map((text) => `"${text.replaceAll('"', '""')}"`),
    body.filter((text) => !text.includes("$")).map((text) => `$tag$${text}$tag$`),
    body.filter((text) => !/\*\/|\/\*|[/*]$|^[/*]/.test(text)).map((text) => `/*${text}*/ 1`),
  );
  const statement = fc
    .array(literal, { minLength: 1, maxLength: 4 })
    .map((all) => `select ${all.join(", ")}`);
  void fc.assert(
    fc.property(fc.array(statement, { maxLength: 5 }), (all) => {
      expect(texts(all.join(";\n"))).toEqual(all);
    }),
    { numRuns: 1_000 },
  );
});
