import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { channels } from "../../core/channels.ts";
import { manualClock } from "../../core/clock.ts";
import { type CacheOptions, createCache, defineKey } from "../index.ts";
import type { LeaseAnswer } from "../shared/port.ts";
import { segmentsOf } from "./segments.ts";
import { standardStrategies } from "./strategies.ts";
import { warmMany, warmOne } from "./tasks.ts";
import type { WarmTask, WarmUpEvent, WarmUpOptions, WarmUpProgress } from "./types.ts";
import { createWarmUp } from "./warm-up.ts";

const key = defineKey("thing", (id: number | string) => [id]).of<number>();
const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
});

function open(
  tasks: readonly WarmTask[],
  options: Partial<WarmUpOptions<Record<string, object>>> & { cacheOptions?: CacheOptions } = {},
) {
  const clock = manualClock();
  const { cacheOptions, cache: given, ...rest } = options;
  const cache = given ?? createCache({ clock, jitter: 0, ttlMs: 300_000, ...cacheOptions });
  const warmUp = createWarmUp({
    cache,
    strategies: { all: { tasks } },
    strategy: "all",
    clock,
    random: () => 0,
    ...rest,
  });
  opened.push(warmUp);
  return { clock, cache, warmUp };
}

const named = (name: string, run: WarmTask["run"] = async () => {}, priority = 0): WarmTask => ({
  name,
  priority,
  run,
});

test("tasks fill the cache with their strategy's time to live, and are reported", async () => {
  const { warmUp, cache, clock } = open([], {
    strategies: {
      all: {
        ttlMs: 60_000,
        tasks: [
          warmOne({ name: "one", key: key(1), load: () => 1 }),
          warmMany({
            name: "many",
            keys: async () => [2, 3, 4].map((id) => key(id)),
            load: (keys) => keys.map((one) => Number(segmentsOf(one)[0])),
            options: { ttlMs: 600_000, batchSize: 2 },
          }),
        ],
      },
    },
  });
  await cache.set(key(3), 33);
  const report = await warmUp.run().report;
  expect(report).toMatchObject({ strategy: "all", loaded: 3, there: 1, failed: [], skipped: [] });
  expect([...report.done].sort()).toEqual(["many", "one"]);
  expect([1, 2, 3, 4].map((id) => cache.peek(key(id)))).toEqual([1, 2, 33, 4]);
  expect(cache.entry(key(1))!.freshUntilMs - clock.nowMs()).toBe(60_000);
  expect(cache.entry(key(2))!.freshUntilMs - clock.nowMs()).toBe(600_000);
});

test("the important ones come first, and only so many at once", async () => {
  const order: string[] = [];
  let running = 0;
  let most = 0;
  const work = (name: string) => async () => {
    order.push(name);
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
  };
  const tasks = [1, 5, 3, 9, 7].map((n) => named(`p${n}`, work(`p${n}`), n));
  const { warmUp } = open(tasks, { concurrency: 2 });
  await warmUp.run().report;
  expect(order).toEqual(["p9", "p7", "p5", "p3", "p1"]);
  expect(most).toBe(2);
});

test("however many loads a task asks for, only so many run at once", async () => {
  let running = 0;
  let most = 0;
  const load = async () => {
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
    return 1;
  };
  const ids = Array.from({ length: 20 }, (_, id) => id);
  const { warmUp } = open(
    [named("greedy", (warm) => Promise.all(ids.map((id) => warm.one(key(id), load))))],
    { concurrency: 3 },
  );
  expect(await warmUp.run().report).toMatchObject({ loaded: 20, done: ["greedy"] });
  expect(most).toBe(3);
});

