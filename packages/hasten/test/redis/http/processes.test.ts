import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterEach, beforeEach, expect, test } from "vitest";

let redis: RedisServer;
const children: ChildProcess[] = [];

beforeEach(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
  await redis.stop();
});

async function host(): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(new URL("host.ts", import.meta.url), {
    env: { ...process.env, REDIS_URL: redis.url, NODE_ENV: "test" },
    execArgv: ["--conditions=hasten-source"],
  });
  children.push(child);
  const [port] = (await once(child, "message")) as [number];
  return { child, url: `http://127.0.0.1:${port}` };
}

test("two processes share answers and invalidations, and end when told to", async () => {
  const [a, b] = await Promise.all([host(), host()]);
  const by = async (url: string): Promise<number> =>
    ((await (await fetch(`${url}/r`)).json()) as { by: number }).by;
  const runs = async (url: string): Promise<unknown> => (await fetch(`${url}/runs`)).json();
  expect(await by(a.url)).toBe(a.child.pid);
  await expect.poll(async () => (await fetch(`${b.url}/r`)).headers.get("x-cache")).toBe("HIT");
  expect(await by(b.url)).toBe(a.child.pid);
  expect([await runs(a.url), await runs(b.url)]).toEqual([1, 0]);
  const outcome = await fetch(`${b.url}/invalidate`, { method: "POST" });
  expect(await outcome.json()).toEqual({ kind: "applied" });
  expect(await by(b.url)).toBe(b.child.pid);
  await expect.poll(() => by(a.url), { timeout: 600, interval: 5 }).toBe(b.child.pid);
  for (const { child } of [a, b]) {
    const ended = once(child, "exit");
    child.send("end");
    expect(await ended).toEqual([0, null]);
  }
});
