import { createServer } from "node:net";
import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { SharedTier } from "../../../src/cache/shared/port.ts";
import { openSharedTier } from "../../../src/cache/shared/tier/index.ts";
import { type Heard, open, opened } from "./tiers.ts";
import { CLEARED, deleted, fill, seen, value } from "./values.ts";

let redis: RedisServer;
let tiers: SharedTier[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await Promise.all(tiers.map((tier) => tier.close(0)));
  tiers = [];
  redis.resume();
  await redis.command("CONFIG", "SET", "maxmemory", "0");
  await redis.command("FLUSHALL");
});
afterAll(async () => {
  await redis.stop();
});

const soon = { timeout: 1_000, interval: 2 };
const later = { timeout: 10_000, interval: 10 };

async function two(settings = {}): Promise<readonly [Heard, Heard]> {
  const a = await opened(redis, settings);
  const b = await opened(redis, settings);
  tiers.push(a.tier, b.tier);
  return [a, b];
}

for (const [what, fault] of [
  ["FLUSHALL", ["FLUSHALL"]],
  ["its clock gone", ["DEL", "hasten:1:{ns}:clk"]],
] as const) {
  test(`${what}: everything is void here and there, and a new epoch begins`, async () => {
    const [a, b] = await two();
    await fill(a.tier, "k", value("v"));
    const read = await a.tier.read("other");
    if (read.kind !== "absent") throw new Error(read.kind);
    const { trust } = a.tier.log;
    await redis.command(...fault);
    // Whatever the clock's state is by now.
    expect(["absent", "unavailable"]).toContain(seen(await b.tier.read("k")));
    expect(await a.tier.fill("other", read.capture, value("old"))).not.toEqual({ kind: "stored" });
    await expect.poll(() => [a.told.length > 0, b.told.length > 0], soon).toEqual([true, true]);
    expect(a.told[0]).toEqual(CLEARED);
    expect(trust.ended).toBe(true);
    await expect.poll(() => a.tier.usable && b.tier.usable, soon).toBe(true);
    expect(a.tier.stats().gaps).toBe(1);
    expect(await fill(a.tier, "k", value("new"))).toBe("stored");
    expect(seen(await b.tier.read("k"))).toBe("new");
    expect(a.tier.log.trust.confirmed).toBe(true);
  });
}

test("its log gone: a gap, but nothing in Redis is void", async () => {
  const [a, b] = await two();
  await fill(a.tier, "k", value("v"));
  await a.tier.log.publish(deleted({ keys: ["x"] }));
  await expect.poll(() => b.told.length, soon).toBe(1);
  await redis.command("DEL", "hasten:1:{ns}:log");
  await a.tier.log.publish(deleted({ keys: ["y"] }));
  await expect.poll(() => b.told.length, soon).toBeGreaterThan(1);
  expect([deleted({ keys: ["y"] }), CLEARED]).toContainEqual(b.told[1]);
  expect(seen(await b.tier.read("k"))).toBe("v");
});

test("marks gone: fills from before are refused; records and entries gone: absent", async () => {
  const [a, b] = await two();
  const read = await a.tier.read("k");
  if (read.kind !== "absent") throw new Error(read.kind);
  await b.tier.log.publish(deleted({ tags: ["t"] }));
  await redis.command("DEL", "hasten:1:{ns}:m0", "hasten:1:{ns}:m1");
  expect(await a.tier.fill("k", read.capture, value("old", { tags: ["t"] }))).toMatchObject({
    kind: "refused",
  });
  await fill(a.tier, "k", value("new", { tags: ["t"] }));
  expect(seen(await b.tier.read("k"))).toBe("new");
  await redis.command("DEL", "hasten:1:{ns}:t:t");
  expect(seen(await b.tier.read("k"))).toBe("absent");
  await fill(a.tier, "k2", value("new", { tags: ["t"] }));
  await redis.command("DEL", "hasten:1:{ns}:e:k2");
  expect(seen(await b.tier.read("k2"))).toBe("absent");
});

