import { type RedisServer, startRedis } from "hasten-tools/redis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { SharedTier } from "../../../src/cache/shared/port.ts";
import { channels } from "../../../src/core/channels.ts";
import { type Heard, opened } from "./tiers.ts";
import { deleted, fill, seen, value } from "./values.ts";

let redis: RedisServer;
let tiers: SharedTier[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await Promise.all(tiers.map((tier) => tier.close()));
  tiers = [];
  await redis.command("FLUSHALL");
});
afterAll(async () => {
  await redis.stop();
});

async function two(settings = {}): Promise<readonly [Heard, Heard]> {
  const a = await opened(redis, settings);
  const b = await opened(redis, settings);
  tiers.push(a.tier, b.tier);
  return [a, b];
}

const soon = { timeout: 250, interval: 2 };

test("what one fills the other finds, and what one deletes the other is told at once", async () => {
  const [a, b] = await two();
  expect(await fill(a.tier, "k:1", value("one", { tags: ["t"] }))).toBe("stored");
  expect(seen(await b.tier.read("k:1", ["t"]))).toBe("one");
  expect(seen(await b.tier.read("k:1"))).toBe("one");
  expect(seen(await b.tier.read("k:1", []))).toBe("one");
  expect((await b.tier.readMany(["k:1", "k:2"])).map(seen)).toEqual(["one", "absent"]);
  const told = deleted({ tags: ["t"] });
  expect(await a.tier.log.publish(told)).toEqual({ kind: "applied" });
  expect(seen(await b.tier.read("k:1", ["t"]))).toBe("absent");
  await expect.poll(() => b.told, soon).toEqual([told]);
  expect(a.told).toEqual([]);
  expect(b.tier.log.trust.confirmed).toBe(true);
});

test("an entry comes back as it was given, older rather than younger", async () => {
  const [a, b] = await two();
  const capturedMs = performance.now() - 1_000;
  const kept = value("v", {
    tags: ["x", "y"],
    ttlMs: 10_000,
    graceMs: 5_000,
    loadMs: 12.5,
    capturedMs,
    capturedWallMs: Date.now() - 1_000,
    dependency: { sources: ["s"], untracked: [], personal: ["who"] },
  });
  await fill(a.tier, "k", kept);
  const read = await b.tier.read("k");
  if (read.kind !== "found") throw new Error(read.kind);
  const { entry } = read;
  expect(entry).toMatchObject({ tags: ["x", "y"], expired: false, loadMs: 12.5 });
  expect(entry.dependency).toEqual(kept.dependency);
  const nowMs = performance.now();
  expect(entry.freshUntilMs).toBeLessThanOrEqual(nowMs + 10_000);
  expect(entry.freshUntilMs).toBeGreaterThan(nowMs + 9_000);
  expect(entry.staleUntilMs - entry.freshUntilMs).toBeCloseTo(5_000, 3);
  expect(entry.capturedMs).toBeLessThanOrEqual(capturedMs);
  expect(entry.capturedMs).toBeGreaterThan(capturedMs - 500);
});

test("what was loaded before an invalidation is refused, whoever invalidates and whatever it names", async () => {
  const [a, b] = await two();
  const cases = [
    { keys: ["p:k"] },
    { tags: ["t"] },
    { prefixes: ["p:"] },
    { how: "cleared" },
  ] as const;
  for (const named of cases) {
    for (const how of ["deleted", "expired"] as const) {
      const read = await a.tier.read("p:k", ["t"]);
      if (read.kind === "unavailable") throw new Error(read.because);
      await b.tier.log.publish(deleted({ how, ...named }));
      const late = await a.tier.fill("p:k", read.capture, value("old", { tags: ["t"] }));
      expect(late).toMatchObject({ kind: "refused" });
      expect(seen(await b.tier.read("p:k"))).toBe("absent");
      expect(await fill(b.tier, "p:k", value("new", { tags: ["t"] }))).toBe("stored");
      expect(seen(await a.tier.read("p:k"))).toBe("new");
      await b.tier.log.publish(deleted({ keys: ["p:k"] }));
    }
  }
});

test("what is expired may be found as stale only", async () => {
  const [a, b] = await two();
  await fill(a.tier, "k", value("v", { graceMs: 60_000 }));
  await b.tier.log.publish(deleted({ how: "expired", keys: ["k"] }));
  const read = await a.tier.read("k");
  if (read.kind !== "found") throw new Error(read.kind);
  expect(read.entry.expired).toBe(true);
  expect(read.entry.freshUntilMs).toBeLessThanOrEqual(performance.now());
  expect(read.entry.staleUntilMs).toBeGreaterThan(performance.now());
  expect(await a.tier.why("k")).toEqual({ state: "stale", because: "expired" });
});

