import { fingerprint, loadModule } from "libpg-query";
import { expect, test } from "vitest";
import { canonicalText, STATEMENT_CHARS_MAX } from "./canonical-text.ts";
import { shapeOf } from "./shape.ts";

const statement = (text: string): string => shapeOf(text).statement;

test("data, spacing, comments and case do not tell statements apart", () => {
  const wanted = "select id, name from users where id = $n and kind in (?, …)";
  for (const text of [
    "select id, name from users where id = $1 and kind in ('a', 'b')",
    "SELECT id,name\n  FROM users -- who\n WHERE id=$2 AND kind IN ( 'x','y','z' );",
    'select "id", "name" from "users" where "id" = $1 and "kind" in (1, 2, 3, 4)',
  ])
    expect(statement(text)).toBe(wanted);
  expect(statement('select "Id" from users')).not.toBe(statement("select id from users"));
  expect(statement("select count(*), t.* from t")).toBe("select count(*), t.* from t");
  expect(statement("select a::text, b -> 'x' from t where c <= -1")).toBe(
    "select a::text, b -> ? from t where c <= - ?",
  );
  expect(statement("insert into t (a, b) values ($1, $2), ($3, $4)")).toBe(
    "insert into t (a, b) values ($n, …), …",
  );
});

test("one key is another statement than several", () => {
  expect(statement("select * from t where id in ($1)")).not.toBe(
    statement("select * from t where id in ($1, $2)"),
  );
  expect(statement("select * from t where id in ($1, $2)")).toBe(
    statement("select * from t where id in ($1, $2, $3)"),
  );
});

test("the same text is the same object, and literals of their own flood nothing", () => {
  const kept = shapeOf("select kept from t where id = $1");
  const literal = shapeOf("select kept from t where id = 7");
  expect(shapeOf("select kept from t where id = 7")).toBe(literal);
  expect(shapeOf("select kept from t where id = 8")).not.toBe(literal);
  expect(shapeOf("select kept from t where id = 8").statement).toBe(literal.statement);
  for (let n = 0; n < 10_000; n++) shapeOf(`select flood from t where id = ${n}`);
  expect(shapeOf("select kept from t where id = $1")).toBe(kept);
});

test("it is bounded", () => {
  const long = `select * from t where id in (${Array.from({ length: 60_000 }, (_, n) => `$${n + 1}`).join(", ")})`;
  expect(statement(long).length).toBeLessThan(100);
  const wide = `select ${Array.from({ length: 2_000 }, (_, n) => `column_${n}`).join(", ")} from t`;
  expect(statement(wide).length).toBeLessThanOrEqual(STATEMENT_CHARS_MAX + 1);
});

test.each([
  ["select * from users", "select", "users", "read"],
  ["with a as (select 1 from x) update orders set b = 1 from a", "update", "orders", "write"],
  ["with a as (select id from x) select * from a", "select", "x", "read"],
  ["insert into public.orders (a) values ($1) returning id", "insert", "orders", "write"],
  ['delete from "Order Lines" where id = $1', "delete", "Order Lines", "write"],
  ["begin isolation level serializable", "begin", "", "control"],
  ["COMMIT", "commit", "", "control"],
  ["rollback to savepoint a", "rollback", "", "control"],
  ["set local statement_timeout = 5", "set", "", "control"],
  ["select oid from pg_type where typname = $1", "select", "pg_type", "internal"],
  [
    "select * from information_schema.tables t join pg_catalog.pg_class c on true",
    "select",
    "information_schema.tables",
    "internal",
  ],
  ["select * from users u join pg_catalog.pg_class c on true", "select", "users", "read"],
  ["show server_version", "show", "", "internal"],
  ["select version();", "select", "", "internal"],
  ["select 1", "select", "", "read"],
  ["select now()", "select", "", "read"],
  ["copy users (a, b) from stdin", "copy", "users", "write"],
  ["copy users to stdout", "copy out", "users", "read"],
  ["fetch 100 from c1", "fetch", "c1", "read"],
  ["select extract(year from created_at) from orders", "select", "orders", "read"],
  ["select * from generate_series(1, 3)", "select", "", "read"],
  ["create table t (a int)", "create", "t", "write"],
  ["call p($1)", "call", "", "write"],
])("%s", (text, kind, model, role) => {
  const { kind: foundKind, model: foundModel, role: foundRole } = shapeOf(text);
  expect([foundKind, foundModel, foundRole]).toEqual([kind, model, role]);
});

