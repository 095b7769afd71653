import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { SharedTier } from "../../../src/cache/shared/port.ts";
import { opened } from "./tiers.ts";
import { deleted, fill, seen, value } from "./values.ts";

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));

let redis: RedisServer;
let child: ChildProcess | undefined;
let tier: SharedTier | undefined;

beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await tier?.close();
  if (child?.exitCode === null) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  child = undefined;
  await redis.command("FLUSHALL");
});
afterAll(async () => {
  await redis.stop();
});

interface Child {
  ask(ask: string, key?: string): Promise<unknown>;
  readonly told: unknown[];
  readonly process: ChildProcess;
}

async function start(...more: readonly string[]): Promise<Child> {
  const args = ["--conditions=hasten-source", CHILD, redis.url, ...more];
  const running = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  child = running;
  const told: unknown[] = [];
  const waiting: ((result: unknown) => void)[] = [];
  const ready = Promise.withResolvers<void>();
  running.on("message", (message: { ready?: true; told?: unknown; result?: unknown }) => {
    if (message.ready === true) ready.resolve();
    else if (message.told !== undefined) told.push(message.told);
    else waiting.shift()?.(message.result);
  });
  await ready.promise;
  told.length = 0;
  const ask = (what: string, key?: string): Promise<unknown> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      running.send({ ask: what, key });
    });
  return { ask, told, process: running };
}

const soon = { timeout: 1_000, interval: 2 };

test("two processes share what they fill, and tell each other what they delete", async () => {
  const here = await opened(redis);
  tier = here.tier;
  const there = await start();
  expect(await there.ask("fill", "k")).toBe("stored");
  expect(seen(await tier.read("k", []))).toBe("from the child");
  await tier.log.publish(deleted({ keys: ["k"] }));
  await expect.poll(() => there.told, soon).toEqual([{ how: "deleted", keys: ["k"] }]);
  expect(await there.ask("read", "k")).toBe("absent");
  expect(await there.ask("delete", "z")).toBe("applied");
  await expect.poll(() => here.told, soon).toEqual([deleted({ keys: ["z"] })]);
  expect(await there.ask("close")).toBe("closed");
  const [code] = await once(there.process, "exit");
  expect(code).toBe(0);
});

test("a process that was stopped does not trust what it has until it has caught up", async () => {
  const here = await opened(redis);
  tier = here.tier;
  const there = await start();
  await fill(tier, "k", value("v"));
  expect(await there.ask("trust")).toBe(true);
  there.process.kill("SIGSTOP");
  await tier.log.publish(deleted({ keys: ["k"] }));
  await new Promise((resolve) => setTimeout(resolve, 700));
  // Answered in the first turn after it wakes: nothing was confirmed by then.
  const trusted = there.ask("trust");
  there.process.kill("SIGCONT");
  const first = await trusted;
  if (first === true) expect(there.told).toEqual([{ how: "deleted", keys: ["k"] }]);
  await expect.poll(() => there.told, soon).toEqual([{ how: "deleted", keys: ["k"] }]);
  await expect.poll(() => there.ask("trust"), soon).toBe(true);
  expect(await there.ask("gaps")).toBe(0);
});

test("a process that was stopped while the log was trimmed drops everything", async () => {
  const here = await opened(redis);
  tier = here.tier;
  const there = await start();
  there.process.kill("SIGSTOP");
  for (let index = 0; index < 3; index++) await tier.log.publish(deleted({ keys: [`${index}`] }));
  await redis.command("XTRIM", "hasten:1:{ns}:log", "MAXLEN", "1");
  there.process.kill("SIGCONT");
  await expect.poll(() => there.told, soon).toEqual([{ how: "cleared", keys: [] }]);
  expect(await there.ask("gaps")).toBe(1);
});

test("an open tier keeps no process: it ends when nothing else is to be done", async () => {
  const there = await start("exit");
  const [code] = await once(there.process, "exit");
  expect(code).toBe(0);
});
