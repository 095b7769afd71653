import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Analysis } from "./analysis.ts";
import { createStatements, type Statements } from "./create-statements.ts";

const SCHEMA = `
create table users (id int primary key, email text unique, team int, active bool not null default true);
create table posts (id uuid primary key default gen_random_uuid(), author int references users on delete cascade, title text);
create view titles as select p.title, u.email from posts p join users u on u.id = p.author;
create view clocked as select now() as at, id from users;
create table logs (at date, id int, primary key (at, id)) partition by range (at);
create table logs_2025 partition of logs for values from ('2025-01-01') to ('2026-01-01');
create unlogged table scratch (id int primary key);
create table outside (id int primary key);
create schema other;
create table other.users (id int primary key);
create function fixed(int) returns int immutable language sql as 'select $1';
create function moving(int) returns int stable language sql as 'select count(*)::int from users';
create function full_name(users) returns text stable language sql as 'select $1.email';
create publication hasten for table users, posts, logs, other.users;
`;

let statements: Statements;
let client: pg.Client;
let drop: () => Promise<void>;
const session = { searchPath: '"$user", public', role: "" };

beforeAll(async () => {
  const database = await freshDatabase();
  drop = () => database.drop();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(SCHEMA);
  const { rows } = await client.query("select current_user as role");
  session.role = rows[0].role;
  statements = createStatements({
    run: async (text, values) => (await client.query(text, values as unknown[])).rows,
    database: "db",
    coverage: { kind: "publication", name: "hasten" },
  });
});
afterAll(async () => {
  await client.end();
  await drop();
});

const analyse = (text: string, searchPath = session.searchPath): Promise<Analysis> =>
  statements.analyzer.analyse(text, { searchPath, role: session.role });
const tags = async (text: string, values: readonly unknown[] = []): Promise<readonly string[]> => {
  const analysis = await analyse(text);
  if (analysis.kind !== "read") throw new Error(JSON.stringify(analysis));
  return [...analysis.tagsOf(values)].sort();
};
const refusal = async (text: string): Promise<string> => {
  const analysis = await analyse(text);
  return analysis.kind === "opaque" ? analysis.because : `not refused: ${JSON.stringify(analysis)}`;
};
const T = "sql:db:public.";

describe("the tags of a read", () => {
  test("name the row where the primary key is given", async () => {
    const text = "select * from users where id = $1";
    expect(await tags(text, [7])).toEqual([`${T}users:*`, `${T}users:id=7`]);
    expect(await tags(text, ["007"])).toEqual([`${T}users:*`, `${T}users:id=7`]);
    expect(await tags(text, ["7.0"])).toEqual([`${T}users`]);
    expect(await tags("select * from users where id = 1 or id in (2, 3)")).toHaveLength(4);
    expect(await tags("select * from users where id = any($1::int[])", [[1, 2]])).toHaveLength(3);
  });
  test("name the table where another column decides", async () => {
    expect(await tags("select * from users where email = $1", ["a"])).toEqual([`${T}users`]);
    expect(await tags("select * from users where id = 1 or active")).toEqual([`${T}users`]);
  });
  test("go through joins by the sides that a condition keeps out", async () => {
    expect(
      await tags("select * from users u left join posts p on p.author = u.id and u.id = 1"),
    ).toEqual([`${T}posts`, `${T}users`]);
    expect(
      await tags("select * from users u left join posts p on p.author = u.id where u.id = 1"),
    ).toEqual([`${T}posts`, `${T}users:*`, `${T}users:id=1`]);
  });
  test("leave the names of common table expressions out, where they are in scope", async () => {
    expect(await tags("with users as (select * from posts) select * from users")).toEqual([
      `${T}posts`,
    ]);
    expect(await tags("with users as (select * from users) select * from users")).toEqual([
      `${T}users`,
    ]);
    expect(
      await tags(
        "with recursive r as (select 1 as n union select n + 1 from r where n < 3) select * from r",
      ),
    ).toEqual([]);
    expect(
      await tags(
        "select (with posts as (select 1) select count(*) from posts), (select count(*) from posts)",
      ),
    ).toEqual([`${T}posts`]);
  });
  test("name views and what is behind them", async () => {
    expect(await tags("select * from titles")).toEqual([`${T}posts`, `${T}titles`, `${T}users`]);
  });
  test("follow search_path and schemas", async () => {
    expect(await tags("select * from other.users")).toEqual(["sql:db:other.users"]);
    const analysis = await analyse("select * from users", "other, public");
    expect(analysis.kind === "read" && analysis.tagsOf([])).toEqual(["sql:db:other.users"]);
  });
  test("cover partitions through their root", async () => {
    expect(await tags("select * from logs")).toEqual([`${T}logs`]);
    const { rows } = await client.query("select 'logs_2025'::regclass::oid::int as oid");
    expect(statements.interest.of(rows[0].oid)?.map((it) => it.tableTag)).toEqual([`${T}logs`]);
  });
  test("are those of what EXPLAIN explains", async () => {
    expect(await tags("explain (format json) select 1 from users")).toEqual([`${T}users`]);
  });
});

