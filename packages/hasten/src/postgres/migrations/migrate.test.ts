import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterEach, beforeEach, expect, test } from "vitest";
import { faultyProxy } from "../../testing/index.ts";
import {
  createDatabase,
  type Database,
  type MigrationEvent,
  migrate,
  migrateCommand,
  sql,
} from "../index.ts";
import { concurrentIndex } from "./apply.ts";

let target: TestDatabase;
let db: Database;
let directory: string;
beforeEach(async () => {
  target = await freshDatabase();
  directory = await mkdtemp(join(tmpdir(), "hasten-migrations-"));
  db = createDatabase({ url: target.url, pool: { min: 0, max: 2 } });
});
afterEach(async () => {
  await db.drain();
  await target.drop();
  await rm(directory, { recursive: true });
});

const put = (name: string, text: string): Promise<void> => writeFile(join(directory, name), text);
const run = () => migrate({ url: target.url, directory });
const failure = (
  promise: Promise<unknown>,
): Promise<Error & { code?: string; sqlstate?: string }> =>
  promise.then(
    () => expect.fail("it did not fail"),
    (error: Error) => error,
  );
const there = async (name: string): Promise<boolean> =>
  (await db.queryOne<{ t: boolean }>(sql`select to_regclass(${name}) is not null as t`))!.t;
const rows = async (table: string): Promise<number> =>
  (await db.query<unknown>({ text: `select from ${table}` })).length;

test("files are applied in order, once, with progress", async () => {
  await put("0002-second.sql", "insert into a values (2); insert into a values (3);");
  await put("0001_first.sql", "create table a (n int);");
  await put("README.md", "not a migration");
  const events: MigrationEvent[] = [];
  const result = await migrate({
    url: target.url,
    directory,
    onProgress: (event) => void events.push(event),
  });
  expect(result.applied.map((one) => one.name)).toEqual(["0001_first.sql", "0002-second.sql"]);
  expect(result.version).toBe(2);
  expect(
    events.map((e) => (e.kind === "applying" ? `${e.name} ${e.statement}/${e.of}` : e.kind)),
  ).toEqual([
    "0001_first.sql 1/1",
    "applied",
    "0002-second.sql 1/2",
    "0002-second.sql 2/2",
    "applied",
  ]);
  expect(await run()).toEqual({ applied: [], version: 2 });
  expect(await rows("a")).toBe(2);
});

test("a failing file is rolled back as a whole, named with its line, and can be corrected", async () => {
  await put("1-a.sql", "create table a (n int);");
  await put("2-b.sql", "insert into a values (1);\n\ninsert into nowhere values (1);");
  const error = await failure(run());
  expect(error).toMatchObject({ code: "HST_PG_MIGRATION", sqlstate: "42P01" });
  expect(error.message).toMatch(/2-b\.sql line 3 failed: relation "nowhere" does not exist/);
  expect(await rows("a")).toBe(0);
  await put("2-b.sql", "insert into a values (1);");
  expect((await run()).applied).toHaveLength(1);
  expect(await rows("a")).toBe(1);
});

test("changed, missing, early, duplicate, gap and unnumbered files are refused before anything runs", async () => {
  await put("1-a.sql", "create table a (n int);");
  await put("2-b.sql", "create table b (n int);");
  await run();
  await put("1-a.sql", "create table a (n int8);");
  expect((await failure(run())).message).toContain("1-a.sql was changed");
  await put("1-a.sql", "create table a (n int);\r\n".replace("\r\n", ""));
  await rm(join(directory, "2-b.sql"));
  expect((await failure(run())).message).toContain(
    "migration 2 (2-b.sql), which is not in the directory",
  );
  await put("2-b.sql", "create table b (n int);");
  await put("4-d.sql", "create table d (n int);");
  expect((await failure(run())).message).toContain("Number 3 is missing");
  await rm(join(directory, "4-d.sql"));
  await put("02-c.sql", "select 1;");
  expect((await failure(run())).message).toContain("same number");
  await rm(join(directory, "02-c.sql"));
  await put("notes.sql", "select 1;");
  expect((await failure(run())).message).toContain("no number");
});