test("a task that fails is tried again, later each time, and stops nothing", async () => {
  const attempts: number[] = [];
  const { warmUp, clock } = open(
    [
      named("broken", async () => {
        attempts.push(clock.nowMs());
        throw new Error("source down");
      }),
      named("flaky", async ({ attempt }) => {
        if (attempt === 1) throw new Error("once");
      }),
      named("fine"),
    ],
    { retries: 2, retryAfterMs: 100 },
  );
  const run = warmUp.run();
  const pass = async (ms: number) => {
    await clock.advance(ms);
    for (let turn = 0; turn < 5; turn++) await clock.advance(0);
  };
  await pass(0);
  await pass(99);
  expect(attempts).toEqual([0]);
  await pass(1);
  await pass(200);
  expect(attempts).toEqual([0, 100, 300]);
  const report = await run.report;
  expect(report.done).toEqual(["fine", "flaky"]);
  expect(report.failed).toEqual([{ task: "broken", error: new Error("source down"), attempts: 3 }]);
});

test("a load's error counts even where a stale value stands in for it", async () => {
  const { warmUp, cache, clock } = open(
    [warmOne({ name: "one", key: key(1), load: () => Promise.reject(new Error("down")) })],
    { retries: 0, cacheOptions: { graceMs: 3_600_000 } },
  );
  await cache.set(key(1), 1, { ttlMs: 10 });
  await clock.advance(20);
  expect((await warmUp.run().report).failed).toMatchObject([{ task: "one", attempts: 1 }]);
});

test("an attempt that hangs is given up, its signal aborts and its place is free", async () => {
  let signal: AbortSignal | undefined;
  const { warmUp, clock } = open(
    [
      named("hangs", (warm) => {
        signal = warm.signal;
        return new Promise(() => {});
      }),
      named("after"),
    ],
    { concurrency: 1, retries: 0, taskMaxMs: 1_000 },
  );
  const run = warmUp.run();
  await clock.advance(0);
  await clock.advance(1_000);
  expect(await run.report).toMatchObject({ done: ["after"], failed: [{ task: "hangs" }] });
  expect(signal!.aborted).toBe(true);
});

test("progress tells running tasks, percent and the time left, by iterating and by callback", async () => {
  const told: WarmUpProgress[] = [];
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { warmUp, clock } = open(
    gates.map((gate, n) => named(`t${n}`, () => gate.promise)),
    { concurrency: 1, onProgress: (progress) => told.push(progress) },
  );
  const run = warmUp.run();
  const seen: WarmUpProgress[] = [];
  const iterated = (async () => {
    for await (const progress of run) seen.push(progress);
  })();
  await clock.advance(0);
  expect(run.progress).toMatchObject({ tasks: 2, done: 0, running: ["t0"], etaMs: undefined });
  expect(warmUp.status().running?.running).toEqual(["t0"]);
  await clock.advance(500);
  gates[0]!.resolve();
  await clock.advance(0);
  expect(run.progress).toMatchObject({ done: 1, percent: 50, etaMs: 500, running: ["t1"] });
  gates[1]!.resolve();
  await iterated;
  expect(seen.at(-1)).toMatchObject({ ended: true, percent: 100, etaMs: 0 });
  expect(told.at(-1)).toMatchObject({ ended: true, done: 2 });
  for await (const progress of run) expect(progress.ended).toBe(true);
});

test("what onProgress throws stops nothing", async () => {
  const uncaught: unknown[] = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => uncaught.push(error));
  try {
    const { warmUp } = open([named("a")], {
      onProgress: () => {
        throw new Error("listener");
      },
    });
    expect(await warmUp.run().report).toMatchObject({ done: ["a"] });
    await sleep(1);
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
  expect(uncaught.length).toBeGreaterThan(0);
});

test("a cancelled run gives up what runs and skips the rest", async () => {
  const stop = new AbortController();
  const { warmUp, clock } = open(
    [named("runs", () => new Promise(() => {})), named("waits"), named("waits too")],
    { concurrency: 1 },
  );
  const run = warmUp.run("all", { signal: stop.signal });
  await clock.advance(0);
  stop.abort();
  const report = await run.report;
  expect(report).toMatchObject({ cancelled: true, done: [], failed: [] });
  expect(report.skipped.map(({ task }) => task)).toEqual(["runs", "waits", "waits too"]);
  expect(report.skipped[0]!.because).toBe("its caller cancelled it");
});

