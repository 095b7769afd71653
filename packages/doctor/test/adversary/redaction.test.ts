import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makePlace, type Place } from "./command.ts";

/** Every secret holds this; what follows it says where it was. */
const MARK = "zqx";
/** Numbers and dates that are values too. */
const NUMBERS = ["918273645", "4815162342", "1987-06-05"];

const SCHEMA = `
  create extension pg_stat_statements;
  create type mood as enum ('zqxenum', 'calm');
  create table people (id int primary key, name text not null, email text default 'zqxdefault',
    tags text[], doc jsonb, born date, n bigint, feeling mood,
    constraint clean check (email <> 'zqxcheck'));
  comment on table people is 'zqxcomment';
  insert into people select i, case when i % 4 = 0 then 'zqxmcv' else 'zqxhist' || i end,
    'zqxmail' || i % 50, array['zqxarr' || i % 20, 'zqxarr2'],
    jsonb_build_object('k', 'zqxjson' || i % 300), date '1987-06-05' + i % 3, 918273645 + i % 2,
    case when i % 2 = 0 then 'zqxenum' else 'calm' end::mood
    from generate_series(1, 30000) i;
  create view grown as select id, name from people where name <> 'zqxview';
  create function f() returns text language sql stable as $$ select 'zqxbody' $$;
  create table parts (k text, v int) partition by list (k);
  create table parts_a partition of parts for values in ('zqxbound');
  insert into parts select 'zqxbound', i from generate_series(1, 5000) i;
  select pg_stat_statements_reset();
  analyze;`;

/** What pg_stat_statements keeps as it was sent, or with constants in unusual forms. */
const WORK = [
  "select count(*) from people where name = 'zqxplain' and n = 4815162342",
  "select id from people where name = E'zqx\\x65scaped' or name = $q$zqxdollar$q$",
  "select id from people where name = U&'zqx\\0075nicode' and born > date '1987-06-05'",
  "select id from people where doc ->> 'k' = 'zqxjsonvalue' and doc @> '{\"k\": \"zqxcontained\"}'",
  "select id from people where doc @? '$.k ? (@ == \"zqxpath\")' or name ~ 'zqxregexp'",
  "select id, name from people where tags @> array['zqxtag'] order by (name = 'zqxsort') limit 918273645",
  "select /* zqxinner */ id from people where email ilike '%zqxlike%' -- zqxtail",
  "select 'zqxoutput' || name, case when email = 'zqxcase' then 1 end from people where id < 100",
  "select x from (values ('zqxvalues'), ('zqxvalues2')) v (x) join people on name = x",
  "select * from parts where k = 'zqxbound' and v = 918273645",
  "select name from grown where id = 918273645",
  "update people set email = 'zqxset' where email = 'zqxwhere'",
  "insert into people (id, name) values (918273645, 'zqxinserted') on conflict do nothing",
  "delete from people where name = 'zqxinserted'",
  "set application_name = 'zqxguc'",
  "set app.tenant = 'zqxtenant'",
  "explain select * from people where name = 'zqxexplain'",
  "copy (select 'zqxcopy' from people where name = 'zqxcopywhere') to stdout",
  "do $$ begin perform 'zqxdo'; end $$",
  "prepare zq as select * from people where name = 'zqxprepared'",
  "execute zq",
  "begin; declare zq cursor for select * from people where email = 'zqxcursor'; fetch all from zq; commit",
  "create temp table zqt as select * from people where email = 'zqxctas'",
  "create role zq_role_to_drop password 'zqxpassword'",
  "drop role zq_role_to_drop",
  "select count(*) from people where feeling = 'zqxenum'",
];

let database: TestDatabase;
let place: Place;
let idle: pg.Client;
let blocker: pg.Client;

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  client.on("error", () => undefined);
  return client;
}

beforeAll(async () => {
  database = await freshDatabase();
  place = await makePlace();
  const client = await connected(database.url);
  await client.query(SCHEMA);
  for (const statement of WORK)
    for (let i = 0; i < 3; i++) {
      if (i > 0 && /^(create|drop|prepare)/.test(statement)) continue;
      await client.query(statement).catch((error: unknown) => {
        throw new Error(statement, { cause: error });
      });
    }
  await client.query("reset application_name");
  idle = await connected(database.url);
  await idle.query("begin; update parts set v = 1 where k = 'zqxidle'; lock table parts_a");
  blocker = await connected(database.url);
  void blocker.query("select count(*) from parts_a where k = 'zqxblocked'").catch(() => undefined);
});

afterAll(async () => {
  await idle.end();
  await blocker.end();
  await database.drop();
  await place[Symbol.asyncDispose]();
});

const leaks = (form: string): readonly string[] => [
  ...new Set([...form.matchAll(/.{0,60}zqx\w*.{0,20}/gi)].map(([found]) => found)),
  ...NUMBERS.filter((it) => form.replace(/[,_]/g, "").includes(it)),
];

