/**
 * Acceptance 9 (async-cache-dedupe #89, bentocache #83, cacheops): a tag that very many entries carry
 * is invalidated by one call that looks at none of them; a list of tags that changed in the code
 * counts at the next read; records of tags that nothing uses go by themselves. Entries of other
 * releases: `../cache/two-tier.test.ts`. HASTEN_BIG_ENTRIES=1000000 for the number in
 * docs/redis-chaos.md.
 */
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { twoHosts } from "./hosts.ts";

const ENTRIES = Number(process.env["HASTEN_BIG_ENTRIES"] ?? 20_000);
const BATCH = 50_000;
/** Copies of one entry under other keys: what an entry says does not name its key. */
const COPY = `local bytes = redis.call('GET', KEYS[1])
for at = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  redis.call('SET', ARGV[1] .. at, bytes, 'PX', 600000)
end`;

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis.stop();
});

test("one call invalidates a tag of very many entries, and looks at none", {
  timeout: 120_000,
}, async () => {
  await using hosts = await twoHosts(redis);
  const { a, b } = hosts;
  await a.set("big0", "value", { tags: ["all"], ttlMs: 600_000 });
  const space = `hasten:1:{${a.name}}:`;
  for (let from = 1; from <= ENTRIES; from += BATCH) {
    const to = Math.min(ENTRIES, from + BATCH - 1);
    const words = ["EVAL", COPY, "1", `${space}e:big0`, `${space}e:big`, String(from), String(to)];
    await redis.command(...words);
  }
  const some = `big${Math.ceil(ENTRIES / 2)}`;
  expect(await b.get(some)).toBe("value");
  await a.delete({ tags: ["warm"] });
  await redis.command("CONFIG", "RESETSTAT");
  const startMs = performance.now();
  expect(await a.delete({ tags: ["all"] })).toEqual({ kind: "applied" });
  const tookMs = performance.now() - startMs;
  const stats = String(await redis.command("INFO", "commandstats"));
  expect(stats).not.toMatch(/cmdstat_(keys|scan|sscan|hscan|smembers|hkeys)\b/);
  expect(Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1])).toBeLessThan(20);
  for (const at of [1, Math.ceil(ENTRIES / 2), ENTRIES])
    await expect.poll(() => b.get(`big${at}`), { timeout: 1_000 }).toBeUndefined();
  const usec = /cmdstat_evalsha:calls=\d+,usec=(\d+)/.exec(stats)?.[1];
  if (process.env["HASTEN_BIG_ENTRIES"] !== undefined)
    process.stdout.write(`${ENTRIES} entries: ${tookMs.toFixed(2)} ms, server ${usec} us\n`);
});

test("a tag that the code declares since then counts at the next read", async () => {
  await using hosts = await twoHosts(redis);
  const { a, b } = hosts;
  let loads = 0;
  const load = (): number => ++loads;
  await a.getOrSet("k", load, { tags: ["one"] });
  await expect.poll(() => a.shared!.stats().fills).toBeGreaterThan(0);
  expect(await b.getOrSet("k", load, { tags: ["one", "two"] })).toBe(2);
  await b.delete({ tags: ["two"] });
  expect(await b.getOrSet("k", load, { tags: ["one", "two"] })).toBe(3);
});

test("records of tags and prefixes live no longer than what uses them", async () => {
  await using hosts = await twoHosts(redis);
  const { a } = hosts;
  const space = `hasten:1:{${a.name}}:`;
  await a.set("user:1", "x", { tags: ["t"], ttlMs: 400 });
  expect(Number(await redis.command("PTTL", `${space}t:t`))).toBeGreaterThan(0);
  const left = async (): Promise<number> => {
    const names = ["t:t", "p:user:", "e:user:1"].map((name) => space + name);
    return Number(await redis.command("EXISTS", ...names));
  };
  await expect.poll(left, { timeout: 10_000, interval: 50 }).toBe(0);
  await a.delete({ tags: ["never used"], prefixes: ["nobody:"] });
  expect(await redis.command("EXISTS", `${space}t:never used`, `${space}p:nobody:`)).toBe(0);
});