test("a put replaces what is there and is told to the others", async () => {
  const [a, b] = await two();
  await fill(a.tier, "k", value("v"));
  expect(await a.tier.put("k", value("put"))).toEqual({ kind: "applied" });
  expect(seen(await b.tier.read("k"))).toBe("put");
  await expect.poll(() => b.told, soon).toEqual([deleted({ keys: ["k"] })]);
  expect(await a.tier.why("k")).toMatchObject({ state: "fresh" });
});

test("counters are added to by everyone", async () => {
  const [a, b] = await two();
  const kept = { ttlMs: 60_000, tags: [] };
  const both = [a, b].flatMap(({ tier }) =>
    Array.from({ length: 10 }, () => tier.increment("n", 2, kept)),
  );
  const numbers = await Promise.all(both);
  expect(numbers.sort((x, y) => x - y)).toEqual(Array.from({ length: 20 }, (_, i) => (i + 1) * 2));
  await fill(a.tier, "text", value("v"));
  await expect(a.tier.increment("text", 1, kept)).rejects.toMatchObject({
    code: "HST_CACHE_NUMBER",
  });
});

test("one loads while the others wait, and are woken by its fill", async () => {
  const [a, b] = await two({ leaseMs: 10_000 });
  const mine = await a.tier.lease("k");
  const theirs = await b.tier.lease("k");
  if (mine.kind !== "mine" || theirs.kind !== "theirs") throw new Error("leases");
  const read = await a.tier.read("k");
  if (read.kind !== "absent") throw new Error(read.kind);
  const startedMs = performance.now();
  const over = theirs.over.then(() => performance.now() - startedMs);
  expect(await a.tier.fill("k", read.capture, value("v"), mine.lease)).toEqual({ kind: "stored" });
  expect(await over).toBeLessThan(100);
  expect(seen(await b.tier.read("k"))).toBe("v");
  // What was filled meanwhile is told to who asks for the lease too late.
  const late = await b.tier.lease("k");
  if (late.kind !== "mine") throw new Error(late.kind);
  expect(late.meanwhile?.payload.bytes.toString()).toBe('"v"');
  late.lease.release();
});

test("who waits is woken when the load is given up, its key deleted, or its process gone", async () => {
  const [a, b] = await two({ leaseMs: 300 });
  const wait = async (): Promise<() => Promise<number>> => {
    const theirs = await b.tier.lease("k");
    if (theirs.kind !== "theirs") throw new Error(theirs.kind);
    const startedMs = performance.now();
    return () => theirs.over.then(() => performance.now() - startedMs);
  };
  const first = await a.tier.lease("k");
  if (first.kind !== "mine") throw new Error(first.kind);
  const given = await wait();
  first.lease.release();
  expect(await given()).toBeLessThan(100);

  const second = await a.tier.lease("k");
  const killed = await wait();
  await a.tier.log.publish(deleted({ keys: ["k"] }));
  expect(await killed()).toBeLessThan(100);
  const third = await b.tier.lease("k");
  expect(third.kind).toBe("mine");
  if (third.kind === "mine") third.lease.release();
  if (second.kind === "mine") second.lease.release();

  // Renewed as long as its process lives, so it outlives its own time.
  await redis.command("HSET", "hasten:1:{ns}:l:gone", "h", "nobody");
  await redis.command("PEXPIRE", "hasten:1:{ns}:l:gone", "200");
  const gone = await b.tier.lease("gone");
  if (gone.kind !== "theirs") throw new Error(gone.kind);
  const startedMs = performance.now();
  await gone.over;
  expect(performance.now() - startedMs).toBeGreaterThan(100);
  expect((await b.tier.lease("gone")).kind).toBe("mine");
});

test("a lease is renewed for as long as its load takes", async () => {
  const [a, b] = await two({ leaseMs: 150 });
  const mine = await a.tier.lease("k");
  if (mine.kind !== "mine") throw new Error(mine.kind);
  const untilMs = performance.now() + 500;
  let rounds = 0;
  while (performance.now() < untilMs) {
    const theirs = await b.tier.lease("k");
    if (theirs.kind !== "theirs") throw new Error(theirs.kind);
    await theirs.over;
    rounds += 1;
  }
  expect(rounds).toBeLessThan(10);
  mine.lease.release();
});

