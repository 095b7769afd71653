/** The runner in a process of its own: its exit code, and what is left when it is killed. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freshDatabase, type TestDatabase } from "hasten-tools/vitest";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDatabase, type Database, migrate, sql } from "../index.ts";

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
const there = async (name: string): Promise<boolean> =>
  (await db.queryOne<{ t: boolean }>(sql`select to_regclass(${name}) is not null as t`))!.t;

test("a process killed between two lines is finished by the next run, in transactions and in marked files", async () => {
  await put(
    "1-a.sql",
    "create table a (n int);\r\nselect pg_sleep(0.7);\r\ncreate table b (n int);",
  );
  await put(
    "2-c.sql",
    "-- hasten: no-transaction\r\ncreate table c (n int);\r\nselect pg_sleep(0.7);\r\ncreate table d (n int);",
  );
  for (const [before, missing] of [
    ["a", "b"],
    ["c", "d"],
  ] as const) {
    const child = runner();
    const sleeping = sql`select from pg_stat_activity
      where application_name = 'hasten-migrate' and state = 'active' and query like 'select pg_sleep%'
      and (${before} = 'a' or to_regclass('c') is not null)`;
    await expect.poll(async () => (await db.query(sleeping)).length, { timeout: 10_000 }).toBe(1);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    expect(await there(missing)).toBe(false);
  }
  expect((await run()).version).toBe(2);
  for (const table of ["a", "b", "c", "d"]) expect(await there(table)).toBe(true);
});

test("a process whose migration fails exits non-zero and leaves nothing open", async () => {
  await put("1-a.sql", "create table;");
  const child = runner();
  expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(1);
});

/** The command in a process of its own. */
function runner() {
  const script = `
    import { migrateCommand } from "hasten/postgres";
    process.exitCode = await migrateCommand({
      url: ${JSON.stringify(target.url)}, directory: ${JSON.stringify(directory)}, write: () => undefined });`;
  return spawn(
    process.execPath,
    ["--conditions=hasten-source", "--input-type=module", "-e", script],
    {
      stdio: ["ignore", "ignore", "inherit"],
      cwd: import.meta.dirname,
    },
  );
}
