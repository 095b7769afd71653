import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { loadParser, type Parser } from "../parse/parse.ts";
import { catalogOf } from "../testing/catalog.ts";
import { statementOf } from "../testing/statement.ts";
import { candidatesFor } from "./candidates-for.ts";
import { definitionOf } from "./definition.ts";
import { CANDIDATES_PER_TABLE_MAX, KEYS_MAX } from "./types.ts";
import { understand } from "./understand.ts";

const columns = {
  a: "int4",
  b: "text",
  c: "timestamptz",
  d: "jsonb",
  e: "_text",
  f: "bool",
  'we"ird': "varchar",
};
const catalog = catalogOf({
  t: { columns },
  u: { columns, parents: ["t"] },
  v: { columns, view: "select * from t where f union all select * from u limit 5" },
  w: { columns, view: "select * from v join t using (a)" },
  loop: { columns, view: "select * from loop" },
});

let parser: Parser;
beforeAll(async () => {
  parser = await loadParser();
});

const column = fc.constantFrom(
  "a",
  "b",
  "c",
  "d",
  "e",
  "f",
  '"we""ird"',
  "x.a",
  "y.b",
  "t.a",
  "missing",
  "ctid",
  "t",
);
const value = fc.constantFrom(
  "$1",
  "1",
  "'x'",
  "'it''s'",
  "null",
  "now()",
  "true",
  "random()",
  "array[1]",
  "'{}'",
  "(select a from u)",
  "1.5",
  "-1",
);
const operator = fc.constantFrom(
  "=",
  "<",
  ">=",
  "<>",
  "like",
  "ilike",
  "~",
  "@>",
  "<@",
  "&&",
  "?",
  "@@",
  "%",
  "<->",
  "is distinct from",
  "is not distinct from",
);

const { query } = fc.letrec<{ expression: string; condition: string; from: string; query: string }>(
  (tie) => ({
    expression: fc.oneof(
      { depthSize: "small" },
      column,
      value,
      fc
        .tuple(
          fc.constantFrom(
            "lower",
            "length",
            "date",
            "to_tsvector",
            "coalesce",
            "abs",
            "max",
            "nope",
          ),
          tie("expression"),
        )
        .map(([name, arg]) => `${name}(${arg})`),
      fc
        .tuple(tie("expression"), fc.constantFrom("->>", "||", "+", "->", "#>>"), tie("expression"))
        .map(([l, op, r]) => `(${l} ${op} ${r})`),
      fc
        .tuple(tie("expression"), fc.constantFrom("int", "text", "date", "text[]", "varchar(3)"))
        .map(([e, type]) => `(${e})::${type}`),
      tie("query").map((inner) => `(${inner})`),
    ),
    condition: fc.oneof(
      { depthSize: "small" },
      fc
        .tuple(tie("expression"), operator, tie("expression"))
        .map(([l, op, r]) => `(${l}) ${op} (${r})`),
      tie("expression").map((e) => `(${e}) is null`),
      tie("expression").map((e) => `(${e}) is not true`),
      fc
        .tuple(tie("expression"), tie("expression"), tie("expression"))
        .map(([e, l, h]) => `(${e}) between (${l}) and (${h})`),
      fc.tuple(tie("expression"), tie("query")).map(([e, q]) => `(${e}) in (${q})`),
      fc.tuple(tie("expression"), tie("expression")).map(([l, r]) => `(${l}, a) > (${r}, $2)`),
      fc.tuple(tie("expression"), tie("expression")).map(([l, r]) => `(${l}) = any(${r})`),
      tie("query").map((q) => `exists (${q})`),
      column,
      fc
        .tuple(tie("condition"), fc.constantFrom("and", "or"), tie("condition"))
        .map(([l, op, r]) => `(${l} ${op} ${r})`),
      tie("condition").map((c) => `not (${c})`),
    ),
    from: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(
        "t",
        "u x",
        "v",
        "w y",
        "loop",
        "only t",
        "cte",
        "pg_class",
        "t as x(a, b)",
        "unnest($1) y",
        "nowhere",
      ),
      fc
        .tuple(
          tie("from"),
          fc.constantFrom("left join", "join", "full join", "right join"),
          tie("from"),
          tie("condition"),
        )
        .map(([l, j, r, c]) => `${l} ${j} ${r} on ${c}`),
      fc
        .tuple(tie("from"), fc.constantFrom("natural join", "cross join"), tie("from"))
        .map(([l, j, r]) => `(${l}) ${j} ${r}`),
      fc.tuple(tie("from"), tie("from")).map(([l, r]) => `(${l} left join ${r} using (a, b)) as j`),
      fc
        .tuple(fc.constantFrom("", "lateral "), tie("query"))
        .map(([lateral, q]) => `${lateral}(${q}) as x`),
      fc.tuple(tie("from"), tie("from")).map(([l, r]) => `${l}, ${r}`),
    ),
    query: fc
      .record({
        cte: fc.constantFrom(
          "",
          "with cte as (select * from t) ",
          "with recursive cte as (select a from t union all select a from cte) ",
          "with cte as materialized (select 1 as a) ",
        ),
        distinct: fc.constantFrom("", "distinct ", "distinct on (a) "),
        list: fc.array(
          fc.oneof(
            tie("expression"),
            fc.constantFrom(
              "*",
              "x.*",
              "count(*)",
              "row_number() over (partition by a order by b)",
            ),
          ),
          { maxLength: 3 },
        ),
        from: fc.option(tie("from")),
        where: fc.option(tie("condition")),
        tail: fc.constantFrom(
          "",
          " group by 1",
          " group by a, b",
          " order by 1 desc, b limit 3",
          " order by a nulls first, lower(b)",
          " limit 1 for update",
          " union select * from t",
          " union all select a from u order by 1 limit 2",
        ),
      })
      .map(({ cte, distinct, list, from, where, tail }) =>
        [
          `${cte}select ${distinct}${list.join(", ")}`,
          from === null ? "" : ` from ${from}`,
          where === null ? "" : ` where ${where}`,
          tail,
        ].join(""),
      ),
  }),
);

