/** Utilisation, rates and the size hint, by a clock that is moved by hand. */
import { describe, expect, test } from "vitest";
import { manualClock } from "../../core/clock.ts";
import { Checkouts } from "./checkouts.ts";
import { type PoolWatchOptions, resolveWatching } from "./options.ts";
import { poolEventLine, poolLine } from "./pool-line.ts";
import type { PoolPort } from "./port.ts";
import { poissonP95, sizeHint } from "./size-hint.ts";
import { Statements } from "./statements.ts";
import type { CheckoutKind, PoolWatchEvent } from "./types.ts";
import { Watcher } from "./watcher.ts";

function world(options: PoolWatchOptions = {}, max = 10) {
  const clock = manualClock();
  const events: PoolWatchEvent[] = [];
  const now = { active: 0, waiting: 0 };
  const port: PoolPort = {
    ...{ kind: "pg-pool", name: "test" },
    counts: () => ({ total: max, idle: max - now.active, min: 0, max, ...now }),
    isTimeout: () => true,
    destroy: () => undefined,
  };
  const onEvent = (event: PoolWatchEvent): void => void events.push(event);
  const watcher = new Watcher(port, resolveWatching({ clock, onEvent, ...options }));
  const take = (kind: CheckoutKind = "held"): object => {
    const client = {};
    watcher.acquired(watcher.requested(kind), client);
    now.active += 1;
    return client;
  };
  const giveBack = (client: object): void => {
    watcher.returned(client);
    now.active -= 1;
  };
  return { clock, events, now, watcher, take, giveBack };
}

test("utilisation is weighted by time, and what is longer ago than the window is forgotten", async () => {
  const { clock, watcher, take, giveBack } = world();
  const four = [take(), take(), take(), take()];
  await clock.advance(15_000);
  for (const client of four) giveBack(client);
  await clock.advance(15_000);
  expect(watcher.report().utilisationMean).toBeCloseTo(0.2, 5);
  await clock.advance(30_000);
  expect(watcher.report().utilisationMean).toBeCloseTo(0.1, 1);
  await clock.advance(60_000);
  expect(watcher.report().utilisationMean).toBe(0);
  const one = take();
  await clock.advance(600_000);
  expect(watcher.report().utilisationMean).toBeCloseTo(0.1, 5);
  giveBack(one);
});

test("the size hint is Little's law with its numbers", async () => {
  const { clock, watcher, take, giveBack } = world({}, 20);
  for (let second = 0; second < 60; second++)
    for (let n = 0; n < 10; n++) {
      const client = take("query");
      await clock.advance(50);
      giveBack(client);
      await clock.advance(50);
    }
  const { size } = watcher.report();
  expect(size.arrivalsPerSecond).toBeCloseTo(10, 0);
  expect(size.meanHoldMs).toBeCloseTo(50, 5);
  expect(size.busyMean).toBeCloseTo(0.5, 1);
  expect(size).toMatchObject({ verdict: "too-large", max: 20, busyP95: 2, size: 2 });
  expect(size.text).toContain("10.0 checkouts/s x 50.0 ms = 0.5 busy");
});

describe("the verdict", () => {
  const load = {
    ...{ max: 10, target: 0.7, arrivals: 6_000, spanMs: 60_000, meanHoldMs: 50, p95HoldMs: 90 },
    ...{ busyMean: 5, busyPeak: 9, waited: false },
  };
  test.each([
    ["enough", { busyMean: 5 }],
    ["too-small", { meanHoldMs: 200, waited: true }],
    ["too-small", { busyMean: 9, waited: true }],
    ["too-large", { meanHoldMs: 5, busyMean: 0.5, busyPeak: 2 }],
    ["enough", { meanHoldMs: 5, busyMean: 0.5, busyPeak: 9 }],
    ["enough", { meanHoldMs: 5, busyMean: 0.5, busyPeak: 2, waited: true }],
    ["unknown", { arrivals: 3, busyMean: 0, busyPeak: 1 }],
  ])("%s: %j", (verdict, over) => {
    expect(sizeHint({ ...load, ...over }).verdict).toBe(verdict);
  });

  test("head-room is the 95th percentile of Poisson", () => {
    expect([0, 0.5, 1, 5, 10, 100].map(poissonP95)).toEqual([0, 2, 3, 9, 15, 117]);
    expect(poissonP95(501)).toBe(538);
  });
});

