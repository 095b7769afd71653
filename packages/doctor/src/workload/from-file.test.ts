import { expect, test } from "vitest";
import { loadParser } from "../parse/parse.ts";
import { workloadFromFile } from "./from-file.ts";
import { splitScript, withoutComments } from "./split.ts";
import { STATEMENTS_MAX } from "./types.ts";

const texts = (script: string) => splitScript(script).statements.map((it) => it.text);

test("a semicolon ends a statement only where PostgreSQL says so", () => {
  expect(
    texts(`select 'a;b'; select e'it\\'s;', "c;d" ; -- x;y
      select $$;$$, $tag$ ; $$ ; $tag$; select 1 /* ; /* ; */ ; */ + 2;;
      select 'don''t;'; select a$b$c from t; select $1;`),
  ).toEqual([
    "select 'a;b'",
    `select e'it\\'s;', "c;d"`,
    "select $$;$$, $tag$ ; $$ ; $tag$",
    "select 1 /* ; /* ; */ ; */ + 2",
    "select 'don''t;'",
    "select a$b$c from t",
    "select $1",
  ]);
  for (const open of ["select 'a", 'select "a', "select $$a", "select 1 /* a", "select e'a\\"])
    expect(texts(open)).toHaveLength(1);
});

test("comments go, text that only looks like one stays", () => {
  expect(withoutComments("select /* a /* b */ c */ '--x' -- d\n, $$/* e */$$")).toBe(
    "select   '--x'  \n, $$/* e */$$",
  );
});

test("lines for psql and COPY's data are passed over", () => {
  const script =
    "\\set x 1\n\\timing on\nselect 1 \\gset\ncopy t from stdin;\n1;\t'\n2\n\\.\nselect 2;";
  expect(texts(script)).toEqual(["select 1", "copy t from stdin", "select 2"]);
  expect(splitScript(script).skippedLines).toBe(6);
});

test("a megabyte of open quotes is split in a moment", () => {
  const started = performance.now();
  for (const piece of ["'", "$$", "/*", "--\n", "e'\\", "$a$b", "\\"])
    splitScript(piece.repeat(200_000));
  expect(performance.now() - started).toBeLessThan(5_000);
});

test("statements that differ in constants are one; weights and notes", async () => {
  const workload = workloadFromFile(
    `-- the orders page
     -- calls: 1200 mean_ms: 3.2
     select * from orders where customer = 7;
     SELECT * FROM orders WHERE customer = 8;
     select * from orders where customer = 9;
     /* calls = 10 */ update orders set state = 'open' where id = 3;
     vacuum orders; select * from pg_class; select from where;
     \\d orders`,
    await loadParser(),
  );
  expect(
    workload.statements.map(({ planText, text, calls, totalMs }) => ({
      planText,
      text,
      calls,
      totalMs,
    })),
  ).toEqual([
    {
      planText: "select * from orders where customer = 7",
      text: "select * from orders where customer = ?",
      calls: 1202,
      totalMs: 3840,
    },
    {
      planText: "update orders set state = 'open' where id = 3",
      text: "update orders set state = ? where id = ?",
      calls: 10,
      totalMs: 0,
    },
  ]);
});

test("bounds", async () => {
  const parser = await loadParser();
  const many = Array.from({ length: STATEMENTS_MAX + 50 }, (_, at) => `select a${at} from t;`).join(
    "\n",
  );
  const workload = workloadFromFile(many, parser);
  expect(workload.statements).toHaveLength(STATEMENTS_MAX);
  expect(workload.shareSeen).toBeCloseTo(STATEMENTS_MAX / (STATEMENTS_MAX + 50));
  expect(workload.notes.join()).toContain("350");
  for (const empty of ["", "-- only this", "vacuum;", "x".repeat(10_000_001)])
    expect(() => workloadFromFile(empty, parser)).toThrow(
      expect.objectContaining({ code: "HST_DOCTOR_FILE" }),
    );
});