test("it runs at start and then on its schedule, never two at once", async () => {
  let runs = 0;
  const { warmUp, clock } = open(
    [
      named("counts", async () => {
        runs += 1;
      }),
    ],
    { everyMs: 10_000, random: () => 0.5 },
  );
  const first = warmUp.start();
  expect(warmUp.start()).toBeUndefined();
  await first!.report;
  expect(runs).toBe(1);
  await clock.advance(0);
  expect(warmUp.status().nextAtMs).toBe(clock.wallMs() + 9_500);
  await clock.advance(9_500);
  expect(runs).toBe(2);
  await clock.advance(9_500);
  expect(runs).toBe(3);
  expect(warmUp.status().last).toMatchObject({ done: ["counts"] });
  await warmUp.close();
  await clock.advance(60_000);
  expect(runs).toBe(3);
});

test("a strategy that runs is joined, another waits for its turn", async () => {
  const gate = Promise.withResolvers<void>();
  const ran: string[] = [];
  const { warmUp, clock } = open([], {
    strategies: {
      all: { tasks: [named("slow", () => gate.promise)] },
      other: { tasks: () => [named("other", async () => void ran.push("other"))] },
    },
  });
  const run = warmUp.run("all");
  expect(warmUp.run("all")).toBe(run);
  const other = warmUp.run("other");
  await clock.advance(10);
  expect(ran).toEqual([]);
  gate.resolve();
  await other.report;
  expect(ran).toEqual(["other"]);
  expect(warmUp.run("all")).not.toBe(run);
});

test("a value whose time is half over is loaded again, and given meanwhile", async () => {
  let loads = 0;
  const { warmUp, cache, clock } = open(
    [
      warmOne({
        name: "one",
        key: key(1),
        load: () => {
          loads += 1;
          return loads;
        },
        options: { ttlMs: 1_000 },
      }),
    ],
    {},
  );
  await warmUp.run().report;
  await clock.advance(400);
  expect(await warmUp.run().report).toMatchObject({ there: 1, loaded: 0 });
  await clock.advance(200);
  expect(await warmUp.run().report).toMatchObject({ there: 0, loaded: 1 });
  expect(cache.peek(key(1))).toBe(2);
});

test("an invalidation during warming is not undone by it", async () => {
  const gate = Promise.withResolvers<number>();
  const { warmUp, cache, clock } = open([
    warmOne({ name: "one", key: key(1), load: () => gate.promise }),
  ]);
  const run = warmUp.run();
  await clock.advance(0);
  await cache.delete(key(1));
  gate.resolve(1);
  await run.report;
  expect(cache.peek(key(1))).toBeUndefined();
});

test("a cache that is off is not warmed", async () => {
  const { warmUp } = open([named("a")], { cacheOptions: { enabled: false } });
  expect((await warmUp.run().report).skipped).toEqual([
    { task: "a", because: "the cache is off or closed" },
  ]);
});

test("a table of tasks that cannot be made is a failed run, not a failed start", async () => {
  const { warmUp } = open([], {
    strategies: {
      all: {
        tasks: () => {
          throw new Error("no table");
        },
      },
    },
  });
  expect((await warmUp.start()!.report).failed).toMatchObject([{ error: new Error("no table") }]);
});

function leased(answer: LeaseAnswer, asked: string[] = []) {
  const clock = manualClock();
  const cache = createCache({ clock });
  const lease = async (name: string) => {
    asked.push(name);
    return answer;
  };
  const shared = { usable: true, lease };
  return {
    asked,
    cache: new Proxy(cache, {
      get: (it, name) => (name === "shared" ? shared : Reflect.get(it, name)),
    }),
  };
}