test("a leak is told at the limit, once, and when it comes back; one timer for all", async () => {
  const { clock, events, watcher, take, giveBack } = world({ leakMs: 60_000, warnMs: 30_000 });
  const client = take();
  await clock.advance(29_999);
  expect(events).toEqual([]);
  const other = take();
  await clock.advance(1);
  expect(events.map(({ kind }) => kind)).toEqual(["held-long"]);
  await clock.advance(30_000);
  expect(events.map(({ kind }) => kind)).toEqual(["held-long", "held-long", "leak"]);
  await clock.advance(300_000);
  expect(events.map(({ kind }) => kind).filter((kind) => kind === "leak")).toHaveLength(2);
  giveBack(client);
  expect(events.at(-1)).toMatchObject({ kind: "leak-returned", checkout: { ageMs: 360_000 } });
  giveBack(other);
  expect(watcher.report()).toMatchObject({ leaks: 2, leaksOut: 0 });
});

test("what is given back in time is told of never, and afterwards there is no timer", async () => {
  let timers = 0;
  const clock = manualClock();
  const counted = {
    ...clock,
    schedule(delayMs: number, callback: () => void) {
      timers += 1;
      const run = (): void => {
        timers -= 1;
        callback();
      };
      const timer = clock.schedule(delayMs, run);
      return {
        cancel() {
          timers -= 1;
          timer.cancel();
        },
      };
    },
  };
  const { events, take, giveBack } = world({ clock: counted, leakMs: 1_000 });
  for (let n = 0; n < 1_000; n++) {
    const client = take(n % 2 === 0 ? "held" : "query");
    expect(timers).toBe(1);
    await clock.advance(10);
    giveBack(client);
  }
  await clock.advance(5_000);
  expect([timers, events]).toEqual([0, []]);
});

test("a checkout that stays listed after it came back is noticed", async () => {
  const told: string[] = [];
  const clock = manualClock();
  class Forgetful extends Checkouts {
    override returned(client: object) {
      return this.of(client);
    }
  }
  for (const Kind of [Checkouts, Forgetful]) {
    const checkouts = new Kind({
      watching: resolveWatching({ clock, leakMs: 1_000 }),
      statements: new Statements(),
      tell: ({ kind }) => told.push(`${Kind.name} ${kind}`),
      destroy: () => undefined,
    });
    const client = {};
    const blank = { id: 0, client: undefined, takenMs: 0, takenWallMs: 0, warned: false };
    const rest = { leaked: false, destroyed: false, long: false, trace: undefined };
    const checkout = { kind: "held" as const, requestedMs: 0, stack: undefined, ...blank, ...rest };
    checkouts.taken(checkout, client, clock.nowMs());
    checkouts.returned(client);
    await clock.advance(2_000);
  }
  expect(told).toEqual(["Forgetful leak"]);
});

test("many short waits are one time of waiting", async () => {
  const { clock, events, now, watcher, take, giveBack } = world();
  for (let n = 0; n < 50; n++) {
    now.waiting = 1 + (n % 3);
    watcher.asked();
    await clock.advance(5);
    now.waiting = 0;
    giveBack(take());
    await clock.advance(100);
  }
  await clock.advance(1_000);
  expect(events).toMatchObject([
    { kind: "waiting-began", depthMax: 1, durationMs: 0 },
    { kind: "waiting-ended", depthMax: 3, durationMs: 49 * 105 + 5 },
  ]);
  expect(watcher.report()).toMatchObject({ waitings: 1 });
});

test("lines for a log have the numbers and the line of code, and one line", async () => {
  const { clock, events, watcher, take } = world({ leakMs: 1_000 });
  take();
  await clock.advance(1_000);
  expect(poolEventLine(events[0]!)).toMatch(
    /^pool test: a connection is not given back, 1\.0 s so far, taken at .*numbers\.test\.ts:\d+/,
  );
  expect(poolLine(watcher.report())).toMatch(/^pool test: 1 of 10 in use \(10 % now, .*leaked now/);
});

test("bounds of options", () => {
  for (const wrong of [{ leakMs: 9 }, { warnMs: 70_000 }, { destroyAfterMs: 1 }, { stackShare: 2 }])
    expect(() => resolveWatching(wrong)).toThrow(/HST_PG_OPTION/);
  expect(() => resolveWatching({ returnedBusy: "x" as "tell" })).toThrow(/returnedBusy/);
});
