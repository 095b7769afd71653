import * as fc from "fast-check";
import { expect, test } from "vitest";
import { lex } from "./lexer.ts";
import { normalise } from "./normalise.ts";

const kinds = (text: string): string[] =>
  lex(text)
    .filter((token) => token.kind !== "space")
    .map((token) => `${token.kind}:${text.slice(token.start, token.end)}`);

test("tokens cover any text without gap or overlap, and lexing never throws", () => {
  const alphabet = fc.constantFrom(
    "'",
    '"',
    "$",
    "a",
    "E",
    "e",
    "\\",
    "/",
    "*",
    "-",
    "\n",
    ";",
    "1",
    ".",
    "é",
    "💡",
    " ",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(alphabet, { maxLength: 40 }).map((c) => c.join("")),
  );
  void fc.assert(
    fc.property(text, (source) => {
      const tokens = lex(source);
      let at = 0;
      for (const token of tokens) {
        expect(token.start).toBe(at);
        expect(token.end).toBeGreaterThan(at);
        at = token.end;
      }
      expect(at).toBe(source.length);
    }),
    { numRuns: 2_000 },
  );
});

test("quotes end where PostgreSQL ends them", () => {
  expect(kinds("'a''b' x")).toEqual(["string:'a''b'", "word:x"]);
  expect(kinds(String.raw`E'a\'b' x`)).toEqual([String.raw`string:E'a\'b'`, "word:x"]);
  expect(kinds(String.raw`'a\' x`)).toEqual([String.raw`string:'a\'`, "word:x"]);
  expect(kinds('"a""b" x')).toEqual(['identifier:"a""b"', "word:x"]);
  expect(kinds("$$a $t$ b$$ x")).toEqual(["string:$$a $t$ b$$", "word:x"]);
  expect(kinds("$t$a $$ b$t$ x")).toEqual(["string:$t$a $$ b$t$", "word:x"]);
  expect(kinds("a$b$ c")).toEqual(["word:a$b$", "word:c"]);
  expect(kinds("$1 $23")).toEqual(["parameter:$1", "parameter:$23"]);
  expect(kinds("/* a /* b */ c */ x -- y ; '\nz")).toEqual([
    "comment:/* a /* b */ c */",
    "word:x",
    "comment:-- y ; '",
    "word:z",
  ]);
});

test("an unclosed quote or comment runs to the end and says so", () => {
  for (const text of ["'a", '"a', "$$a", "$x$a$$", "/* /* */", String.raw`e'a\'`])
    expect(lex(text).at(-1)).toMatchObject({ closed: false, end: text.length });
});

test("a normalised statement holds no literal and folds lists", () => {
  expect(normalise("select  *\n from t -- secret\n where a = 'secret' and b in (1, 2,3)")).toBe(
    "select * from t where a = ? and b in (?, …)",
  );
  expect(normalise("insert into t values ($1, $2), ($3, $4)")).toBe(
    "insert into t values ($n, …), …",
  );
  expect(normalise("select $$secret$$, E'\\'secret', x'ff'")).toBe("select ?, …");
});

test("statements that differ only in literals share their normalised form", () => {
  const number = fc.oneof(fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }));
  const literal = fc.oneof(
    number.map(String),
    fc.string().map((text) => `'${text.replaceAll("'", "''")}'`),
  );
  void fc.assert(
    fc.property(literal, literal, (a, b) => {
      expect(normalise(`select x from t where a = ${a}`)).toBe(
        normalise(`select x from t where a = ${b}`),
      );
    }),
  );
});

test("a huge statement is normalised within a bound", () => {
  const huge = `select ${Array.from({ length: 50_000 }, (_, i) => `c${i}`).join(", ")}`;
  expect(normalise(huge).length).toBeLessThanOrEqual(2_001);
});
