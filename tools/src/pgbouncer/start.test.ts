import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import pg from "pg";
import { expect, inject, test } from "vitest";
import { startPgBouncer } from "./index.ts";

const folders = (): readonly string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith("hasten-pgbouncer-"));

const isRunning = (pid: number): boolean => existsSync(`/proc/${pid}`);

async function ask(url: string, text: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

test("a PgBouncer in transaction mode, by SCRAM on both sides; nothing of it stays", async () => {
  const before = folders();
  const bouncer = await startPgBouncer({ to: inject("postgresUrl"), poolSize: 3 });
  const { pid } = bouncer;
  try {
    expect(await ask(bouncer.url, "select 1 as one")).toEqual([{ one: 1 }]);
    const config = await bouncer.admin("SHOW CONFIG");
    const of = (key: string) => config.find((row) => row["key"] === key)?.["value"];
    expect([of("pool_mode"), of("default_pool_size"), of("auth_type")]).toEqual([
      "transaction",
      "3",
      "scram-sha-256",
    ]);
    const wrong = new URL(bouncer.url);
    wrong.password = "wrong";
    await expect(ask(wrong.href, "select 1")).rejects.toThrow();
  } finally {
    await bouncer.stop();
  }
  expect(isRunning(pid)).toBe(false);
  expect(folders()).toEqual(before);
});

test("it does not outlive a process that is killed", async () => {
  const before = folders();
  const script = `
    import { startPgBouncer } from "hasten-tools/pgbouncer";
    const bouncer = await startPgBouncer({ to: process.env.TO });
    console.log(bouncer.pid);
    process.kill(process.pid, "SIGKILL");`;
  const env = { ...process.env, TO: inject("postgresUrl") };
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env });
  const { stdout } = await run.catch((killed: { stdout: string }) => killed);
  const pid = Number(stdout.trim());
  expect(pid).toBeGreaterThan(0);
  await expect.poll(() => isRunning(pid), { timeout: 5_000 }).toBe(false);
  await expect.poll(folders, { timeout: 5_000 }).toEqual(before);
});