test.each([
  ["select * from t", { selectsEverything: true, limited: false, batched: false, locks: false }],
  ["select t.*, u.a from t join u on true limit 5", { selectsEverything: true, limited: true }],
  ["select count(*) from t", { selectsEverything: false, limited: true }],
  ["select count(*), a from t group by a", { limited: false }],
  ["select a, count(*) over () from t", { limited: false }],
  ["select a from (select * from u limit 3) s", { selectsEverything: false, limited: false }],
  [
    "with c as (select * from u limit 3) select a from c",
    { selectsEverything: false, limited: false },
  ],
  ["select a from t fetch first 3 rows only", { limited: true }],
  ["select exists (select 1 from t)", { limited: true }],
  ["select a from t where id = any($1)", { batched: true }],
  ["select a from t where id in ($1)", { batched: false }],
  ["select a from t where id in ($1, $2)", { batched: true }],
  ["insert into t select * from unnest($1::int[])", { batched: true }],
  ["select a from t for update skip locked", { locks: true }],
])("%s", (text, traits) => {
  expect(shapeOf(text).traits).toMatchObject(traits);
});

/** Groups: within one, PostgreSQL's own fingerprint is the same. */
const CORPUS: readonly (readonly string[])[] = [
  [
    "select * from a where id = $1",
    "SELECT * FROM a WHERE id=$1",
    "select * from a\nwhere id = $1 -- x",
  ],
  [
    "select a, b from t where c = 'x'",
    "select a,b from t where c='y'",
    "select a, b from t where c = ''",
  ],
  ["select a from t where b in (1, 2)", "select a from t where b in (1, 2, 3)"],
  [
    "insert into t (a, b) values ($1, $2), ($3, $4)",
    "insert into t (a, b) values ($1, $2), ($3, $4), ($5, $6)",
  ],
  ["update t set a = $1 where id = $2", "update  t  set a=$1 where id=$2"],
  ["delete from t where id = 1", "delete from t where id = 2"],
  ["select count(*) from t", "select count( * ) from t", "SELECT COUNT(*) FROM t"],
  [
    "select t.a from t join u on u.id = t.u_id where u.b = 5",
    "select t.a from t join u on u.id=t.u_id where u.b = 6",
  ],
  ["select a from t order by b desc limit 10", "select a from t order by b desc limit 20"],
  ["with x as (select 1) select * from x", "with x as (select 2) select * from x"],
  ["select a::text from t", "select a :: text from t"],
  ["select d from t where b = any($1)", "select d from t where b = ANY ($1)"],
  ["select a from t where b between 1 and 2", "select a from t where b between 3 and 4"],
  ["select a from t where b like 'x%'", "select a from t where b like '%y'"],
  ["select $$a$$ as a from t", "select 'b' as a from t"],
  ["select e from t where b = -1", "select e from t where b = -2"],
];

/** Where one is the same and the other is not, and why that is meant. */
const INTENDED: readonly (readonly [string, string, "same shape" | "same fingerprint"])[] = [
  // One key in a loop is the N+1, several are its cure.
  ["select a from t where b in ($1)", "select a from t where b in ($1, $2)", "same fingerprint"],
  ["insert into t (a) values ($1)", "insert into t (a) values ($1), ($2)", "same fingerprint"],
  ["select a from t where b = any($1)", "select a from t where b in ($1, $2)", "same fingerprint"],
  // Data in the text and data beside it are two places in a program.
  ["select a from t where b = 1", "select a from t where b = $1", "same fingerprint"],
  // A parser is not asked on every statement: what needs one stays apart.
  ["select a from t where b <> 1", "select a from t where b != 1", "same fingerprint"],
  ["select a from t as x", "select a from t x", "same fingerprint"],
  ["select a x from t", "select a as y from t", "same fingerprint"],
  ["select a, b from t", "select b, a from t", "same fingerprint"],
  ["begin", "begin transaction", "same fingerprint"],
  ["select cast(a as text) from t", "select a::text from t", "same fingerprint"],
];

test("it tells statements apart as PostgreSQL's own fingerprint does", async () => {
  await loadModule();
  const prints = new Map<string, string>();
  for (const group of CORPUS) {
    const [shape] = new Set(group.map(statement));
    expect(new Set(group.map(statement))).toEqual(new Set([shape]));
    const found = new Set(await Promise.all(group.map((text) => fingerprint(text))));
    expect({ group, prints: found.size }).toEqual({ group, prints: 1 });
    for (const print of found) {
      expect({ shape, taken: prints.get(print) }).toEqual({ shape, taken: undefined });
      prints.set(print, shape!);
    }
  }
  expect(new Set(prints.values()).size).toBe(CORPUS.length);
});

test.each(INTENDED)("%s / %s: %s", async (one, other, same) => {
  await loadModule();
  expect(statement(one) === statement(other)).toBe(same === "same shape");
  expect((await fingerprint(one)) === (await fingerprint(other))).toBe(same === "same fingerprint");
});

test("a text that is cut off anywhere is taken as it is", () => {
  const text = `select 'a''b', E'\\'', $t$x$t$, "q""r" from t /* /* */ */ where a = $12 and b[1] = 2`;
  for (let end = 0; end <= text.length; end++)
    expect(canonicalText(text.slice(0, end)).statement).not.toContain("b'");
});
