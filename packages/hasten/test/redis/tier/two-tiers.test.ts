import { startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SharedTier, SharedValue } from "../../../src/cache/shared/port.ts";
import { openSharedTier } from "../../../src/cache/shared/tier/index.ts";
import type { LoggedInvalidation } from "../../../src/core/invalidation-log.ts";

let redis: Awaited<ReturnType<typeof startRedis>>;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis.stop();
});

const value = (text: string, tags: readonly string[] = []): SharedValue => ({
  payload: { form: 1, bytes: Buffer.from(JSON.stringify(text)) },
  tags,
  ttlMs: 60_000,
  graceMs: 0,
  loadMs: 1,
  capturedMs: performance.now(),
  capturedWallMs: Date.now(),
  dependency: undefined,
});
const textOf = (read: Awaited<ReturnType<SharedTier["read"]>>): unknown =>
  read.kind === "found" ? JSON.parse(read.entry.payload.bytes.toString()) : read.kind;

async function two(namespace: string): Promise<readonly [SharedTier, SharedTier]> {
  const a = openSharedTier(redis.url, { namespace });
  const b = openSharedTier(redis.url, { namespace });
  expect(await a.ready(5_000)).toBe(true);
  expect(await b.ready(5_000)).toBe(true);
  return [a, b];
}

test("what one fills the other finds, and what one deletes the other is told at once", async () => {
  const [a, b] = await two("basic");
  const heard: LoggedInvalidation[] = [];
  b.log.subscribe((one) => heard.push(one));
  const absent = await a.read("k:1", ["t"]);
  expect(absent).toMatchObject({ kind: "absent" });
  if (absent.kind !== "absent") return;
  expect(await a.fill("k:1", absent.capture, value("one", ["t"]))).toEqual({ kind: "stored" });
  expect(textOf(await b.read("k:1", ["t"]))).toBe("one");
  expect(textOf(await b.read("k:1"))).toBe("one");
  expect((await b.readMany(["k:1", "k:2"])).map(textOf)).toEqual(["one", "absent"]);
  const deleted = { cache: "basic", how: "deleted", keys: [], tags: ["t"], prefixes: [] } as const;
  expect(await a.log.publish(deleted)).toEqual({ kind: "applied" });
  expect(textOf(await b.read("k:1", ["t"]))).toBe("absent");
  await expect.poll(() => heard, { timeout: 100, interval: 2 }).toEqual([deleted]);
  expect(b.log.trust.confirmed).toBe(true);
  await a.close();
  await b.close();
});
