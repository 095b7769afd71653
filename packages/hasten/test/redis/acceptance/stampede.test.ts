/**
 * Acceptance 5 (bentocache stampede_protection, FusionCache CacheStampedeTests): 10,000 callers at
 * once on four processes run one load; a load that fails never runs twice at once for a key, and its
 * callers see the error; a stale value at hand is served in no time, however long the load takes.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { twoHosts } from "./hosts.ts";

const CROWD = fileURLToPath(new URL("crowd.ts", import.meta.url));
const PROCESSES = 4;
const CALLERS = 2_500;
const LOAD_MS = 100;

interface Told {
  readonly ready?: true;
  readonly load?: string;
  readonly id?: number;
  readonly values?: Readonly<Record<string, number>>;
}

let redis: RedisServer;
const crowd: ChildProcess[] = [];
let running = 0;
let mostAtOnce = 0;
let loads = 0;
let failing = false;

beforeAll(async () => {
  redis = await startRedis();
  for (let at = 0; at < PROCESSES; at++) {
    const child = fork(CROWD, [redis.url, "crowd"], { execArgv: ["--conditions=hasten-source"] });
    child.on("message", (told: Told) => {
      if (told.load !== undefined) answer(child, told.load);
    });
    crowd.push(child);
  }
  await Promise.all(crowd.map((child) => told(child, (one) => one.ready === true)));
});
afterAll(async () => {
  await Promise.all(
    crowd.map(async (child) => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }),
  );
  await redis.stop();
});

/** The source of truth, which takes its time. */
function answer(child: ChildProcess, key: string): void {
  loads += 1;
  running += 1;
  mostAtOnce = Math.max(mostAtOnce, running);
  setTimeout(() => {
    running -= 1;
    child.send(failing ? { loaded: key, error: "source is down" } : { loaded: key });
  }, LOAD_MS);
}

function told(child: ChildProcess, wanted: (one: Told) => boolean): Promise<Told> {
  return new Promise((resolve) => {
    const listen = (one: Told): void => {
      if (!wanted(one)) return;
      child.off("message", listen);
      resolve(one);
    };
    child.on("message", listen);
  });
}

async function rush(id: number, key: string): Promise<Record<string, number>> {
  [loads, mostAtOnce] = [0, 0];
  const answers = crowd.map((child) => told(child, (one) => one.id === id));
  for (const child of crowd) child.send({ id, key, callers: CALLERS });
  const sums: Record<string, number> = {};
  for (const { values = {} } of await Promise.all(answers))
    for (const [text, count] of Object.entries(values)) sums[text] = (sums[text] ?? 0) + count;
  return sums;
}

test("10,000 callers on four processes run one load", { timeout: 60_000 }, async () => {
  expect(await rush(1, "hot")).toEqual({ "value of hot": PROCESSES * CALLERS });
  expect(loads).toBe(1);
});

test("a failing load never runs twice at once, and everybody is told", {
  timeout: 60_000,
}, async () => {
  failing = true;
  expect(await rush(2, "broken")).toEqual({ "source is down": PROCESSES * CALLERS });
  failing = false;
  expect(mostAtOnce).toBe(1);
  expect(loads).toBeLessThanOrEqual(PROCESSES);
});

test("a stale value is served at once, however long the load takes", async () => {
  await using hosts = await twoHosts(redis);
  const { a } = hosts;
  await a.set("k", "old", { graceMs: 60_000 });
  await a.expire("k");
  const slow = (): Promise<string> => new Promise((resolve) => setTimeout(resolve, 400, "new"));
  const options = { graceMs: 60_000, softTimeoutMs: 0 };
  const took: number[] = [];
  for (let at = 0; at < 20; at++) {
    const startMs = performance.now();
    expect(await a.getOrSet("k", slow, options)).toBe("old");
    took.push(performance.now() - startMs);
  }
  took.sort((x, y) => x - y);
  expect(took[took.length >> 1]).toBeLessThan(5);
});
