import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { quoteIdentifier } from "hasten/postgres";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { makePlace } from "./command.ts";

const BYTES_MAX = 63;

const NAMES: readonly string[] = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "');alert(1)//",
  "&lt;b&gt;",
  'a"b',
  '"; drop table victim; --',
  "'; drop table victim; --",
  "new\nline; drop table victim; --",
  "-- comment",
  "/* open",
  "*/ close",
  "$1",
  "$$",
  "back\\slash",
  "select",
  "pg_class",
  "ünï日本",
  "Über.dot.name",
  " lead trail ",
  "x".repeat(BYTES_MAX),
  "é".repeat(31),
  "esc\u001b[31mred\u001b]0;title\u0007",
  "\u009b31mcsi",
  "a\u202egnp.exe",
  "line\u2028sep",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a name that a template would take
  "${x}`id`{{y}}",
];

const quoted = (name: string): string => {
  let fits = name;
  while (Buffer.byteLength(fits) > BYTES_MAX) fits = fits.slice(0, -1);
  return quoteIdentifier(fits);
};

/** Everything that a table has is called so; an existing index is a prefix of another one. */
function tableOf(name: string): { setup: string; work: readonly string[] } {
  const schema = quoted(`s ${name}`);
  const [table, column, text] = [quoted(name), quoted(name), quoted(`${name.slice(0, 20)}_t`)];
  return {
    setup: `create schema ${schema};
      create table ${schema}.${table} (pk int, ${column} int not null, ${text} text, filler text);
      insert into ${schema}.${table} select i, i, 'v' || i % 900, repeat('x', 60)
        from generate_series(1, 4000) i;
      create index ${quoted(`1 ${name}`)} on ${schema}.${table} (pk);
      create index ${quoted(`2 ${name}`)} on ${schema}.${table} (pk, filler);
      create sequence ${schema}.${quoted(`q ${name}`)} as int start 2147483000;
      create view ${schema}.${quoted(`v ${name}`)} as select ${text} from ${schema}.${table};`,
    work: [
      `select ${text} from ${schema}.${table} where ${column} = $1`,
      `select ${column} from ${schema}.${table} where lower(${text}) = $1 order by ${column} limit 1`,
    ],
  };
}

/** Nobody's search path may make the doctor run these. */
const SHADOWS = `
  create schema shadow;
  create table shadow.pg_class (oid oid, relname text, bait int);
  create table shadow.pg_stat_statements (query text, calls int);
  create function shadow.boom() returns int language plpgsql as
    $$ begin insert into public.victim values (1); return 1; end $$;
  create function shadow.lower(text) returns text language plpgsql as
    $$ begin insert into public.victim values (2); return $1; end $$;
  create function shadow.current_database() returns name language plpgsql as
    $$ begin insert into public.victim values (3); return 'x'; end $$;
  create function shadow.has_table_privilege(oid, text) returns bool language plpgsql as
    $$ begin insert into public.victim values (4); return true; end $$;
  create function shadow.eq(text, text) returns bool language plpgsql as
    $$ begin insert into public.victim values (5); return true; end $$;
  create operator shadow.= (leftarg = text, rightarg = text, function = shadow.eq);
  create function shadow.eq(name, name) returns bool language plpgsql as
    $$ begin insert into public.victim values (6); return true; end $$;
  create operator shadow.= (leftarg = name, rightarg = name, function = shadow.eq);`;

