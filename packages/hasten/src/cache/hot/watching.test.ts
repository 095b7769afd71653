import { expect, test } from "vitest";
import { manualClock } from "../../core/clock.ts";
import { type CacheOptions, createCache, defineKey } from "../index.ts";
import { judge, THRESHOLDS } from "./rules.ts";
import type { CacheReport, SharedReport } from "./types.ts";
import { SAMPLE_EVERY_MS, WINDOW_MS } from "./window.ts";

const key = defineKey("thing", (id: number) => [id]).of<number>();

function open(options: CacheOptions = {}) {
  const clock = manualClock();
  return { clock, cache: createCache({ clock, jitter: 0, ...options }) };
}

test("a report tells hits, evictions, utilisation and latencies of the tier in memory", async () => {
  const { cache } = open({ memory: { entriesMax: 10 } });
  for (let id = 0; id < 40; id++) await cache.getOrSet(key(id), () => id);
  const held = cache.coldest(100).map((one) => one.key);
  expect(held.length).toBe(10);
  for (let n = 0; n < 60; n++) cache.peek(held[0]! as never);
  const { memory, hitRate, shared, loads } = cache.report();
  expect(memory).toMatchObject({ hits: 60, misses: 40, entries: 10, entriesMax: 10 });
  expect(hitRate).toBeCloseTo(0.6);
  expect(memory.evictions).toBeGreaterThanOrEqual(30);
  expect(memory.utilisation).toBe(1);
  expect(shared).toBeUndefined();
  expect(loads).toMatchObject({ started: 40, failed: 0, running: 0 });
  expect(loads.latency.count).toBe(40);
});

test("rates are about the latest minutes, counts about all", async () => {
  const { cache, clock } = open({ ttlMs: 3_600_000 });
  for (let id = 0; id < 50; id++) cache.peek(key(id));
  expect(cache.report().hitRate).toBe(0);
  await cache.set(key(1), 1);
  for (let step = 0; step <= (2 * WINDOW_MS) / SAMPLE_EVERY_MS; step++) {
    await clock.advance(SAMPLE_EVERY_MS);
    cache.peek(key(1));
    cache.report();
  }
  const { hitRate, overMs, memory } = cache.report();
  expect(hitRate).toBe(1);
  expect(overMs).toBeLessThanOrEqual(WINDOW_MS);
  expect(memory.misses).toBe(50);
});

test("the hottest keys are those with most hits, the coldest those without", async () => {
  const { cache } = open();
  for (const id of [1, 2, 3]) await cache.set(key(id), id);
  for (let n = 0; n < 400_000; n++) cache.peek(key(n % 4 === 0 ? 2 : 1));
  const hottest = cache.hottest(2);
  expect(hottest.map((one) => one.key)).toEqual([key(1), key(2)]);
  expect(hottest[0]!.hits / 300_000).toBeCloseTo(1, 0);
  expect(cache.coldest(1)[0]).toMatchObject({ key: key(3), hits: 0 });
  expect(cache.report().memory.latency.count).toBeGreaterThan(100);
});

test("a low hit rate and many evictions are found, with evidence and fix, once there is evidence", async () => {
  const { cache } = open({ memory: { entriesMax: 10 } });
  expect((await cache.health()).findings).toEqual([]);
  for (let id = 0; id < 2_000; id++) await cache.getOrSet(key(id), () => id);
  const health = await cache.health({ storedMin: 10 });
  expect(health.healthy).toBe(true);
  expect(health.findings.map(({ id }) => id)).toEqual(["hit-rate-low", "eviction-rate-high"]);
  for (const finding of health.findings) {
    expect(finding.fix.length).toBeGreaterThan(20);
    expect(Object.keys(finding.evidence).length).toBeGreaterThan(2);
  }
  expect((await cache.health({ hitRateMin: 0, evictionRateMax: 1 })).findings).toEqual([]);
});

test("failing loads make a cache unhealthy", async () => {
  const { cache } = open();
  for (let id = 0; id < 30; id++)
    await Promise.resolve(cache.getOrSet(key(id), () => Promise.reject(new Error("down")))).catch(
      () => undefined,
    );
  const health = await cache.health();
  expect(health.healthy).toBe(false);
  expect(health.findings[0]).toMatchObject({ id: "loads-failing", severity: "critical" });
});

