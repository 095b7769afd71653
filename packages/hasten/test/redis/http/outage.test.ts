// What two hosts do without the Redis that they share.
import { cached } from "hasten/express";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startApp, type TestApp } from "../../http/app.ts";

let redis: RedisServer;
const hosts: TestApp[] = [];
const runs: string[] = [];
const data: { version: number } = { version: 1 };

beforeEach(async () => {
  redis = await startRedis();
  data.version = 1;
});
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host[Symbol.asyncDispose]()));
  runs.length = 0;
  await redis.stop();
});

async function host(name: string, url = redis.url): Promise<TestApp> {
  const it = await startApp(
    (app, responses) => {
      app.get("/r{/:id}", cached(responses, { shared: true, tags: ["t"] }), (_req, res) => {
        runs.push(name);
        res.json({ version: data.version, by: name });
      });
    },
    { redis: { source: url, timeoutMs: 100, retryDelayMaxMs: 100 } },
  );
  hosts.push(it);
  return it;
}

async function two(): Promise<[TestApp, TestApp]> {
  const pair: [TestApp, TestApp] = [await host("a"), await host("b")];
  for (const { cache } of pair) expect(await cache.shared?.ready(2_000)).toBe(true);
  return pair;
}

const versionOf = async (it: TestApp, path = "/r"): Promise<number> => {
  const { status, text } = await it.get(path);
  expect(status).toBe(200);
  return (JSON.parse(text) as { version: number }).version;
};

test("killed: both go on, and nothing that was invalidated meanwhile comes back with it", async () => {
  const [a, b] = await two();
  await versionOf(a);
  await expect.poll(() => versionOf(b)).toBe(1);
  await redis.kill();
  for (const it of [a, b]) for (let n = 0; n < 5; n++) await versionOf(it, `/r/${n}`);
  data.version = 2;
  await a.cache.delete({ tags: ["t"] });
  expect(await versionOf(a)).toBe(2);
  // Beyond the bound nobody relies on what Redis cannot confirm.
  await expect.poll(() => versionOf(b), { timeout: 2_000, interval: 50 }).toBe(2);
  data.version = 3;
  await b.cache.delete({ tags: ["t"] });
  await redis.restart();
  await expect.poll(() => a.cache.shared?.usable, { timeout: 5_000 }).toBe(true);
  await expect.poll(() => b.cache.shared?.usable, { timeout: 5_000 }).toBe(true);
  await expect.poll(() => versionOf(a), { timeout: 1_000 }).toBe(3);
  expect(await versionOf(b)).toBe(3);
  runs.length = 0;
  await versionOf(a, "/r/again");
  await expect.poll(async () => (await b.get("/r/again")).headers["x-cache"]).toBe("HIT");
});

test("hanging: a request waits for one time-out at most", async () => {
  const [a, b] = await two();
  await versionOf(a);
  redis.pause();
  try {
    const startedMs = performance.now();
    await Promise.all([versionOf(a, "/r/1"), versionOf(b, "/r/1"), versionOf(b, "/r/2")]);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    const suspectMs = performance.now();
    await Promise.all([versionOf(a, "/r/3"), versionOf(b, "/r/4")]);
    expect(performance.now() - suspectMs).toBeLessThan(500);
  } finally {
    redis.resume();
  }
  await expect.poll(() => b.cache.shared?.usable, { timeout: 5_000 }).toBe(true);
  expect(await versionOf(b, "/r/5")).toBe(1);
});

test("never there: the host answers as one that is alone", async () => {
  const it = await host("alone", "redis://127.0.0.1:1");
  expect(await versionOf(it)).toBe(1);
  expect((await it.get("/r")).status).toBe(200);
  expect(it.cache.shared?.status().state).not.toBe("ready");
});

test("flushed: both go on", async () => {
  const [a, b] = await two();
  await versionOf(a);
  await redis.command("FLUSHALL");
  data.version = 2;
  await b.cache.delete({ tags: ["t"] });
  await expect.poll(() => versionOf(a), { timeout: 2_000 }).toBe(2);
  expect(await versionOf(b)).toBe(2);
});