test("another server at the same address: nothing of the old one counts", async () => {
  const own = await startRedis();
  const a = await opened(own, { retryDelayMaxMs: 50 });
  const b = await opened(own, { retryDelayMaxMs: 50 });
  tiers.push(a.tier, b.tier);
  await fill(a.tier, "k", value("v"));
  await own.kill();
  await expect.poll(() => a.tier.usable, later).toBe(false);
  expect(seen(await a.tier.read("k"))).toBe("unavailable");
  expect(await a.tier.log.publish(deleted({ keys: ["k"] }))).toEqual({ kind: "queued", depth: 1 });
  expect(a.tier.status()).toMatchObject({ state: "lost", queued: 1 });
  await own.restart();
  await expect.poll(() => a.tier.usable && b.tier.usable, later).toBe(true);
  await expect.poll(() => a.tier.status().queued, soon).toBe(0);
  expect(a.told).toContainEqual(CLEARED);
  expect(b.told).toContainEqual(CLEARED);
  // Each of the two begins an epoch when it comes.
  await expect.poll(() => fill(b.tier, "k", value("new")), soon).toMatch(/stored|newer/);
  await expect.poll(async () => seen(await a.tier.read("k")), soon).toBe("new");
  await Promise.all([a.tier.close(), b.tier.close()]);
  await own.stop();
});

test("a server that was stopped in its tracks: nothing hangs, trust lapses and comes back", async () => {
  const [a, b] = await two({ timeoutMs: 100 });
  await fill(a.tier, "k", value("v"));
  redis.pause();
  const startedMs = performance.now();
  const reads = await Promise.all(Array.from({ length: 20 }, () => a.tier.read("k")));
  expect(performance.now() - startedMs).toBeLessThan(400);
  expect(new Set(reads.map(seen))).toEqual(new Set(["unavailable"]));
  const published = await a.tier.log.publish(deleted({ keys: ["k"] }));
  expect(published).toMatchObject({ kind: "queued" });
  await expect.poll(() => a.tier.log.trust.confirmed, soon).toBe(false);
  redis.resume();
  await expect.poll(() => a.tier.usable && a.tier.log.trust.confirmed, later).toBe(true);
  await expect.poll(() => a.tier.status().queued, soon).toBe(0);
  expect(seen(await b.tier.read("k"))).toBe("absent");
  expect(a.tier.stats().timeouts).toBeGreaterThan(0);
});

test("connections killed, the waiting one too: told all the same, within the bound", async () => {
  const [a, b] = await two();
  for (let round = 0; round < 5; round++) {
    b.told.length = 0;
    await redis.command("CLIENT", "KILL", "TYPE", "normal");
    const told = deleted({ keys: [`k${round}`] });
    const outcome = await a.tier.log.publish(told);
    expect(["applied", "queued"]).toContain(outcome.kind);
    await expect.poll(() => b.told, later).toContainEqual(told);
    await expect.poll(() => b.tier.log.trust.confirmed, later).toBe(true);
  }
  expect(b.tier.stats().gaps).toBe(0);
});

test("the log trimmed while this process was away: a gap, and it goes on", async () => {
  const [a, b] = await two();
  const { trust } = b.tier.log;
  for (let index = 0; index < 20; index++) {
    void a.tier.log.publish(deleted({ keys: [`k${index}`] }));
    if (index === 10) void redis.command("XTRIM", "hasten:1:{ns}:log", "MAXLEN", "0");
  }
  await a.tier.log.publish(deleted({ keys: ["last"] }));
  await redis.command("XTRIM", "hasten:1:{ns}:log", "MAXLEN", "0");
  const heardAll = (): boolean =>
    b.told.some(({ how }) => how === "cleared") || b.told.flatMap((it) => it.keys).length === 21;
  await expect.poll(heardAll, soon).toBe(true);
  expect(trust.ended).toBe(b.told.some(({ how }) => how === "cleared"));
  await expect.poll(() => b.tier.log.trust.confirmed, soon).toBe(true);
});

test("a full Redis: reads go on, what cannot be written is queued and said so", async () => {
  const [a, b] = await two();
  await fill(a.tier, "k", value("v", { tags: ["t"] }));
  await fill(a.tier, "other", value("v"));
  await redis.command("CONFIG", "SET", "maxmemory", "1");
  expect(seen(await b.tier.read("k", ["t"]))).toBe("v");
  expect(await fill(b.tier, "new", value("v"))).toMatch(/^unknown/);
  const outcome = await a.tier.log.publish(deleted({ tags: ["t"] }));
  // An invalidation makes room, so Redis may take it all the same.
  if (outcome.kind === "queued") {
    expect(a.tier.status()).toMatchObject({ state: "ready", queued: 1 });
    expect(a.tier.usable).toBe(true);
  }
  // For this process it is gone in any case, and what it did not name is not.
  expect(seen(await a.tier.read("k", ["t"]))).toBe("absent");
  expect(seen(await a.tier.read("other", []))).toBe("v");
  await redis.command("CONFIG", "SET", "maxmemory", "0");
  await expect.poll(() => a.tier.status().queued, later).toBe(0);
  await expect.poll(() => b.told, soon).toContainEqual(deleted({ tags: ["t"] }));
  expect(seen(await b.tier.read("k", ["t"]))).toBe("absent");
});

