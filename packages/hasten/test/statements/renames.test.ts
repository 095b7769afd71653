/**
 * What changes the meaning of a text, or what it gives, without changing a row: it is found by the
 * next look at the catalog, and the new meaning is the one that is analysed.
 */
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createStatements,
  type Statements,
} from "../../src/postgres/statements/create-statements.ts";

const T = "sql:db:public.";
let client: pg.Client;
let drop: () => Promise<void>;
let statements: Statements;
const session = { searchPath: '"$user", public', role: "" };

beforeAll(async () => {
  const database = await freshDatabase();
  drop = () => database.drop();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query("create publication everything for all tables");
  session.role = (await client.query("select current_user as role")).rows[0].role;
  statements = createStatements({
    run: async (text, values) => (await client.query(text, values as unknown[])).rows,
    database: "db",
    coverage: { kind: "publication", name: "everything" },
  });
});
afterAll(async () => {
  await client.end();
  await drop();
});

async function tags(text: string): Promise<readonly string[]> {
  const analysis = await statements.analyzer.analyse(text, session);
  if (analysis.kind !== "read") throw new Error(JSON.stringify(analysis));
  return [...analysis.tagsOf([])].sort();
}

/** Whether the next look drops what was read before the change. */
async function dropped(text: string, change: string): Promise<boolean> {
  const before = await tags(text);
  await statements.poll();
  // A look that finds something new in what was just looked up tells it once.
  const quiet = await statements.poll();
  expect(quiet).toEqual([]);
  await tags(text);
  await client.query(change);
  const told = new Set(await statements.poll());
  return before.some((tag) => told.has(tag));
}

test("a view reads the table that it was made on, whatever that is called now", async () => {
  await client.query(`create table a (id int primary key); create table a_new (id int primary key);
    create view over_a as select count(*) from a`);
  expect(await tags("select * from over_a")).toEqual([`${T}a`, `${T}over_a`]);
  await client.query("begin; alter table a rename to a_old; alter table a_new rename to a; commit");
  await statements.poll();
  expect(await tags("select * from over_a")).toEqual([`${T}a_old`, `${T}over_a`]);
});

test("a view is read by the schemas of the tables it was made on", async () => {
  await client.query(`create schema s1; create schema s2; create table s1.b (id int primary key);
    create table s2.b (id int primary key); create view over_b as select count(*) from s1.b`);
  expect(await tags("select * from over_b")).toEqual([`${T}over_b`, "sql:db:s1.b"]);
  await client.query(
    "begin; alter schema s1 rename to s3; alter schema s2 rename to s1; alter schema s3 rename to s2; commit",
  );
  await statements.poll();
  expect(await tags("select * from over_b")).toEqual([`${T}over_b`, "sql:db:s2.b"]);
  // A table that comes before it in the search path is not the view's.
  await client.query("create table c (id int primary key); create view over_c as select id from c");
  expect(await tags("select * from over_c")).toEqual([`${T}c`, `${T}over_c`]);
  await client.query("set search_path = s1, public; create table s1.c (id int primary key)");
  await statements.poll();
  expect(await tags("select * from over_c")).toEqual([`${T}c`, `${T}over_c`]);
  await client.query("reset search_path");
});

test("a view's condition is on the column, whatever that is called now", async () => {
  await client.query(`create table d (id int primary key, k int not null);
    alter table d replica identity full; create view over_d as select k from d where id = 5`);
  expect(await tags("select * from over_d")).toEqual([`${T}d:*`, `${T}d:id=5`, `${T}over_d`]);
  await client.query(
    "begin; alter table d rename id to z; alter table d rename k to id; alter table d rename z to k; commit",
  );
  await statements.poll();
  expect(await tags("select * from over_d")).toEqual([`${T}d:*`, `${T}d:k=5`, `${T}over_d`]);
});

test("a label in a view's condition is what it is called now", async () => {
  await client.query(`create type kind as enum ('x', 'y'); create table k (id int primary key, v kind);
    alter table k replica identity full; create view over_k as select id from k where v = 'x'`);
  expect(await tags("select * from over_k")).toEqual([`${T}k:*`, `${T}k:v=x`, `${T}over_k`]);
  await client.query("alter type kind rename value 'x' to 'z'");
  await statements.poll();
  expect(await tags("select * from over_k")).toEqual([`${T}k:*`, `${T}k:v=z`, `${T}over_k`]);
});

test("labels and attributes are found wherever a column's type holds them", async () => {
  await client.query(`create type label as enum ('a', 'b'); create type pair as (x int, y label);
    create domain labelled as label; create domain pairs as pair[];
    create table e1 (id int primary key, v label[]); create table e2 (id int primary key, v labelled);
    create table e3 (id int primary key, v pairs); create table e4 (id int primary key, t e1[])`);
  const renamed = (from: string, to: string): string =>
    `alter type label rename value '${from}' to '${to}'`;
  expect(await dropped("select v::text from e1", renamed("a", "a1"))).toBe(true);
  expect(await dropped("select v from e2", renamed("a1", "a2"))).toBe(true);
  expect(await dropped("select v::text from e3", renamed("a2", "a3"))).toBe(true);
  expect(await dropped("select t from e4", renamed("a3", "a4"))).toBe(true);
  expect(
    await dropped("select to_json(v) from e3", "alter type pair rename attribute x to xx"),
  ).toBe(true);
  expect(await dropped("select to_json(t) from e4", "alter table e1 rename v to w")).toBe(true);
  expect(await dropped("select id, null::pairs from a", renamed("a4", "a5"))).toBe(true);
});