test("line ends do not change a checksum", async () => {
  await put("1-a.sql", "create table a (n int);\n-- end\n");
  await run();
  await put("1-a.sql", "create table a (n int);\r\n-- end\r\n");
  expect((await run()).applied).toEqual([]);
});

test("CONCURRENTLY, VACUUM and transaction commands are refused where they cannot work", async () => {
  const bad: [string, RegExp][] = [
    ["create index concurrently x on a (n);", /cannot run in a transaction/],
    ["select 1;\nvacuum a;", /line 2: this statement cannot run/],
    ["begin; create table x (n int); commit;", /line 1: BEGIN is the runner's/],
    ["-- hasten: no-transaction\nselect 1; rollback;", /ROLLBACK is the runner's/],
    ["-- hasten: no-transactions\nselect 1;", /unknown mark/],
    ["-- nothing", /holds no statement/],
    ["select 'open;", /line 1: a quote or comment is not closed/],
  ];
  for (const [text, message] of bad) {
    await put("1-a.sql", text);
    const error = await failure(run());
    expect([error.code, error.message]).toEqual([
      "HST_PG_MIGRATION",
      expect.stringMatching(message),
    ]);
  }
  await put("1-a.sql", "create table t (concurrently_made text default 'concurrently; commit');");
  expect((await run()).applied).toHaveLength(1);
});

test("a marked file runs without a transaction and goes on where it was interrupted", async () => {
  await put("1-a.sql", "create table a (n int); insert into a values (1), (1);");
  await put(
    "2-b.sql",
    "-- hasten: no-transaction\ninsert into a values (7);\ncreate unique index concurrently if not exists a_n on a (n);\nvacuum a;",
  );
  const error = await failure(run());
  expect(error.message).toMatch(/2-b\.sql line 3 failed: .*The statements before it are done/);
  await db.execute(sql`delete from a where n = 1`);
  expect((await run()).applied.map((one) => one.name)).toEqual(["2-b.sql"]);
  // The insert was not repeated, and IF NOT EXISTS did not keep the INVALID index.
  expect(await rows("a")).toBe(1);
  expect(
    await db.queryOne(sql`select indisvalid as v from pg_index where indexrelid = 'a_n'::regclass`),
  ).toEqual({ v: true });
});

test("settings and roles of one file do not reach the next, nor the record", async () => {
  const role = `migrated_${target.name}`;
  await db.execute({ text: `create role ${role}` });
  await db.execute({ text: `grant create on schema public to ${role}` });
  await put("1-a.sql", "select set_config('search_path', '', false); create table public.a ();");
  await put(
    "2-b.sql",
    "create schema s; set search_path = s; set lock_timeout = 1; create table b ();",
  );
  await put("3-c.sql", `set role ${role}; create table public.c ();`);
  await put(
    "4-d.sql",
    "create table d as select current_user::text, current_setting('lock_timeout') as l",
  );
  expect((await run()).version).toBe(4);
  expect(await there("s.b")).toBe(true);
  expect(await db.query(sql`select l, current_user <> "current_user" as other from d`)).toEqual([
    { l: "0", other: false },
  ]);
  expect((await run()).applied).toEqual([]);
  await db.execute({ text: `drop owned by ${role}` });
  await db.execute({ text: `drop role ${role}` });
});

test("an unusable index is replaced also outside of the search path", async () => {
  await db.execute(sql`create schema audit`);
  await db.execute(sql`create table audit.log as select 1 as n from generate_series(1, 2)`);
  const build = "create unique index concurrently if not exists log_n on audit.log (n)";
  await db.execute({ text: build }).catch(() => undefined);
  await db.execute(sql`delete from audit.log where ctid = (select min(ctid) from audit.log)`);
  await put("1-a.sql", `-- hasten: no-transaction\n${build};`);
  await run();
  expect(
    await db.query(sql`select indisvalid from pg_index where indexrelid = 'audit.log_n'::regclass`),
  ).toEqual([{ indisvalid: true }]);
});

test("a file that is not UTF-8 is refused", async () => {
  const latin1 = Buffer.from("create table a (n text default '\xe4');", "latin1");
  await writeFile(join(directory, "1-a.sql"), latin1);
  expect((await failure(run())).message).toMatch(/1-a\.sql is not UTF-8/);
});

test("what is left of an interrupted marked file may be corrected, what is done may not", async () => {
  await put("1-a.sql", "-- hasten: no-transaction\ncreate table a (n int);\ncreate table oops;");
  await failure(run());
  await put("1-a.sql", "-- hasten: no-transaction\ncreate table b (n int);\nselect 1;");
  expect((await failure(run())).message).toContain("has been changed since");
  await put("1-a.sql", "-- hasten: no-transaction\ncreate table a (n int);\nselect 1;");
  expect((await run()).applied).toHaveLength(1);
});

test("several runners at once apply each file once, also with CONCURRENTLY", async () => {
  await put("1-a.sql", "create table a (n int); insert into a values (1); select pg_sleep(0.2);");
  await put("2-b.sql", "-- hasten: no-transaction\ncreate index concurrently a_n on a (n);");
  const results = await Promise.all(Array.from({ length: 5 }, run));
  expect(results.map((result) => result.applied.length).sort()).toEqual([0, 0, 0, 0, 2]);
  expect(await rows("a")).toBe(1);
});

test("waiting for another runner is bounded", async () => {
  await put("1-a.sql", "select pg_sleep(1);");
  const first = run();
  await expect.poll(() => there("hasten_migrations")).toBe(true);
  const error = await failure(migrate({ url: target.url, directory, waitMs: 100 }));
  expect(error.code).toBe("HST_PG_TIMEOUT");
  await first;
});

test("a COMMIT whose answer is lost is not repeated; the next run sees what happened", async () => {
  const proxy = await faultyProxy({ port: Number(new URL(target.url).port) });
  const url = new URL(target.url);
  url.port = String(proxy.port);
  await put("1-a.sql", "create table a (n int); insert into a values (1);");
  void proxy.cut({ when: "request", holding: "commit", swallowAnswer: true });
  expect((await failure(migrate({ url: url.href, directory }))).code).toBe(
    "HST_PG_OUTCOME_UNKNOWN",
  );
  expect(await run()).toEqual({ applied: [], version: 1 });
  expect(await rows("a")).toBe(1);
  await proxy.close();
});

test("the command writes what it does and gives the exit code", async () => {
  const lines: string[] = [];
  const command = () =>
    migrateCommand({ url: target.url, directory, write: (line) => void lines.push(line) });
  await put("1-a.sql", "create table a (n int);");
  expect(await command()).toBe(0);
  expect(await command()).toBe(0);
  await put("2-b.sql", "create table;");
  expect(await command()).toBe(1);
  expect(lines).toEqual([
    expect.stringMatching(/^applied 1-a\.sql \(\d+ ms\)$/),
    "migrated to 1",
    "up to date at 1",
    expect.stringMatching(/^failed: 2-b\.sql line 1 failed: syntax error/),
  ]);
});

test("the name and the table of a concurrently built index are found in its statement", () => {
  const name = (text: string) => concurrentIndex(text.split(" "))?.name;
  expect(concurrentIndex("create index concurrently i on only s t n".split(" "))?.on).toEqual([
    "s",
    "t",
  ]);
  expect(name("create index concurrently a_b on t")).toBe("a_b");
  expect(name("create unique index concurrently if not exists a_b on t")).toBe("a_b");
  expect(name('create index concurrently "A""b" on t')).toBe('A"b');
  expect(name("create index concurrently on t")).toBeUndefined();
  expect(name("create index a_b on t")).toBeUndefined();
});