test("a cache that is off reports nothing found and nothing wrong", async () => {
  const { cache } = open({ enabled: false });
  await cache.getOrSet(key(1), () => 1);
  expect(cache.report()).toMatchObject({ hitRate: undefined, loads: { started: 1 } });
  expect(cache.hottest()).toEqual([]);
  expect(await cache.health()).toMatchObject({ healthy: true, findings: [] });
});

const { latency } = open().cache.report().memory;
const ready: SharedReport = {
  state: "ready",
  because: undefined,
  sinceMs: 0,
  confirmedAgoMs: 100,
  queued: 0,
  shards: 1,
  server: "localhost:6379",
  hits: 0,
  misses: 0,
  hitRate: undefined,
  unavailable: 0,
  fills: 0,
  refusedFills: 0,
  undecodable: 0,
  invalidations: 0,
  gaps: 0,
  leaseWaits: 0,
  errors: 0,
  timeouts: 0,
  bytesRead: 0,
  bytesWritten: 0,
  readLatency: latency,
  writeLatency: latency,
};
const calm = {
  hits: 0,
  misses: 0,
  stored: 0,
  evictions: 0,
  loads: 0,
  loadFailures: 0,
  sharedHits: 0,
  sharedMisses: 0,
  gaps: 0,
  queued: 0,
};

function judged(
  shared: Partial<SharedReport>,
  grown: Partial<typeof calm>,
  info: Record<string, number | string>,
): readonly string[] {
  const report: CacheReport = {
    ...open().cache.report(),
    atMs: 60_000,
    shared: { ...ready, ...shared },
  };
  const recent = { overMs: 60_000, grown: { ...calm, ...grown } };
  return judge({ report, recent, servers: [info as never] }).map(({ id }) => id);
}

type Case = readonly [
  name: string,
  shared: Partial<SharedReport>,
  grown: Partial<typeof calm>,
  info: Record<string, number | string>,
  expected: readonly string[],
];

const CASES: readonly Case[] = [
  ["a tier that is ready", {}, {}, {}, []],
  ["a tier away for long", { state: "lost", sinceMs: 50_000 }, {}, {}, ["tier-away"]],
  ["a tier away for a moment", { state: "lost", sinceMs: 58_000 }, {}, {}, []],
  ["a tier that refuses", { state: "refused" }, {}, {}, ["tier-refused"]],
  [
    "a wrong password, at once",
    { state: "connecting", because: "WRONGPASS invalid username-password pair", sinceMs: 59_900 },
    {},
    {},
    ["tier-refused"],
  ],
  ["a queue that grows", { queued: 3 }, { queued: 3 }, {}, ["queue-growing"]],
  ["a queue that shrinks", { queued: 3 }, { queued: -2 }, {}, []],
  ["a long queue", { queued: 5_000 }, { queued: -2 }, {}, ["queue-growing"]],
  ["gaps", {}, { gaps: 1 }, {}, ["gaps"]],
  ["a log that is silent", { confirmedAgoMs: 9_000 }, {}, {}, ["log-silent"]],
  ["a log never heard of", { confirmedAgoMs: undefined }, {}, {}, ["log-silent"]],
  [
    "a Redis that evicts at random",
    {},
    {},
    { memoryMaxBytes: 10, memoryPolicy: "allkeys-random" },
    ["memory-policy-unsuitable"],
  ],
  [
    "a full Redis that does not evict",
    {},
    {},
    { memoryMaxBytes: 10, usedMemoryBytes: 10, memoryPolicy: "noeviction" },
    ["redis-memory-full", "memory-policy-unsuitable"],
  ],
  ["a Redis without a limit", {}, {}, { memoryMaxBytes: 0, memoryPolicy: "noeviction" }, []],
  ["a fitting policy", {}, {}, { memoryMaxBytes: 10, memoryPolicy: "volatile-lfu" }, []],
];

for (const [name, shared, grown, info, expected] of CASES)
  test(`health finds about ${name} what it should`, () => {
    expect(judged(shared, grown, info)).toEqual(expected);
  });

test("every threshold has a default", () => {
  expect(Object.values(THRESHOLDS).every((value) => Number.isFinite(value))).toBe(true);
});