/** Control characters that a terminal obeys, and marks that turn the order of reading. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

interface ReportJson {
  readonly indexes: {
    readonly advice: readonly {
      readonly kind: string;
      readonly ddl: readonly string[];
      readonly rollback: readonly string[];
      readonly cleanup: readonly string[];
    }[];
  };
  readonly findings: readonly {
    readonly id: string;
    readonly subject: string;
    readonly fix: { readonly kind: string; readonly statements?: readonly string[] };
  }[];
  readonly coverage: readonly { part: string; share: number; missing: readonly string[] }[];
  readonly grants: readonly string[];
  readonly notes: readonly string[];
}

test("hostile names neither break out of a report nor of the SQL that is proposed", {
  timeout: 180_000,
}, async () => {
  await using database = await freshDatabase();
  await using place = await makePlace();
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  admin.on("error", () => undefined);
  await admin.query(`create extension pg_stat_statements; create table victim (n int); ${SHADOWS}`);
  const tables = NAMES.map(tableOf);
  for (const { setup } of tables) await admin.query(setup);
  await admin.query("analyze; select pg_stat_statements_reset()");
  for (const { work } of tables)
    for (const text of work) for (let i = 0; i < 2; i++) await admin.query(text, [7]);
  await admin.query(
    `alter database ${quoteIdentifier(database.name)} set search_path = shadow, pg_catalog, public`,
  );
  const [html, json] = [join(place.folder, "r.html"), join(place.folder, "r.json")];
  const ended = await place.run(["--html", html, "--json", json], { url: database.url });
  expect([ended.code, ended.err]).toEqual([0, expect.not.stringContaining("hasten-doctor:")]);
  const [page, text] = [await readFile(html, "utf8"), await readFile(json, "utf8")];

  for (const form of [ended.out, ended.err, page, text]) expect(OBEYED.exec(form)).toBe(null);
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page).not.toMatch(/<img|\bonerror=alert\(1\)>/);
  const report = JSON.parse(text) as ReportJson;
  expect(report.notes.filter((note) => note.startsWith("Not looked at"))).toEqual([]);
  // As a superuser nothing is planned that would call what stands in for PostgreSQL's own.
  expect(report.coverage.filter(({ part, share }) => part !== "plans" && share < 0.94)).toEqual([]);
  const creates = report.indexes.advice.filter(({ kind }) => kind === "create");
  expect(creates.length).toBeGreaterThanOrEqual(NAMES.length);
  const seen = report.findings.filter(({ id }) => id === "health/prefix-index");
  // A check tells at most so many of a kind.
  expect(seen.length).toBeGreaterThanOrEqual(20);

  // What is proposed runs as it stands, and only does what it says.
  await admin.query("set search_path = shadow, public");
  const fixes = report.findings
    .filter(({ id }) => id.startsWith("health/prefix"))
    .flatMap(({ fix }) => fix.statements ?? []);
  const all = report.indexes.advice.flatMap(({ ddl, rollback, cleanup }) => [
    ...ddl,
    ...cleanup,
    ...(ddl.some((it) => it.startsWith("drop")) ? rollback : []),
  ]);
  for (const statement of [...all, ...fixes])
    await admin.query(statement).catch((cause: unknown) => {
      throw new Error(statement, { cause });
    });
  expect((await admin.query("select n from public.victim")).rows).toEqual([]);
  await admin.end();
});

test("a hostile role and database: grants are quoted, nothing breaks out", async () => {
  await using database = await freshDatabase();
  await using place = await makePlace();
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  admin.on("error", () => undefined);
  const name = `e"vil\u001b[31m'; drop role postgres; -- ${database.name.slice(-8)}`;
  await admin.query(`create role ${quoted(name)} login password 'p'`);
  await admin.query("create table t (a int); create extension pg_stat_statements");
  try {
    const url = new URL(database.url);
    url.username = encodeURIComponent(name);
    url.password = "p";
    const text = await place.run([], { url: url.href });
    expect([text.code, OBEYED.exec(text.out), OBEYED.exec(text.err)]).toEqual([0, null, null]);
    expect(text.out).toContain("pg_monitor");
    const json = await place.run(["--json"], { url: url.href });
    const { grants } = JSON.parse(json.out) as ReportJson;
    expect(grants.length).toBeGreaterThan(0);
    for (const grant of grants) await admin.query(grant);
    const { rows } = await admin.query(
      "select pg_has_role(oid, 'pg_monitor', 'usage') as ok from pg_roles where rolname = $1",
      [name],
    );
    expect(rows).toEqual([{ ok: true }]);
  } finally {
    await admin.query(`drop role ${quoted(name)}`);
    await admin.end();
  }
});

test("a sequence that no column owns is judged as well", async () => {
  await using database = await freshDatabase();
  await using place = await makePlace();
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  admin.on("error", () => undefined);
  await admin.query(
    "create sequence hibernate_sequence as int start 2147483000; select nextval('hibernate_sequence')",
  );
  await admin.end();
  const ended = await place.run(["--only", "health", "--json"], { url: database.url });
  const report = JSON.parse(ended.out) as ReportJson;
  expect(report.findings.map(({ id, subject }) => `${id} ${subject}`)).toContain(
    "health/sequence-exhaustion public.hibernate_sequence",
  );
});