test("values that are looked up in the catalog are refused inside other types too", async () => {
  await client.query(`create domain relation as regclass; create type grants as (who aclitem[]);
    create table f1 (id int primary key, v relation); create table f2 (id int primary key, v grants);
    create table f3 (id int primary key, v aclitem)`);
  await expect(tags("select v from f1")).rejects.toThrow("f1.v, a catalog look-up");
  await expect(tags("select v from f2")).rejects.toThrow("f2.v, a catalog look-up");
  await expect(tags("select v from f3")).rejects.toThrow("f3.v, a catalog look-up");
  await expect(tags("select '{a}'::_regclass from a")).rejects.toThrow("_regclass");
  await expect(tags("select 'a'::relation from a")).rejects.toThrow("the type relation");
});

test("a function, an operator or a type of another schema that took the name is another one", async () => {
  await client.query(`create schema g1; create schema g2;
    create function g1.f(int) returns int immutable language sql as 'select $1';
    create function g2.f(int) returns int immutable language sql as 'select -$1';
    create operator g1.!== (leftarg = int, rightarg = int, procedure = int4eq);
    create operator g2.!== (leftarg = int, rightarg = int, procedure = int4ne);
    create type g1.mood as enum ('x'); create type g2.mood as enum ('x')`);
  const swap =
    "begin; alter schema g1 rename to g3; alter schema g2 rename to g1; alter schema g3 rename to g2; commit";
  expect(await dropped("select g1.f(id) from c", swap)).toBe(true);
  expect(await dropped("select id from c where id operator(g1.!==) 1", swap)).toBe(true);
  expect(await dropped("select 'x'::g1.mood from c", swap)).toBe(true);
});

test("an equality that users made between plain types or enums is no equality of rows' values", async () => {
  await client.query(`create type size as enum ('s', 'm'); create table h (id int primary key, v size);
    alter table h replica identity full`);
  const text = "select id from h where v in ('s', 's'::size)";
  expect(await tags(text)).toEqual([`${T}h:*`, `${T}h:v=s`]);
  expect(await tags("select id from h where v = 's'::text::size")).toEqual([`${T}h`]);
  expect(
    await dropped(
      text,
      `create function same(size, size) returns bool immutable language sql as 'select true';
      create operator = (leftarg = size, rightarg = size, procedure = same)`,
    ),
  ).toBe(true);
  expect(await tags(text)).toEqual([`${T}h`]);
  await client.query("drop operator = (size, size)");
  await statements.poll();
});

test("a row with a star has its parts elsewhere", async () => {
  await client.query("create table i (x int primary key, y int)");
  expect(await tags("select 1 from i t, c u where (t.*, u.id) = (1, 2, 3)")).toEqual([
    `${T}c`,
    `${T}i`,
  ]);
  expect(await tags("select 1 from c u where (u.id, 1) = (1, 2)")).toEqual([
    `${T}c:*`,
    `${T}c:id=1`,
  ]);
});

test("what the functions of operators and casts call, and how searches take texts apart, is looked at", async () => {
  await client.query(`create table j (id int primary key, body text);
    create function inner_j(int) returns int immutable language plpgsql as 'begin return $1; end';
    create function outer_j(int, int) returns int immutable language plpgsql as 'begin return inner_j($1) + $2; end';
    create operator <+> (leftarg = int, rightarg = int, procedure = outer_j);
    create text search configuration own (copy = simple);
    create view searched as select to_tsvector('own', body) from j`);
  const replaced = (sign: string): string =>
    `create or replace function inner_j(int) returns int immutable language plpgsql as 'begin return ${sign}$1; end'`;
  expect(await dropped("select id <+> 1 from j", replaced("-"))).toBe(true);
  expect(
    await dropped(
      "select to_tsvector('own', body) from j",
      "alter text search configuration own alter mapping for asciiword with english_stem",
    ),
  ).toBe(true);
  expect(
    await dropped(
      "select * from searched",
      "alter text search configuration own alter mapping for asciiword with german_stem",
    ),
  ).toBe(true);
  expect(
    await dropped("select id from j", "alter text search configuration own rename to owned"),
  ).toBe(false);
  await client.query(`create type boxed as (x int);
    create function boxes(int) returns boxed immutable language sql as 'select row($1)::boxed';
    create cast (int as boxed) with function boxes(int)`);
  await statements.poll();
  expect(
    await dropped(
      "select id::boxed from j",
      "create or replace function boxes(int) returns boxed immutable language sql as 'select row(-$1)::boxed'",
    ),
  ).toBe(true);
  expect(await dropped("select id::boxed from j", replaced("2 * "))).toBe(true);
});
