import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCache, defineKey } from "../../../src/cache/index.ts";
import { faultyProxy } from "../../../src/testing/index.ts";

/** What a closing process still owes the others, and what it says when it can tell them nothing. */
const key = defineKey("thing", (n: number) => [n]).of<string>();
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

test("closed while the connection is away, it tells what waits when that is back", async () => {
  await using proxy = await faultyProxy({ host: "127.0.0.1", port: redis.port });
  const source = `redis://127.0.0.1:${proxy.port}`;
  const a = createCache({ name: "closing", redis: { source, retryDelayMaxMs: 50 } });
  await using b = createCache({ name: "closing", redis: redis.url });
  for (const cache of [a, b]) expect(await cache.shared!.ready(5_000)).toBe(true);
  await b.getOrSet(key(1), () => "old");
  await expect.poll(() => b.shared!.stats().fills).toBe(1);
  proxy.mode("refuse");
  proxy.cutAll();
  expect(await a.delete(key(1))).toMatchObject({ kind: "queued" });
  const closing = a.close();
  proxy.mode("pass");
  await closing;
  expect(await b.shared!.read(key(1))).toMatchObject({ kind: "absent" });
});

test("a closed cache does not say that others will be told", async () => {
  const a = createCache({ name: "closed", redis: redis.url });
  expect(await a.shared!.ready(5_000)).toBe(true);
  await a.close();
  expect(await a.delete(key(1))).toEqual({ kind: "refused", because: "cache is closed" });
  expect(await a.expire({ tags: ["t"] })).toMatchObject({ kind: "refused" });
  expect(await a.clear()).toMatchObject({ kind: "refused" });
  await expect(a.delete(key(1), { require: "applied" })).rejects.toMatchObject({
    code: "HST_CACHE_QUEUED",
  });
});

test("data that went back on the same run of a server voids what it brought back", async () => {
  await using a = createCache({ name: "back", redis: redis.url });
  await using b = createCache({ name: "back", redis: redis.url });
  for (const cache of [a, b]) expect(await cache.shared!.ready(5_000)).toBe(true);
  await a.getOrSet(key(1), () => "old");
  await expect.poll(() => a.shared!.stats().fills).toBe(1);
  const names = ["clk", "log", "m0", "m1", "p:thing:", `e:${key(1)}`].map(
    (n) => `hasten:1:{back}:${n}`,
  );
  // Everything as a replica has it that missed what comes next, put back behind the server's run id.
  for (const name of names) await redis.command("COPY", name, `copy ${name}`, "REPLACE");
  await a.delete(key(1), { require: "applied" });
  await expect.poll(() => b.peek(key(1))).toBeUndefined();
  await redis.command("EVAL", RESTORE, String(names.length), ...names);
  await expect.poll(() => a.shared!.stats().gaps).toBeGreaterThan(0);
  await expect.poll(async () => (await b.shared!.read(key(1))).kind).toBe("absent");
  expect(await b.getOrSet(key(1), () => "new")).toBe("new");
});

const RESTORE = `for _, name in ipairs(KEYS) do
  redis.call('COPY', 'copy ' .. name, name, 'REPLACE')
end return 1`;
