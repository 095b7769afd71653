import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { expect, test, vi } from "vitest";
import { freshDatabase } from "../vitest/database.ts";
import { ownerOf } from "./owner.ts";
import { isAlive, startTimeOf } from "./process-identity.ts";
import { startPostgres } from "./start.ts";

vi.setConfig({ testTimeout: 90_000 });

async function ask(url: string, statement: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: statement, rowMode: "array" })).rows[0]?.[0];
  } finally {
    await client.end();
  }
}

function scratch(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "hasten-test-"));
  // Passable for the user that root runs the server as, so that everything stays in here.
  chmodSync(path, 0o755);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs a program that starts a server, and gives what it printed first. */
async function starter(script: string, args: readonly string[]) {
  const source = `import { startPostgres } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};\n${script}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { child, told: JSON.parse(line) as { url: string; pid: number } };
}

async function until(condition: () => boolean, limitMs: number): Promise<boolean> {
  for (const endMs = Date.now() + limitMs; Date.now() < endMs; ) {
    if (condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return condition();
}

test("the run's server is PostgreSQL 18 in UTF-8 with a collation that no system library changes", async () => {
  await using database = await freshDatabase();
  expect(await ask(database.url, "show server_version_num")).toMatch(/^18/);
  expect(await ask(database.url, "show server_encoding")).toBe("UTF8");
  expect(
    await ask(
      database.url,
      "select datlocprovider::text || datlocale from pg_database where datname = current_database()",
    ),
  ).toBe("bC.UTF-8");
});

test("a wrong password is refused: the server trusts nobody on the machine", async () => {
  await using database = await freshDatabase();
  const url = new URL(database.url);
  url.password = "guess";
  await expect(ask(url.href, "select 1")).rejects.toThrow(/password authentication failed/);
});

test("kept data survives a restart, and a second start of the directory names the process that has it", async () => {
  using directory = scratch();
  const dataDir = join(directory.path, "data");
  {
    await using first = await startPostgres({ dataDir, database: "kept" });
    await ask(first.url, "create table t as select 7 as seven");
    await expect(startPostgres({ dataDir })).rejects.toThrow(
      new RegExp(`${dataDir} is in use by process ${process.pid}`),
    );
    expect(statSync(join(dataDir, "postgres-password")).mode & 0o777).toBe(0o600);
  }
  expect(ownerOf(dataDir)).toBeUndefined();
  await using second = await startPostgres({ dataDir, database: "kept" });
  expect(await ask(second.url, "select seven from t")).toBe(7);
});

test("a port that was asked for and is taken is named", async () => {
  await using first = await startPostgres();
  await expect(startPostgres({ port: first.port })).rejects.toThrow(
    `port ${first.port} on 127.0.0.1 is taken`,
  );
});

test("a starter that is killed takes its temporary server and files with it", async () => {
  const { child, told } = await starter(
    `const server = await startPostgres(); console.log(JSON.stringify({ url: server.url, pid: server.pid }));`,
    [],
  );
  const directory = await ask(told.url, "select current_setting('data_directory')");
  expect(existsSync(String(directory))).toBe(true);
  child.kill("SIGKILL");
  expect(await until(() => startTimeOf(told.pid) === undefined, 5_000)).toBe(true);
  expect(await until(() => !existsSync(String(directory)), 2_000)).toBe(true);
});

test("a server that even outlived its watcher is stopped by the next start, which says so", async () => {
  using directory = scratch();
  const dataDir = join(directory.path, "data");
  const { child, told } = await starter(
    `const server = await startPostgres({ dataDir: process.argv[1] });
     console.log(JSON.stringify({ url: server.url, pid: server.pid }));`,
    [dataDir],
  );
  // The younger one first: it stops the server when it sees the older one go.
  for (const pid of watchersOf(told.pid).reverse()) killIfThere(pid);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(startTimeOf(told.pid)).toBeDefined();
  const notices: string[] = [];
  await using next = await startPostgres({ dataDir, onNotice: (text) => notices.push(text) });
  expect(notices).toEqual([
    expect.stringMatching(
      new RegExp(
        `^stopped PostgreSQL process ${told.pid}, left behind by the run of process ${child.pid}`,
      ),
    ),
  ]);
  expect(next.pid).not.toBe(told.pid);
  expect(startTimeOf(told.pid)).toBeUndefined();
});

/** What a shell runs for a moment may have ended since it was listed. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The shells beside a server: they share its process group. */
function watchersOf(serverPid: number): number[] {
  const group = groupOf(serverPid);
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== serverPid && groupOf(pid) === group)
    .sort((a, b) => a - b);
}

function groupOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2];
  } catch {
    return undefined;
  }
}

test("a process is known by its pid and start time together", () => {
  const startTime = startTimeOf(process.pid);
  expect(startTime).toBeDefined();
  expect(isAlive({ pid: process.pid, startTime: startTime ?? "" })).toBe(true);
  expect(isAlive({ pid: process.pid, startTime: "1" })).toBe(false);
});
