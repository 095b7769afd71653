import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCache, defineKey } from "../../../src/cache/index.ts";

/** More at once than fits on the way to Redis: what callers are told is what Redis has. */
const key = defineKey("thing", (n: number) => [n]).of<number>();
const MANY = Array.from({ length: 2_000 }, (_, n) => n);
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

test("thousands of values set at once are all in Redis, and deleted at once all are applied", async () => {
  await using a = createCache({ name: "many", redis: redis.url });
  await using b = createCache({ name: "many", redis: redis.url });
  for (const cache of [a, b]) expect(await cache.shared!.ready(5_000)).toBe(true);
  await Promise.all(MANY.map((n) => a.set(key(n), n)));
  await expect.poll(() => a.shared!.status().queued).toBe(0);
  await expect.poll(() => b.getMany(MANY.map(key))).toEqual(MANY);
  const deleted = MANY.slice(0, 1_100).map((n) => a.delete(key(n), { require: "applied" }));
  expect(new Set((await Promise.all(deleted)).map(({ kind }) => kind))).toEqual(
    new Set(["applied"]),
  );
  expect(await b.shared!.read(key(7))).toMatchObject({ kind: "absent" });
});

test("of one key the last set wins, and a delete after it, while many are on the way", async () => {
  await using a = createCache({ name: "last", redis: redis.url });
  await using b = createCache({ name: "last", redis: redis.url });
  for (const cache of [a, b]) expect(await cache.shared!.ready(5_000)).toBe(true);
  // Every script has to be loaded again: they may overtake one another.
  await redis.command("SCRIPT", "FLUSH");
  for (const n of MANY) void a.set(key(n % 200), n);
  for (let n = 0; n < 100; n++) void a.delete(key(n));
  await expect.poll(() => a.shared!.status().queued).toBe(0);
  await a.delete("somebody's", { require: "applied" });
  const found = await b.getMany(MANY.slice(0, 200).map(key));
  expect(found).toEqual(Array.from({ length: 200 }, (_, n) => (n < 100 ? undefined : 1_800 + n)));
});
