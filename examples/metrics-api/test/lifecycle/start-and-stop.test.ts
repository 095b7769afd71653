import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { startTimeOf } from "hasten-tools/postgres";
import pg from "pg";
import { afterEach, expect, test, vi } from "vitest";
import { dataDirectory, killStarted, startApi, until } from "./api-process.ts";
import { processesNaming } from "./processes-of.ts";

vi.setConfig({ testTimeout: 90_000 });
afterEach(killStarted);

const BOUND_MS = 500;

const urlOf = (dataDir: string): string =>
  readFileSync(join(dataDir, "postgres-url"), "utf8").trim();

function serversOf(dataDir: string): readonly number[] {
  return processesNaming(`-p ${new URL(urlOf(dataDir)).port} `).filter(
    (pid) => startTimeOf(pid) !== undefined,
  );
}

test("one command seeds, answers, prints a line that works, and Ctrl-C ends it all within 5 seconds", async () => {
  using data = dataDirectory();
  const api = startApi({ DATA_DIR: data.path }, ["--no-traffic"]);
  const base = await api.ready();
  const servers = serversOf(data.path);
  expect(servers.length).toBeGreaterThan(0);
  expect(api.output()).toMatch(/demo rows made: 2,550/);
  expect(api.output()).toContain("local: embedded PostgreSQL 18");
  expect(api.output()).toMatch(/freshness {4}change stream: .*by anyone's within 500 ms/);
  const token = api.output().match(/Bearer (\S+)'/)?.[1];
  const answer = await fetch(`${base}/api/v1/metrics?limit=3`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(answer.status).toBe(200);
  expect(((await answer.json()) as { data: unknown[] }).data).toHaveLength(3);
  const login = await fetch(`${base}/api/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: "admin@example.com", password: "hasten-demo" }),
  });
  expect(login.status).toBe(200);
  expect(statSync(join(data.path, "secrets.json")).mode & 0o777).toBe(0o600);

  const { code, tookMs } = await api.end("SIGINT");
  expect(code).toBe(0);
  expect(tookMs).toBeLessThan(5_000);
  expect(servers.filter((pid) => startTimeOf(pid) !== undefined)).toEqual([]);
  expect(existsSync(join(data.path, "owner.json"))).toBe(false);
  await expect(fetch(`${base}/healthz`)).rejects.toThrow();

  const again = startApi({ DATA_DIR: data.path });
  await again.ready();
  expect(again.output()).not.toContain("demo rows made");
  expect((await again.end("SIGTERM")).code).toBe(0);
});

test("after kill -9 nothing is left running, and the next start says what it found", async () => {
  using data = dataDirectory();
  const killed = startApi({ DATA_DIR: data.path, SEED_ROWS: "10" });
  await killed.ready();
  const servers = serversOf(data.path);
  await killed.end("SIGKILL");
  expect(await until(() => servers.every((pid) => startTimeOf(pid) === undefined))).toBe(true);
  const next = startApi({ DATA_DIR: data.path, SEED_ROWS: "10" });
  await next.printed(new RegExp(`(process ${killed.child.pid})`));
  expect(next.output()).toMatch(/was killed before it could clean up|left behind by/);
  await next.ready();
  await next.end("SIGINT");
});

test("a second start in the same directory names the directory and the process that has it", async () => {
  using data = dataDirectory();
  const first = startApi({ DATA_DIR: data.path, SEED_ROWS: "10" });
  await first.ready();
  const second = startApi({ DATA_DIR: data.path, SEED_ROWS: "10" });
  await second.printed(new RegExp(`${data.path} is in use by process ${first.child.pid}`));
  expect(await until(() => second.child.exitCode === 1)).toBe(true);
  await first.end("SIGINT");
});

test("a port in use is named before a database is started", async () => {
  using data = dataDirectory();
  const other = createServer().listen(0, "127.0.0.1");
  await until(() => other.listening);
  const { port } = other.address() as AddressInfo;
  const api = startApi({ DATA_DIR: data.path, PORT: String(port) });
  await api.printed(new RegExp(`Port ${port} on 127.0.0.1 is taken`));
  expect(await until(() => api.child.exitCode === 1)).toBe(true);
  expect(readdirSync(data.path)).toEqual([]);
  other.close();
});

test("when the embedded server is killed, cached answers go on, marked, and afterwards writes by anyone are seen again", async () => {
  using data = dataDirectory();
  const api = startApi({ DATA_DIR: data.path });
  const base = await api.ready();
  const servers = serversOf(data.path);
  const page = `${base}/api/v1/public/metrics?limit=2`;
  expect((await fetch(page)).status).toBe(200);
  const served = async () => (await fetch(page)).headers.get("x-cache");
  expect(await until(async () => (await served()) === "HIT")).toBe(true);
  for (const pid of servers) process.kill(pid, "SIGKILL");
  expect(await until(async () => (await served()) === "STALE")).toBe(true);
  await api.printed(/PostgreSQL runs again/);
  const isLive = async (): Promise<boolean> => {
    const answer = await fetch(`${base}/readyz`);
    const { coherence } = (await answer.json()) as { coherence: { state: string } };
    return answer.status === 200 && coherence.state === "live";
  };
  expect(await until(isLive, 20_000)).toBe(true);
  expect(await until(async () => (await served()) === "HIT")).toBe(true);
  const client = new pg.Client({ connectionString: urlOf(data.path) });
  await client.connect();
  await client.query('update metrics set document = document || \'{"owner":"after the restart"}\'');
  const startedMs = performance.now();
  const isSeen = async () => (await (await fetch(page)).text()).includes("after the restart");
  expect(await until(isSeen)).toBe(true);
  expect(performance.now() - startedMs).toBeLessThan(2 * BOUND_MS);
  await client.end();
  expect((await api.end("SIGINT")).code).toBe(0);
});

test("a start that is stopped while it seeds goes on where it was", async () => {
  using data = dataDirectory();
  const first = startApi({ DATA_DIR: data.path, SEED_ROWS: "60000" });
  await first.printed(/metrics [\d,]+ of 60,000/);
  const { tookMs } = await first.end("SIGINT");
  expect(tookMs).toBeLessThan(5_000);
  const next = startApi({ DATA_DIR: data.path, SEED_ROWS: "30000" });
  await next.ready();
  const made = Number(
    next
      .output()
      .match(/demo rows made: ([\d,]+)/)?.[1]
      ?.replaceAll(",", "") ?? 0,
  );
  expect(made).toBeLessThan(30_000);
  await next.end("SIGINT");
});