describe("refused with the reason", () => {
  test.each([
    ["select now()", /now/],
    ["select current_date", /current_date/],
    ["select * from users where id = 1 for update", /row locks/],
    ["select * from users tablesample system (10)", /TABLESAMPLE/],
    ["select moving(1)", /moving/],
    ["select u.full_name from users u", /full_name/],
    ["select * from clocked", /now/],
    ["select * from scratch", /unlogged/],
    ["select * from outside", /not published/],
    ["select * from pg_class", /system table/],
    ["select ctid from users", /ctid/],
    ["select nextval('x')", /nextval/],
    ["select 'users'::regclass", /regclass/],
    ["select * from logs where at = 'today'", /today/],
    ["select 1; select 2", /several/],
    ["execute x", /EXECUTE/],
    ["do $$ begin end $$", /DO/],
    ["select broken from", /parser/],
    ["select * from nowhere", /does not exist/],
  ])("%s", async (text, reason) => {
    expect(await refusal(text)).toMatch(reason);
  });
  test("but not what is known to be the same for the same rows", async () => {
    await tags("select count(*), json_agg(u), max(lower(email)) from users u");
    await tags("select fixed(1), to_char(at, 'YYYY') from logs");
    await tags("select websearch_to_tsquery('english', $1), array(select id from users)");
    await tags("select version()");
  });
});

describe("texts that differ in literals", () => {
  test("share an analysis, each with its own rows", async () => {
    await tags("select * from users where id = 5 and email = 'é'");
    const known = statements.analyzer.peek(
      "select * from users where id = 6 and email = 'x'",
      session,
    );
    expect(known?.kind === "read" && [...known.tagsOf([])].sort()).toEqual([
      `${T}users:*`,
      `${T}users:id=6`,
    ]);
  });
  test("do not, where a literal decides what the text is", async () => {
    await tags("select * from logs where at = '2025-01-01'");
    expect(
      statements.analyzer.peek("select * from logs where at = 'tomorrow'", session),
    ).toBeUndefined();
    await tags("select * from users where id = -5");
    expect(statements.analyzer.peek("select * from users where id = -6", session)).toBeUndefined();
    await tags("select * from users where id = 1.0");
    expect(await tags("select * from users where id = 2.0")).toEqual([`${T}users`]);
  });
  test("writes too", async () => {
    await analyse("update users set team = 1 where id = 1");
    expect(statements.analyzer.peek("update users set team = 2 where id = 3", session)?.kind).toBe(
      "write",
    );
  });
});

describe("what a connection is told", () => {
  test.each([
    ["begin", { kind: "begin", isolation: undefined }],
    [
      "start transaction isolation level serializable",
      { kind: "begin", isolation: "serializable" },
    ],
    [
      "set transaction isolation level repeatable read",
      { kind: "isolation", isolation: "repeatable read" },
    ],
    ["commit", { kind: "commit" }],
    ["rollback", { kind: "rollback" }],
    ["rollback to savepoint a", { kind: "savepoint" }],
    ["discard all", { kind: "discard-all" }],
    ["set statement_timeout = 5", { kind: "harmless" }],
    [
      "SET standard_conforming_strings=on;SET client_min_messages TO warning;",
      { kind: "harmless" },
    ],
    ["", { kind: "harmless" }],
    ["show server_version", { kind: "harmless" }],
    ["set role x", { kind: "stateful", settings: [{ name: "role", value: "x", local: false }] }],
    ["reset all", { kind: "stateful" }],
    [
      "SET client_min_messages TO warning;SET TIME ZONE INTERVAL '+00:00' HOUR TO MINUTE;",
      { kind: "stateful", settings: [{ name: "timezone", value: "+00:00", local: false }] },
    ],
  ])("%s", async (text, effect) => {
    expect(await analyse(text)).toMatchObject({ kind: "session", effect });
  });
  test.each([
    "commit and chain",
    "prepare transaction 'x'",
    "call f()",
    "show search_path",
    "select set_config('a.b', 'x', false)",
  ])("nothing by one name: %s", async (text) => expect((await analyse(text)).kind).toBe("opaque"));
});