test("writes refused by permission: own reads obey what could not be told", async () => {
  const own = await startRedis();
  await own.command("ACL", "SETUSER", "reader", "on", ">pw", "~*", "&*", "+@all");
  const source = `redis://reader:pw@127.0.0.1:${own.port}`;
  const tier = openSharedTier(source, { namespace: "ns" });
  const writer = await opened(own);
  tiers.push(tier, writer.tier);
  expect(await tier.ready(5_000)).toBe(true);
  await fill(writer.tier, "k", value("v", { tags: ["t"] }));
  await fill(writer.tier, "other", value("v"));
  await own.command("ACL", "SETUSER", "reader", "-xadd", "-hset", "-set");
  expect(seen(await tier.read("k"))).toBe("v");
  const outcome = await tier.log.publish(deleted({ tags: ["t"] }));
  expect(outcome).toEqual({ kind: "queued", depth: 1 });
  expect(seen(await tier.read("k"))).toBe("absent");
  expect(seen(await tier.read("other"))).toBe("v");
  expect(tier.status()).toMatchObject({ queued: 1 });
  await own.command("ACL", "SETUSER", "reader", "+@all");
  await expect.poll(() => tier.status().queued, later).toBe(0);
  expect(seen(await writer.tier.read("k"))).toBe("absent");
  await Promise.all([tier.close(), writer.tier.close()]);
  await own.stop();
});

test("a replica is not used: it may not know the latest", async () => {
  const replica = await startRedis({ replicaOf: { port: redis.port } });
  const { tier } = open(replica, {});
  tiers.push(tier);
  expect(await tier.ready(300)).toBe(false);
  expect(tier.status().state).not.toBe("ready");
  expect(tier.status().because).toMatch(/replica/);
  expect(seen(await tier.read("k"))).toBe("unavailable");
  await tier.close(0);
  await replica.stop();
});

test("more than the queue holds becomes everything", async () => {
  const own = await startRedis();
  const a = await opened(own, { queueMax: 10, retryDelayMaxMs: 50 });
  const b = await opened(own, { retryDelayMaxMs: 50 });
  tiers.push(a.tier, b.tier);
  await fill(a.tier, "untouched", value("v"));
  own.pause();
  const some = Array.from({ length: 50 }, (_, index) =>
    a.tier.log.publish(deleted({ keys: [`k${index}`] })),
  );
  const outcomes = await Promise.all(some);
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(["queued"]));
  await expect.poll(() => a.tier.status().state, soon).not.toBe("ready");
  await a.tier.log.publish(deleted({ keys: ["one more"] }));
  await expect.poll(() => a.tier.status().queued, soon).toBe(1);
  own.resume();
  await expect.poll(() => b.told, later).toContainEqual(CLEARED);
  await expect.poll(() => a.tier.usable, later).toBe(true);
  expect(seen(await a.tier.read("untouched"))).toBe("absent");
  await Promise.all([a.tier.close(), b.tier.close()]);
  await own.stop();
});

test("unreachable at the start: nothing throws or hangs, and it is used once it is there", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const settings = { source: `redis://127.0.0.1:${port}`, retryDelayMaxMs: 50 };
  const tier = openSharedTier(settings, { namespace: "ns" });
  tiers.push(tier);
  expect(tier.usable).toBe(false);
  expect(seen(await tier.read("k"))).toBe("unavailable");
  expect(await tier.lease("k")).toMatchObject({ kind: "unavailable" });
  expect(await tier.log.publish(deleted({ keys: ["k"] }))).toEqual({ kind: "queued", depth: 1 });
  expect(await tier.put("p", value("v"))).toEqual({ kind: "queued", depth: 2 });
  await expect(tier.increment("n", 1, { ttlMs: 1, tags: [] })).rejects.toMatchObject({
    code: "HST_CACHE_UNAVAILABLE",
  });
  expect(await tier.ready(20)).toBe(false);
  const own = await startRedis({ port });
  expect(await tier.ready(5_000)).toBe(true);
  await expect.poll(() => tier.status().queued, soon).toBe(0);
  await tier.close();
  await own.stop();
});
