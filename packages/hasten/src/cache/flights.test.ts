import { expect, test } from "vitest";
import { manualClock } from "../core/clock.ts";
import { createCache, defineKey } from "./index.ts";

const key = defineKey("thing", (id: number) => [id]).of<string>();

/** Loads whose ends are decided by the test; knows how many ran at once. */
function stage() {
  const waiting: { resolve(value: string): void; reject(error: Error): void }[] = [];
  let running = 0;
  let runningMax = 0;
  let started = 0;
  const ended = () => {
    running -= 1;
  };
  return {
    load: (): Promise<string> => {
      started += 1;
      running += 1;
      runningMax = Math.max(runningMax, running);
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      waiting.push({ resolve, reject });
      promise.then(ended, ended);
      return promise;
    },
    succeed: (value: string) => waiting.shift()!.resolve(value),
    fail: (message: string) => waiting.shift()!.reject(new Error(message)),
    get started() {
      return started;
    },
    get runningMax() {
      return runningMax;
    },
  };
}

const settled = async (turns = 20) => {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
};

test("10,000 callers of a missing key run one load", async () => {
  const cache = createCache();
  const source = stage();
  const answers = Array.from({ length: 10_000 }, () => cache.getOrSet(key(1), source.load));
  source.succeed("v");
  expect(new Set(await Promise.all(answers))).toEqual(new Set(["v"]));
  expect(source.started).toBe(1);
  expect(cache.stats()).toMatchObject({ loads: 1, coalesced: 9_999, misses: 10_000 });
});

test("a failed leader hands over to exactly one waiter, and the others share its load", async () => {
  const cache = createCache();
  const source = stage();
  const answers = Array.from({ length: 10_000 }, () => cache.getOrSet(key(1), source.load));
  const outcomes = Promise.allSettled(answers);
  source.fail("down");
  await settled();
  const newcomer = cache.getOrSet(key(1), source.load);
  await settled();
  expect(source.started).toBe(2);
  source.succeed("v");
  const [leader, ...waiters] = await outcomes;
  expect(leader!.status).toBe("rejected");
  expect(waiters.every((one) => one.status === "fulfilled" && one.value === "v")).toBe(true);
  expect(await newcomer).toBe("v");
  expect(source).toMatchObject({ started: 2, runningMax: 1 });
});

test("when the successor fails too, every waiter gets its error and nothing hangs", async () => {
  const cache = createCache();
  const source = stage();
  const outcomes = Promise.allSettled(
    Array.from({ length: 1_000 }, async () => cache.getOrSet(key(1), source.load)),
  );
  source.fail("first");
  await settled();
  source.fail("second");
  const messages = (await outcomes).map((one) => one.status === "rejected" && one.reason.message);
  expect(messages[0]).toBe("first");
  expect(new Set(messages.slice(1))).toEqual(new Set(["second"]));
  expect(source).toMatchObject({ started: 2, runningMax: 1 });
  expect(cache.stats()).toMatchObject({ runningLoads: 0, loadFailures: 2 });
});

test("handoversMax lets that many waiters try, one after the other", async () => {
  const cache = createCache({ handoversMax: 3 });
  const source = stage();
  const outcomes = Promise.allSettled(
    Array.from({ length: 10 }, async () => cache.getOrSet(key(1), source.load)),
  );
  for (const message of ["1", "2", "3"]) {
    source.fail(message);
    await settled();
  }
  source.succeed("v");
  const values = (await outcomes).map((one) => (one.status === "fulfilled" ? one.value : "error"));
  expect(values.filter((value) => value === "v")).toHaveLength(7);
  expect(source).toMatchObject({ started: 4, runningMax: 1 });
});

test("a load that throws at once rejects and leaves nothing behind", async () => {
  const cache = createCache();
  const answer = cache.getOrSet(key(1), () => {
    throw new Error("at once");
  });
  await expect(answer).rejects.toThrow("at once");
  expect(cache.stats()).toMatchObject({ runningLoads: 0, entries: 0 });
  expect(await cache.getOrSet(key(1), () => "v")).toBe("v");
});

test("a load beyond loadMaxMs is aborted, its waiters go on, its late value is dropped", async () => {
  const clock = manualClock();
  const cache = createCache({ clock, loadMaxMs: 1_000 });
  const source = stage();
  let signal: AbortSignal | undefined;
  const first = Promise.resolve(
    cache.getOrSet(key(1), (context) => {
      signal = context.signal;
      return source.load();
    }),
  ).catch((error) => error.code);
  const second = cache.getOrSet(key(1), source.load);
  await clock.advance(1_300);
  expect(await first).toBe("HST_CACHE_ABANDONED");
  expect(signal!.aborted).toBe(true);
  expect(source.started).toBe(2);
  source.succeed("late");
  await settled();
  expect(cache.peek(key(1))).toBeUndefined();
  source.succeed("v");
  expect(await second).toBe("v");
});