describe("writes", () => {
  test("name the table and what foreign keys change with it", async () => {
    const analysis = await analyse("delete from users where id = 1");
    expect(analysis).toMatchObject({ kind: "write", changesSchema: false, complete: true });
    expect(analysis.kind === "write" && [...analysis.tags].sort()).toEqual([
      `${T}posts`,
      `${T}posts:*`,
      `${T}users`,
      `${T}users:*`,
    ]);
  });
  test("are found inside WITH and COPY, and DDL is told apart", async () => {
    expect(
      (await analyse("with x as (update users set team = 1 returning id) select * from x")).kind,
    ).toBe("write");
    expect((await analyse("copy users from stdin")).kind).toBe("write");
    expect(await analyse("alter table users add x int")).toMatchObject({
      kind: "write",
      changesSchema: true,
    });
    expect(await analyse("create temp table t (a int)")).toMatchObject({
      kind: "opaque",
      stateful: true,
    });
  });
});

describe("a look at the catalog", () => {
  test("gives nothing while nothing changes, and the tags of what did", async () => {
    await tags("select * from users");
    await tags("select * from logs");
    await tags("select * from titles");
    await statements.poll();
    await tags("select * from users");
    await tags("select * from logs");
    await tags("select * from titles");
    expect(await statements.poll()).toEqual([]);
    expect(statements.analyzer.peek("select * from logs", session)?.kind).toBe("read");
    await client.query("alter table logs detach partition logs_2025");
    expect(await statements.poll()).toContain(`${T}logs`);
    expect(statements.analyzer.peek("select * from logs", session)).toBeUndefined();
    await client.query("create or replace view titles as select 'x' as title, email from users");
    expect(await statements.poll()).toContain(`${T}titles`);
    expect(statements.interest.of(1)).toBeUndefined();
  });
  test("tells of functions that were replaced, names that mean another table, tables that were altered", async () => {
    await tags("select fixed(id) from users");
    const before = await analyse("select id from users", "other, public");
    await statements.poll();
    await tags("select fixed(id) from users");
    await analyse("select id from users", "other, public");
    await statements.poll();
    await client.query(
      "create or replace function fixed(int) returns int immutable language sql as 'select $1 + 1'",
    );
    expect(await statements.poll()).toContain(`${T}users`);
    await analyse("select id from users", "other, public");
    await client.query("alter table other.users rename to elsewhere");
    expect(await statements.poll()).toContain("sql:db:other.users");
    const after = await analyse("select id from users", "other, public");
    expect([before, after].map((it) => it.kind === "read" && it.tagsOf([]))).toEqual([
      ["sql:db:other.users"],
      [`${T}users`],
    ]);
    await client.query("alter table users alter column team type text using 'x'");
    expect(await statements.poll()).toContain(`${T}users`);
    await tags("select * from users");
    await client.query("alter publication hasten drop table users");
    expect(await statements.poll()).toContain(`${T}users`);
    expect(await refusal("select * from users")).toMatch(/not published/);
    await client.query("alter publication hasten add table users");
    await statements.poll();
    await client.query("alter table users enable row level security");
    await client.query("alter table users force row level security");
    await statements.poll();
    const role = `tenant_${process.pid}`;
    await client.query(`create role ${role}`);
    await client.query(`grant usage on schema public to ${role}`);
    const other = { searchPath: "public", role };
    const analysis = await statements.analyzer.analyse("select * from users", other);
    await client.query(`drop owned by ${role}; drop role ${role}`);
    expect(analysis).toMatchObject({ kind: "opaque", personal: true });
  });
});