test("a task that another process runs is followed when that is done", async () => {
  const over = Promise.withResolvers<void>();
  let left = 0;
  const { cache } = leased({
    kind: "theirs",
    over: over.promise,
    leave: () => {
      left += 1;
    },
  });
  const { warmUp, clock } = open([named("a")], { cache });
  const run = warmUp.run();
  await clock.advance(100);
  expect(run.progress).toMatchObject({ running: ["a"], done: 0 });
  over.resolve();
  expect(await run.report).toMatchObject({ done: ["a"] });
  expect(left).toBe(1);
});

test("or left to it; a lease of our own ends with its task; without Redis each warms", async () => {
  const theirs = leased({ kind: "theirs", over: new Promise(() => {}), leave() {} });
  const skipping = open([named("a")], { cache: theirs.cache, whenElsewhere: "skip" });
  expect((await skipping.warmUp.run().report).skipped).toEqual([
    { task: "a", because: "another process warms it" },
  ]);
  let released = 0;
  const lease = {
    holder: "me",
    release: () => {
      released += 1;
    },
  };
  const mine = leased({ kind: "mine", lease, meanwhile: undefined });
  const ours = open([named("a"), named("b", () => Promise.reject(new Error("x")))], {
    cache: mine.cache,
    retries: 0,
  });
  expect(await ours.warmUp.run().report).toMatchObject({ done: ["a"], failed: [{ task: "b" }] });
  expect(released).toBe(2);
  expect(mine.asked).toEqual(["hasten-warm-up:warm-up:all:a", "hasten-warm-up:warm-up:all:b"]);
  const away = leased({ kind: "unavailable", because: "away" });
  expect(await open([named("a")], { cache: away.cache }).warmUp.run().report).toMatchObject({
    done: ["a"],
  });
});

test("the usual strategies: critical, hot by kind, recent, and all of them", async () => {
  const { cache, clock } = open([]);
  const since: Date[] = [];
  const hot: string[] = [];
  for (let n = 0; n < 60_000; n++) {
    if (n % 1_000 === 0) await cache.set(key("a:b"), n);
    cache.peek(key("a:b"));
  }
  const strategies = standardStrategies(cache, {
    critical: [named("critical")],
    hot: {
      thing: ([id]) => {
        hot.push(id!);
        return 1;
      },
    },
    recent: (from) => {
      since.push(from);
      return [named("recent")];
    },
  });
  const { warmUp } = open([], { cache, strategies, strategy: "comprehensive" });
  await cache.clear();
  const report = await warmUp.run().report;
  expect([...report.done].sort()).toEqual(["critical", "hot thing", "recent"]);
  expect(hot).toEqual(["a:b"]);
  expect(cache.peek(key("a:b"))).toBe(1);
  expect(clock.wallMs() - since[0]!.getTime()).toBe(7 * 86_400_000);
});

test("events are published for who listens", async () => {
  const events: WarmUpEvent[] = [];
  const listener = (event: unknown) => void events.push(event as WarmUpEvent);
  channels.cacheWarmUp.subscribe(listener);
  try {
    await open([named("bad", () => Promise.reject(new Error("x")))], { retries: 0 }).warmUp.run()
      .report;
  } finally {
    channels.cacheWarmUp.unsubscribe(listener);
  }
  expect(events.map(({ kind }) => kind)).toEqual([
    "progress",
    "progress",
    "task-failed",
    "progress",
    "ended",
  ]);
});

test("options out of bounds and unknown strategies are refused", () => {
  expect(() => open([], { concurrency: 0 })).toThrow("HST_CACHE_OPTION");
  expect(() => open([], { strategy: "none" })).toThrow("HST_CACHE_OPTION");
  expect(() => open([], { strategies: { all: { includes: ["x"] } } })).toThrow("x");
  expect(() => open([]).warmUp.run("toString")).toThrow("HST_CACHE_OPTION");
});

test("segments of a key are given back as they were", () => {
  const parts = defineKey("k", (...all: string[]) => all).of<1>();
  const hostile = ["a:b", "%3A", "%u0041", "\ud800", "", "ü%"];
  expect(segmentsOf(parts(...hostile))).toEqual(hostile);
});