test("loads beyond fillsMax run alone and are not stored", async () => {
  const cache = createCache({ fillsMax: 2 });
  const source = stage();
  const answers = [1, 2, 3].map((id) => cache.getOrSet(key(id), source.load));
  for (const value of ["a", "b", "c"]) source.succeed(value);
  expect(await Promise.all(answers)).toEqual(["a", "b", "c"]);
  expect([1, 2, 3].map((id) => cache.peek(key(id)))).toEqual(["a", "b", undefined]);
  expect(cache.stats().bypassed).toBe(1);
});

test("close waits for running loads, then forgets everything and passes through", async () => {
  const clock = manualClock();
  const cache = createCache({ clock });
  const source = stage();
  const answer = cache.getOrSet(key(1), source.load);
  const closing = cache.close();
  source.succeed("v");
  expect(await answer).toBe("v");
  await closing;
  expect(cache.enabled).toBe(false);
  expect(cache.stats()).toMatchObject({ entries: 0, runningLoads: 0 });
  expect(await cache.getOrSet(key(1), () => "again")).toBe("again");
  expect(cache.peek(key(1))).toBeUndefined();
  expect(await cache.set(key(1), "v")).toEqual({ kind: "refused", because: "cache is closed" });
});

test("close aborts what still runs after drainMs", async () => {
  const clock = manualClock();
  const cache = createCache({ clock, drainMs: 100 });
  const source = stage();
  const answer = Promise.resolve(cache.getOrSet(key(1), source.load)).catch((error) => error.code);
  const closing = cache.close();
  await clock.advance(101);
  await closing;
  expect(await answer).toBe("HST_CACHE_ABANDONED");
});

test("close gives the error to those who wait behind an aborted load, and starts no other", async () => {
  const clock = manualClock();
  const cache = createCache({ clock, drainMs: 100, handoversMax: 100 });
  const source = stage();
  const answers = Promise.allSettled([1, 2, 3].map(() => cache.getOrSet(key(1), source.load)));
  let closed = false;
  const closing = cache.close().then(() => {
    closed = true;
  });
  await clock.advance(101);
  expect(closed).toBe(true);
  await closing;
  const codes = (await answers).map((one) => one.status === "rejected" && one.reason.code);
  expect(new Set(codes)).toEqual(new Set(["HST_CACHE_ABANDONED"]));
  expect(source.started).toBe(1);
});

test("a refresh that fails with nobody waiting is no unhandled rejection", async () => {
  const clock = manualClock();
  const cache = createCache({ clock, graceMs: 10_000, ttlMs: 100, jitter: 0 });
  const unhandled: unknown[] = [];
  const listen = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", listen);
  try {
    await cache.set(key(1), "old");
    await clock.advance(200);
    const source = stage();
    expect(cache.getOrSet(key(1), source.load, { softTimeoutMs: 0 })).toBe("old");
    source.fail("down");
    await clock.advance(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(cache.stats().loadFailures).toBe(1);
    expect(unhandled).toEqual([]);
  } finally {
    process.off("unhandledRejection", listen);
  }
});

test("who joins a refresh gets what it brings", async () => {
  const clock = manualClock();
  const cache = createCache({ clock, graceMs: 10_000, ttlMs: 100, jitter: 0 });
  const source = stage();
  await cache.set(key(1), "old");
  await clock.advance(200);
  expect(cache.getOrSet(key(1), source.load, { softTimeoutMs: 0 })).toBe("old");
  const joined = cache.getOrSet(key(1), source.load);
  source.succeed("new");
  expect(await joined).toBe("new");
  expect(source.started).toBe(1);
});

test("after a learnt tag was invalidated, a joiner is sent back once and finishes", async () => {
  const cache = createCache();
  const source = stage();
  const options = { tags: () => ["group"] };
  const first = cache.getOrSet(key(1), source.load, options);
  await cache.delete({ tags: ["group"] });
  const joined = Array.from({ length: 100 }, () => cache.getOrSet(key(1), source.load, options));
  await cache.delete({ tags: ["unrelated"] });
  source.succeed("old");
  expect(await first).toBe("old");
  await settled();
  expect(source.started).toBe(2);
  source.succeed("new");
  expect(new Set(await Promise.all(joined))).toEqual(new Set(["new"]));
  expect(cache.peek(key(1))).toBe("new");
});