test("captures: what was known before a read began, and how far the log was applied", async () => {
  const [a, b] = await two();
  const beforeMs = performance.now();
  const first = a.tier.captureAt("k", beforeMs);
  expect(first).toBeDefined();
  expect(a.tier.captureAt("k", beforeMs - 60_000)).toBeUndefined();
  await b.tier.log.publish(deleted({ keys: ["k"] }));
  const read = await a.tier.read("k");
  if (read.kind !== "absent") throw new Error(read.kind);
  expect(read.capture.seq).toBeGreaterThan(first!.seq);
  expect(await a.tier.caughtUp("k", read.capture)).toBe(true);
  expect(a.told).toEqual([deleted({ keys: ["k"] })]);
  expect(a.tier.applied("k")!.seq).toBeGreaterThanOrEqual(read.capture.seq);
  expect(await a.tier.caughtUp("k", { epoch: "f".repeat(16), seq: 0 })).toBe(false);
  // A load that began before the deletion was heard of: refused by Redis.
  expect(await a.tier.fill("k", first!, value("old"))).toMatchObject({ kind: "refused" });
});

test("own invalidations count at once for own reads, however they are sent", async () => {
  const [a] = await two();
  await fill(a.tier, "k", value("v", { tags: ["t"] }));
  await redis.command("SCRIPT", "FLUSH");
  const publishing = a.tier.log.publish(deleted({ tags: ["t"] }));
  // Sent after it, executed before it: the script has to be loaded.
  expect(seen(await a.tier.read("k", ["t"]))).toBe("absent");
  expect(await publishing).toEqual({ kind: "applied" });
});

test("shards: keys in their own, tags in all of them, one trust", async () => {
  const [a, b] = await two({ shards: 4 });
  const keys = Array.from({ length: 40 }, (_, index) => `k:${index}`);
  for (const key of keys)
    expect(await fill(a.tier, key, value(key, { tags: ["t"] }))).toBe("stored");
  expect((await b.tier.readMany(keys)).map(seen)).toEqual(keys);
  expect(await b.tier.log.publish(deleted({ keys: ["k:7"] }))).toEqual({ kind: "applied" });
  await expect.poll(() => a.told, soon).toEqual([deleted({ keys: ["k:7"] })]);
  expect((await a.tier.readMany(keys)).filter((read) => seen(read) === "absent")).toHaveLength(1);
  await b.tier.log.publish(deleted({ tags: ["t"] }));
  expect((await a.tier.readMany(keys)).map(seen)).toEqual(keys.map(() => "absent"));
  expect(a.tier.status()).toMatchObject({ state: "ready", shards: 4, queued: 0 });
  const slots = (await redis.command("KEYS", "*")) as string[];
  expect(new Set(slots.map((name) => String(name).match(/\{(.*)\}/)?.[1]))).toEqual(
    new Set(["ns#0", "ns#1", "ns#2", "ns#3"]),
  );
});

test("a pattern is deleted page by page, everywhere", async () => {
  const [a, b] = await two();
  for (let index = 0; index < 50; index++) await fill(a.tier, `user:${index}`, value("v"));
  await fill(a.tier, "other", value("v"));
  let last: unknown;
  for await (const progress of a.tier.scan("user:*", { pageSize: 10 })) last = progress;
  expect(last).toMatchObject({ deleted: 50, percent: 100, done: true });
  expect(seen(await b.tier.read("user:7"))).toBe("absent");
  expect(seen(await b.tier.read("other"))).toBe("v");
  await expect.poll(() => b.told.flatMap(({ keys }) => keys).length, soon).toBe(50);
});

test("what a leader leaves is heard by all, when everything from before it was applied", async () => {
  const [a, b] = await two({ shards: 3 });
  const heard: unknown[] = [];
  b.tier.attach("s", {
    trust: () => undefined,
    heard: ({ record, over }) => heard.push({ record, over, told: b.told.length }),
  });
  await a.tier.log.publish(deleted({ keys: ["one", "two", "three", "four"] }));
  const told = new Set(["one", "two", "three", "four"]);
  const request = { leaseMs: 60_000, onlyIfOver: false, wake: true };
  const left = await a.tier.leave("s", { ...request, expected: undefined, record: "first" });
  expect(left).toEqual({ kind: "left" });
  // The word that waits for all shards comes first: three quarters of the bound at most.
  const later = { timeout: 2_000, interval: 2 };
  await expect.poll(() => heard.at(-1), later).toMatchObject({ record: "first", over: false });
  expect(new Set(b.told.flatMap(({ keys }) => keys))).toEqual(told);
  const other = await b.tier.leave("s", { ...request, expected: undefined, record: "second" });
  expect(other).toEqual({ kind: "other", record: "first", over: false });
});

