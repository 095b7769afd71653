import { readFileSync } from "node:fs";
import { startTimeOf } from "hasten-tools/postgres";
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

test("two processes share a port and a server, see each other's writes, are replaced when killed, and all end together", async () => {
  using data = dataDirectory();
  const api = startApi({ DATA_DIR: data.path }, ["--processes", "2"]);
  const base = await api.ready();
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
  const names = async (): Promise<Set<string>> => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => fetch(one, { headers })));
    const bodies = await Promise.all(answers.map((it) => it.json() as Promise<{ name: string }>));
    return new Set(bodies.map((it) => it.name));
  };
  await names();
  const patch = await fetch(one, {
    method: "PATCH",
    headers: { ...headers, "content-type": "application/merge-patch+json" },
    body: JSON.stringify({ name: "Renamed in one process" }),
  });
  expect(patch.status).toBe(200);
  // Whichever process answers: all had dropped the old document before the write was acknowledged.
  expect([...(await names())]).toEqual(["Renamed in one process"]);

  process.kill(first!, "SIGKILL");
  await api.printed(/has taken over/);
  expect(workersOf(pid)).toHaveLength(2);
  expect(workersOf(pid)).toContain(second);
  expect((await fetch(one, { headers })).status).toBe(200);

  const all = [...workersOf(pid), server];
  const { code, tookMs } = await api.end("SIGINT");
  expect(code).toBe(0);
  expect(tookMs).toBeLessThan(5_000);
  expect(all.filter((it) => startTimeOf(it) !== undefined)).toEqual([]);
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
