import fc from "fast-check";
import { expect, test } from "vitest";
import { manualClock } from "../core/clock.ts";
import { sampledMemory } from "./memory-sample.ts";
import { createRequestLog, ROUTES_MAX, SLOW_REQUESTS_MAX } from "./request-log.ts";
import { OPERATIONS_MAX, startRequestTiming, type TimedRequest } from "./request-timing.ts";
import { formatServerTiming, SERVER_TIMING_ENTRIES_MAX } from "./server-timing.ts";

test("a request sums its database and cache time, and operations by kind and model", async () => {
  const clock = manualClock();
  const timing = startRequestTiming("GET", clock);
  timing.database({ kind: "select", model: "metrics", durationMs: 3 });
  timing.database({ kind: "select", model: "metrics", durationMs: 4 });
  timing.database({ kind: "update", model: "users", durationMs: 1 });
  timing.cache({ hit: true, durationMs: 0.5 });
  timing.cache({ hit: false, durationMs: 0.25 });
  await clock.advance(12);
  expect(formatServerTiming(timing.serverTimings())).toBe(
    'db;dur=8;desc="3 statements", cache;dur=0.8;desc="1 hits of 2", app;dur=12',
  );
  const finished = timing.finish({ status: 200, route: "/metrics/:id", memoryBytes: 5 });
  expect(finished).toMatchObject({
    method: "GET",
    route: "/metrics/:id",
    status: 200,
    durationMs: 12,
    databaseMs: 8,
    databaseOperations: 3,
    cacheMs: 0.75,
    cacheHits: 1,
    cacheMisses: 1,
    memoryBytes: 5,
    operations: [
      { kind: "select", model: "metrics", count: 2, durationMs: 7 },
      { kind: "update", model: "users", count: 1, durationMs: 1 },
    ],
  });
  await clock.advance(5);
  expect(timing.finish({ status: 500, route: "x" })).toBe(finished);
});

test("operations of one request are bounded", () => {
  const timing = startRequestTiming("GET", manualClock());
  for (let at = 0; at < 1000; at++) {
    timing.database({ kind: "select", model: `t${at}`, durationMs: 1 });
  }
  const { operations, databaseOperations } = timing.finish({ status: 200, route: "/" });
  expect(databaseOperations).toBe(1000);
  expect(operations.length).toBeLessThanOrEqual(OPERATIONS_MAX + 1);
  expect(operations.at(-1)).toMatchObject({ kind: "other", count: 1000 - OPERATIONS_MAX });
});

const request = (more: Partial<TimedRequest>): TimedRequest => ({
  method: "GET",
  route: "/a",
  status: 200,
  durationMs: 10,
  databaseMs: 2,
  databaseOperations: 1,
  databaseWaitMs: 0,
  cacheMs: 1,
  cacheHits: 1,
  cacheMisses: 0,
  operations: [{ kind: "select", model: "a", count: 1, durationMs: 2 }],
  memoryBytes: undefined,
  startedAtMs: 0,
  ...more,
});

test("memory is measured at most once a second", async () => {
  const clock = manualClock();
  let measured = 0;
  const memory = sampledMemory(clock, () => {
    measured += 1;
    return measured;
  });
  expect([memory(), memory()]).toEqual([1, 1]);
  await clock.advance(999);
  expect(memory()).toBe(1);
  await clock.advance(1);
  expect(memory()).toBe(2);
  expect(sampledMemory(clock)()).toBeGreaterThan(1_000_000);
});

test("the log sums by route and reports a request slower than a second", () => {
  const slow: TimedRequest[] = [];
  const log = createRequestLog({ onSlow: (one) => slow.push(one) });
  expect(log.record(request({}))).toBe("normal");
  expect(log.record(request({ durationMs: 1_000 }))).toBe("normal");
  expect(log.record(request({ durationMs: 1_001, status: 503 }))).toBe("slow");
  log.record(request({ route: "/b", method: "PUT", memoryBytes: 7 }));
  const snapshot = log.snapshot();
  expect(snapshot).toMatchObject({ requests: 4, slowRequests: 1, memoryBytes: 7 });
  expect(snapshot.slow).toEqual(slow);
  expect(snapshot.routes).toHaveLength(2);
  expect(snapshot.routes[0]).toMatchObject({
    route: "/a",
    serverErrors: 1,
    databaseMs: 6,
    cacheHits: 3,
    operations: [{ kind: "select", model: "a", count: 3, durationMs: 6 }],
  });
  expect(snapshot.routes[0]!.durations.count).toBe(3);
  log.reset();
  expect(log.snapshot()).toMatchObject({ requests: 0, routes: [], slow: [] });
});

test("operations of one route are bounded", () => {
  const log = createRequestLog();
  for (let at = 0; at < OPERATIONS_MAX * 3; at++) {
    log.record(
      request({ operations: [{ kind: "select", model: `t${at}`, count: 2, durationMs: 1 }] }),
    );
  }
  const { operations } = log.snapshot().routes[0]!;
  expect(operations).toHaveLength(OPERATIONS_MAX + 1);
  expect(operations.at(-1)).toMatchObject({ kind: "other", count: OPERATIONS_MAX * 4 });
});

test("routes and slow requests are bounded", () => {
  const log = createRequestLog({ slowMs: 5 });
  for (let at = 0; at < ROUTES_MAX * 2; at++) log.record(request({ route: `/${at}` }));
  const snapshot = log.snapshot();
  expect(snapshot.routes).toHaveLength(ROUTES_MAX + 1);
  expect(snapshot.routes.at(-1)).toMatchObject({ route: "other", method: "*" });
  expect(snapshot.slow).toHaveLength(SLOW_REQUESTS_MAX);
  expect(() => createRequestLog({ slowMs: 0 })).toThrow(/slowMs/);
});

test("Server-Timing is a list of tokens with quoted descriptions, whatever the names", () => {
  expect(formatServerTiming([])).toBeUndefined();
  expect(formatServerTiming([{ name: "a b", durationMs: -1, description: 'x"\n' }])).toBe(
    'a_b;dur=0;desc="x\\"?"',
  );
  const many = Array.from({ length: 50 }, () => ({ name: "x" }));
  expect(formatServerTiming(many)?.split(",")).toHaveLength(SERVER_TIMING_ENTRIES_MAX);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.double(), (name, durationMs) => {
      expect(formatServerTiming([{ name, durationMs, description: name }])).toMatch(/^[ -~]+$/);
    }),
  );
});
