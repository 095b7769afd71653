import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freshDatabase } from "hasten-tools/vitest";
import pg from "pg";
import { expect, test } from "vitest";
import { CHECKS } from "../../src/health/checks/all.ts";
import { healthScript } from "../../src/health/script.ts";

const FILE = fileURLToPath(new URL("../../sql/health.sql", import.meta.url));
const run = promisify(execFile);

async function psqlIsThere(): Promise<boolean> {
  return await run("psql", ["--version"]).then(
    () => true,
    () => false,
  );
}

test("sql/health.sql is what the checks make (else run packages/doctor/sql/generate.ts)", () => {
  expect(readFileSync(FILE, "utf8")).toBe(healthScript());
});

test("sql/health.sql runs in psql and shows each section", { timeout: 60_000 }, async (context) => {
  if (!(await psqlIsThere())) return context.skip("psql is not on the PATH");
  await using database = await freshDatabase();
  const client = new pg.Client({ connectionString: database.url, application_name: "sleeper" });
  await client.connect();
  await client.query("create extension pg_stat_statements");
  await client.query(
    "create table t (a int, b int); create index one on t (a); create index two on t (a)",
  );
  await client.query("begin; select 'canary-4711'");
  const { stdout, stderr } = await run("psql", [
    "-X",
    "-v",
    "idleInTransactionWarningMs=0",
    "-f",
    FILE,
    database.url,
  ]);
  await client.end();
  expect(stderr).toBe("");
  for (const check of CHECKS) expect(stdout).toContain(`== ${check.looksAt}`);
  expect(stdout).toContain("drop index concurrently public.two;");
  expect(stdout).toContain("sleeper");
  expect(stdout).not.toContain("canary-4711");
});
