import { expect, test } from "vitest";
import { manualClock } from "../core/clock.ts";
import { createCache, defineKey } from "./index.ts";

const key = defineKey("thing", (n: number) => [n]).of<number>();

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
};

function setUp(options: Parameters<typeof createCache>[0] = {}) {
  const clock = manualClock();
  const cache = createCache({ clock, jitter: 0, loadsMax: 2, ...options });
  const begun: number[] = [];
  const held = new Map<number, PromiseWithResolvers<number>>();
  const ask = (n: number): Promise<number> =>
    Promise.resolve(
      cache.getOrSet(key(n), () => {
        begun.push(n);
        const one = Promise.withResolvers<number>();
        held.set(n, one);
        return one.promise;
      }),
    );
  return { cache, clock, begun, held, ask };
}

test("at most loadsMax loads run; the others follow in order, also after a failure", async () => {
  const { cache, begun, held, ask } = setUp();
  const answers = [0, 1, 2, 3, 4].map(ask);
  await settle();
  expect(begun).toEqual([0, 1]);
  expect(cache.stats()).toMatchObject({ loads: 2, runningLoads: 5, queuedLoads: 3 });
  held.get(1)!.reject(new Error("down"));
  await expect(answers[1]).rejects.toThrow("down");
  await settle();
  expect(begun).toEqual([0, 1, 2]);
  for (const n of [0, 2]) held.get(n)!.resolve(n);
  await settle();
  for (const n of [3, 4]) held.get(n)!.resolve(n);
  expect(await Promise.all([0, 2, 3, 4].map((n) => answers[n]))).toEqual([0, 2, 3, 4]);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
});

test("a hit and a joined load need no place", async () => {
  const { cache, held, ask, begun } = setUp({ loadsMax: 1 });
  await cache.set(key(9), 9);
  const [one, same] = [ask(1), ask(1)];
  expect(await ask(9)).toBe(9);
  await settle();
  held.get(1)!.resolve(1);
  expect(await Promise.all([one, same])).toEqual([1, 1]);
  expect(begun).toEqual([1]);
});

test("a load within a load does not wait for a place", async () => {
  const { cache } = setUp({ loadsMax: 1 });
  const deep = (n: number): Promise<number> | number =>
    cache.getOrSet(key(n), async () => (n === 0 ? 0 : (await deep(n - 1)) + 1));
  expect(await deep(5)).toBe(5);
});

test("a load that waits for a queued one lets it through", async () => {
  const { cache, ask, held } = setUp({ loadsMax: 1 });
  const start = Promise.withResolvers<void>();
  const outer = cache.getOrSet(key(1), async () => {
    await start.promise;
    return (await ask(2)) + 1;
  });
  const queued = ask(2);
  await settle();
  expect(cache.stats().queuedLoads).toBe(1);
  start.resolve();
  await settle();
  held.get(2)!.resolve(2);
  expect(await Promise.all([outer, queued])).toEqual([3, 2]);
});

test("more than fillsMax that wait are refused, and a stale value stands in", async () => {
  const { ask, begun, cache, held } = setUp({ loadsMax: 1, fillsMax: 2 });
  const answers = [0, 1, 2, 3, 4].map((n) => ask(n).catch((error) => error.code));
  await settle();
  expect(begun).toEqual([0]);
  expect(await answers[4]).toBe("HST_CACHE_BUSY");
  for (const n of [0, 1, 2, 3]) {
    held.get(n)?.resolve(n);
    await settle();
  }
  expect((await Promise.all(answers)).slice(0, 3)).toEqual([0, 1, 2]);
  await cache.close();
});

test("a load that was given up gives its place back, and who waits too long is told", async () => {
  const { ask, begun, clock } = setUp({ loadsMax: 1, loadMaxMs: 100 });
  const first = ask(1).catch((error) => error.code);
  const second = ask(2).catch((error) => error.code);
  await clock.advance(130);
  expect(await first).toBe("HST_CACHE_ABANDONED");
  expect(begun).toEqual([1, 2]);
  await clock.advance(300);
  expect(await second).toBe("HST_CACHE_ABANDONED");
});

test("bounds are checked", () => {
  expect(() => createCache({ loadsMax: 0 })).toThrow("HST_CACHE_OPTION");
  expect(() => createCache({ earlyRefresh: { beta: -1 } })).toThrow("HST_CACHE_OPTION");
  expect(() => createCache({ redis: "redis://127.0.0.1:1", log: {} as never })).toThrow(
    "HST_CACHE_OPTION",
  );
});

test("early refresh: a hit reloads the sooner the longer the load took", async () => {
  const clock = manualClock();
  const draws = [0.5, 0.01];
  const random = (): number => draws.shift() ?? 1;
  const cache = createCache({ clock, random, jitter: 0, ttlMs: 1_000, earlyRefresh: { beta: 1 } });
  let loads = 0;
  const load = async (): Promise<number> => {
    await clock.advance(100);
    return ++loads;
  };
  await cache.getOrSet(key(1), load);
  // 100 ms of loading, drawn 0.5: refreshed from 69 ms before the end on.
  await clock.advance(920);
  expect(cache.getOrSet(key(1), load)).toBe(1);
  expect(loads).toBe(1);
  await clock.advance(15);
  expect(cache.getOrSet(key(1), load)).toBe(1);
  await settle();
  expect(loads).toBe(2);
});

test("memory.ttlMaxMs cuts the time to live here", async () => {
  const { cache, clock } = setUp({ memory: { ttlMaxMs: 50 } });
  await cache.set(key(1), 1);
  await clock.advance(51);
  expect(cache.peek(key(1))).toBeUndefined();
});