test("statistics, INFO and status say what happened", async () => {
  const [a] = await two();
  await fill(a.tier, "k", value("v"));
  await a.tier.read("k");
  const { hits, misses, fills, bytesRead, bytesWritten, readMs, writeMs } = a.tier.stats();
  expect({ hits, misses, fills }).toEqual({ hits: 1, misses: 1, fills: 1 });
  expect(bytesRead).toBeGreaterThan(0);
  expect(bytesWritten).toBe(3);
  expect(readMs.count).toBe(2);
  expect(writeMs.count).toBe(1);
  expect((await a.tier.info())[0]).toContain("redis_version:");
  expect(a.tier.status()).toMatchObject({ state: "ready", because: undefined, queued: 0 });
  expect(a.tier.status().confirmedAgoMs).toBeLessThan(500);
});

test("an invalidation that too few replicas have is not said to be applied", async () => {
  const [a, b] = await two({ waitReplicas: 1, timeoutMs: 1_000 });
  expect(await a.tier.log.publish(deleted({ keys: ["k"] }))).toMatchObject({ kind: "queued" });
  expect(a.tier.status().queued).toBe(0);
  await expect.poll(() => b.told, soon).toEqual([deleted({ keys: ["k"] })]);
});

test("changes of state and gaps are published", async () => {
  const events: unknown[] = [];
  const listen = (event: unknown): void => void events.push(event);
  channels.cacheTier.subscribe(listen);
  try {
    const [a] = await two();
    await redis.command("FLUSHALL");
    await expect.poll(() => a.tier.stats().gaps, soon).toBe(1);
    await expect.poll(() => a.tier.usable, soon).toBe(true);
    expect(events).toContainEqual({
      cache: "ns",
      kind: "state",
      state: "ready",
      because: undefined,
    });
    expect(events).toContainEqual(expect.objectContaining({ cache: "ns", kind: "gap" }));
  } finally {
    channels.cacheTier.unsubscribe(listen);
  }
});

test("what is too large for Redis stays here and holds up nobody; a set of it makes others forget", async () => {
  const [a, b] = await two({ valueBytesMax: 1_000 });
  const large = value("x".repeat(1_000));
  const mine = await a.tier.lease("k");
  const theirs = await b.tier.lease("k");
  if (mine.kind !== "mine" || theirs.kind !== "theirs") throw new Error("leases");
  const read = await a.tier.read("k");
  if (read.kind === "unavailable") throw new Error(read.because);
  const filled = await a.tier.fill("k", read.capture, large, mine.lease);
  expect(filled).toEqual({ kind: "unknown", because: "too large" });
  await theirs.over;
  expect(await fill(a.tier, "k", value("small"))).toBe("stored");
  expect(seen(await b.tier.read("k"))).toBe("small");
  expect(await a.tier.put("k", large)).toEqual({ kind: "applied" });
  expect(seen(await b.tier.read("k"))).toBe("absent");
  await expect.poll(() => b.told, soon).toEqual([deleted({ keys: ["k"] })]);
  expect(a.tier.status().state).toBe("ready");
});

test("an increment that Redis refuses was not done, and says so; one without an answer may have been", async () => {
  const [a] = await two({ timeoutMs: 100 });
  const kept = { ttlMs: 60_000, tags: [] };
  expect(await a.tier.increment("n", 1, kept)).toBe(1);
  await redis.command("ACL", "SETUSER", "default", "-evalsha");
  await expect(a.tier.increment("n", 1, kept)).rejects.toThrow(/^n was not incremented: .*NOPERM/);
  await redis.command("ACL", "SETUSER", "default", "+evalsha");
  await expect.poll(() => a.tier.increment("n", 1, kept).catch(String)).toBe(2);
  redis.pause();
  try {
    await expect(a.tier.increment("n", 1, kept)).rejects.toThrow(
      /^Whether n was incremented is not/,
    );
  } finally {
    redis.resume();
  }
});