async function allForms(args: readonly string[], env: Record<string, string> = {}) {
  const files = ["r.html", "r.json", "s.json"].map((name) => join(place.folder, name));
  const [html = "", json = "", save = ""] = files;
  const ended = await place.run(
    [
      ...args,
      "--html",
      html,
      "--json",
      json,
      ...(args.includes("--explain") ? [] : ["--save", save]),
    ],
    { url: database.url, env },
  );
  const texts = await Promise.all(files.map((it) => readFile(it, "utf8").catch(() => "")));
  return { ...ended, forms: [ended.out, ended.err, ...texts] };
}

test("no value of data, statistics or statements is in any form of a whole run", async () => {
  const { code, forms, err } = await allForms(["--sample", "1s"], {});
  expect([code, err.slice(-500)]).toEqual([0, expect.not.stringContaining("hasten-doctor:")]);
  expect(forms.flatMap(leaks)).toEqual([]);
  const totals = await allForms([]);
  expect(
    JSON.parse(totals.forms[3] ?? "").notes.filter((it: string) => /Not looked/.test(it)),
  ).toEqual([]);
  expect(totals.forms[3]).toContain("people");
  expect(totals.forms.flatMap(leaks)).toEqual([]);
});

test("--queries: literals of the file are in no form but in a partial index's predicate", async () => {
  const file = join(place.folder, "q.sql");
  await writeFile(
    file,
    `-- zqxfilecomment; calls: 100\n${WORK.filter((it) => /^(select|update|insert|delete)/.test(it)).join(";\n")};
    select a from 'zqxsyntax;\n`,
  );
  const { code, forms } = await allForms(["--queries", file]);
  expect(code).toBe(0);
  expect(forms.flatMap(leaks)).toEqual([]);
});

test.each([
  [
    "select 'zqxa' || name from people where name = 'zqxb' and n = 918273645 order by name = 'zqxc'",
  ],
  ["select * from people where name = 'zqxcast' and id = 'zqxcast'::text::int"],
  ["select ('zqxcast' || name)::int from people where id < 3"],
  ["select * from no_such_table where a = 'zqxgone'"],
  ["select * from people where name = 'zqxopen"],
  ["delete from people where name = 'zqxdelete'"],
  ["select * from people where name = 'zqxtwo'; drop table people; select 'zqxthree'"],
])("--explain %s tells no literal", async (query) => {
  for (const more of [[], ["--analyze"]]) {
    const { forms } = await allForms(["--explain", query, ...more]);
    expect(forms.flatMap(leaks)).toEqual([]);
  }
});

test("a plan of auto_explain: neither the statement nor parameters nor conditions' values", async () => {
  const client = await connected(database.url);
  const { rows } = await client.query<{ "QUERY PLAN": object[] }>(
    `explain (analyze, verbose, settings, format json)
      select 'zqxout', p.name, row_number() over (partition by p.name = 'zqxpart' order by p.email || 'zqxkey')
      from people p join people q on q.id = p.id and q.name = 'zqxmcv'
      where p.name <> 'zqxfilter' and p.n <> 4815162342 and p.born = '1987-06-05'
        and p.id in (select id from people where email = any ('{zqxany}'))
      group by p.name, p.email having max(p.name) > 'zqxhaving'`,
  );
  await client.end();
  const [{ Plan = {} } = {}] = (rows[0]?.["QUERY PLAN"] ?? []) as { Plan?: object }[];
  const file = join(place.folder, "auto.json");
  await writeFile(
    file,
    JSON.stringify({
      "Query Text": "select 'zqxtext'",
      "Query Parameters": "$1 = 'zqxparameter'",
      Plan,
      Settings: { "app.setting": "zqxsetting" },
    }),
  );
  const { code, forms } = await allForms(["--explain", file]);
  expect(code).toBe(0);
  expect(forms.flatMap(leaks)).toEqual([]);
});

test("HASTEN_DEBUG shows stacks, and still no value of data", async () => {
  const { forms } = await allForms([], {
    HASTEN_DEBUG: "1",
    HASTEN_DOCTOR_STATEMENT_TIMEOUT: "100ms",
  });
  expect(forms.flatMap(leaks)).toEqual([]);
});

test("the cache holds the empty planner only, and the temporary folder nothing", async () => {
  expect(await place.left()).toEqual([]);
  const cache = join(place.cache, "hasten-doctor");
  expect((await stat(cache)).mode & 0o077).toBe(0);
  for (const entry of await readdir(cache, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const text = await readFile(join(entry.parentPath, entry.name), "latin1");
    expect([entry.name, text.includes(MARK), text.includes("people")]).toEqual([
      entry.name,
      false,
      false,
    ]);
  }
});