const statement = fc.oneof(
  query,
  query.map((q) => `insert into t (a) ${q}`),
  query.map((q) => `update t set a = 1 from (${q}) z where t.a = z.a`),
  query.map((q) => `delete from t using (${q}) z where t.b like z.b returning *`),
  query.map((q) => `merge into t using (${q}) z on t.a = z.a when matched then delete`),
  query.map((q) => `with z as (delete from t where a in (${q}) returning a) select * from z`),
  query.map((q) => `create table q as ${q}`),
  fc.string(),
);

test("no statement throws; what comes out is bounded, and PostgreSQL's grammar takes it", () => {
  let understood = 0;
  let made = 0;
  fc.assert(
    fc.property(fc.array(statement, { minLength: 1, maxLength: 4 }), (texts) => {
      const facts = texts.map((text, at) =>
        understand(statementOf(text, { id: `s${at}`, share: 1 / texts.length }), catalog, parser),
      );
      understood += facts.filter(({ scans }) => scans.length > 0).length;
      const byTable = new Map<number, number>();
      for (const candidate of candidatesFor(facts, catalog)) {
        made += 1;
        byTable.set(candidate.relation, (byTable.get(candidate.relation) ?? 0) + 1);
        expect(candidate.keys.length).toBeLessThanOrEqual(KEYS_MAX);
        const relation = catalog.relations.find(({ oid }) => oid === candidate.relation);
        expect(relation).toBeDefined();
        if (relation === undefined) continue;
        const { table, body } = definitionOf(candidate, relation);
        expect(candidate.id).toBe(`${table} ${body}`);
        expect(parser.parse(`create index i on ${table} ${body}`), body).toHaveLength(1);
      }
      for (const count of byTable.values())
        expect(count).toBeLessThanOrEqual(CANDIDATES_PER_TABLE_MAX);
    }),
    { numRuns: Number(process.env["FUZZ_RUNS"] ?? 500) },
  );
  // The generator must not only make what nobody understands.
  expect(understood).toBeGreaterThan(100);
  expect(made).toBeGreaterThan(100);
});
