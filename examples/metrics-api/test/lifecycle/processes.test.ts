import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startTimeOf } from "hasten-tools/postgres";
import pg from "pg";
import { afterEach, expect, test, vi } from "vitest";
import { dataDirectory, killStarted, startApi, until } from "./api-process.ts";

vi.setConfig({ testTimeout: 90_000 });
afterEach(killStarted);

/** Children of a process (Linux). */
function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, "utf8");

function workersOf(pid: number): readonly number[] {
  return childrenOf(pid).filter((child) => commandOf(child).includes("main.ts"));
}

const urlOf = (dataDir: string): string =>
  readFileSync(join(dataDir, "postgres-url"), "utf8").trim();

async function token(base: string, role: string): Promise<Record<string, string>> {
  const answer = await fetch(`${base}/api/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: `${role}@example.com`, password: "hasten-demo" }),
  });
  const { token: text } = (await answer.json()) as { token: string };
  return {
    authorization: `Bearer ${text}`,
    "content-type": "application/json",
    connection: "close",
  };
}

const BOUND_MS = 500;
/** What a request under way when the bound ends may take on a busy machine. */
const SLACK_MS = 250;

/** Names that a document is answered with, by whichever process takes the connection. */
async function namesOf(url: string, headers: Record<string, string>): Promise<readonly string[]> {
  const answers = await Promise.all(Array.from({ length: 12 }, () => fetch(url, { headers })));
  const bodies = await Promise.all(answers.map((it) => it.json() as Promise<{ name: string }>));
  return bodies.map((it) => it.name);
}

/** Asks on until nobody answers anything else, and says how long that took. */
async function allSay(url: string, headers: Record<string, string>, name: string): Promise<number> {
  const startedMs = performance.now();
  for (let lastOldMs = 0; ; ) {
    const askedMs = performance.now() - startedMs;
    if ((await namesOf(url, headers)).some((it) => it !== name)) lastOldMs = askedMs;
    if (askedMs - lastOldMs > BOUND_MS) return lastOldMs;
  }
}

test("two processes share a port and a server, see everyone's writes within the bound, are replaced when killed, and all end together", async () => {
  using data = dataDirectory();
  const api = startApi({ DATA_DIR: data.path }, ["--processes", "2"]);
  const base = await api.ready();
  expect(api.output()).toMatch(/freshness {4}change stream: .* within 500 ms/);
  const pid = api.child.pid!;
  const [first, second] = workersOf(pid);
  expect(workersOf(pid)).toHaveLength(2);
  const server = childrenOf(pid).find((child) => commandOf(child).includes("postgres"))!;

  const headers = await token(base, "admin");
  const refusal = await fetch(`${base}/api/v1/admin/storage`, {
    method: "POST",
    headers,
    body: '{"mode":"postgres"}',
  });
  expect(refusal.status).toBe(409);

  const list = (await (await fetch(`${base}/api/v1/metrics?limit=1`, { headers })).json()) as {
    data: { id: string }[];
  };
  const one = `${base}/api/v1/metrics/${list.data[0]!.id}`;
  await namesOf(one, headers);
  const patch = await fetch(one, {
    method: "PATCH",
    headers: { ...headers, "content-type": "application/merge-patch+json" },
    body: JSON.stringify({ name: "Renamed in one process" }),
  });
  expect(patch.status).toBe(200);
  expect(await allSay(one, headers, "Renamed in one process")).toBeLessThan(BOUND_MS + SLACK_MS);

  const client = new pg.Client({ connectionString: urlOf(data.path) });
  await client.connect();
  const rename = (name: string) =>
    client.query(
      "update metrics set document = document || jsonb_build_object('name', $1::text) where id = $2",
      [name, list.data[0]!.id],
    );
  await rename("Renamed by somebody else");
  expect(await allSay(one, headers, "Renamed by somebody else")).toBeLessThan(BOUND_MS + SLACK_MS);
  const slots = async (): Promise<number> =>
    (await client.query("select 1 from pg_replication_slots")).rows.length;
  expect(await slots()).toBe(2);

  process.kill(first!, "SIGKILL");
  await api.printed(/has taken over/);
  expect(workersOf(pid)).toHaveLength(2);
  expect(workersOf(pid)).toContain(second);
  expect(await until(async () => (await slots()) === 2)).toBe(true);
  await rename("Renamed after the kill");
  expect(await allSay(one, headers, "Renamed after the kill")).toBeLessThan(BOUND_MS + SLACK_MS);
  await client.end();

  const all = [...workersOf(pid), server];
  const { code, tookMs } = await api.end("SIGINT");
  expect(code).toBe(0);
  expect(tookMs).toBeLessThan(5_000);
  expect(all.filter((it) => startTimeOf(it) !== undefined)).toEqual([]);
});

test("a worker that was stopped for longer than the bound does not answer from before", async () => {
  using data = dataDirectory();
  const api = startApi({ DATA_DIR: data.path, SEED_ROWS: "10" }, ["--processes", "2"]);
  const base = await api.ready();
  const headers = await token(base, "admin");
  const client = new pg.Client({ connectionString: urlOf(data.path) });
  await client.connect();
  const { rows } = await client.query<{ id: string }>("select id from metrics limit 1");
  const one = `${base}/api/v1/metrics/${rows[0]!.id}`;
  await namesOf(one, headers);
  const [first] = workersOf(api.child.pid!);
  process.kill(first!, "SIGSTOP");
  await client.query('update metrics set document = document || \'{"name":"Meanwhile"}\'');
  await new Promise((resolve) => setTimeout(resolve, 2 * BOUND_MS));
  // Asked before it goes on: these are the first that it answers.
  const waiting = namesOf(one, headers);
  process.kill(first!, "SIGCONT");
  expect(new Set(await waiting)).toEqual(new Set(["Meanwhile"]));
  await client.end();
  expect((await api.end("SIGINT")).code).toBe(0);
});

test("workers and server end by themselves when the parent is killed", async () => {
  using data = dataDirectory();
  const api = startApi({ DATA_DIR: data.path, SEED_ROWS: "10" }, ["--processes", "2"]);
  await api.ready();
  const pid = api.child.pid!;
  const all = childrenOf(pid);
  expect(all.length).toBe(3);
  await api.end("SIGKILL");
  expect(await until(() => all.every((it) => startTimeOf(it) === undefined))).toBe(true);
});
