import { expect, test } from "vitest";
import { type Clock, manualClock } from "../core/clock.ts";
import { type Cache, createCache, defineKey, type Key } from "./index.ts";

const key = defineKey("thing", (name: string, n: number) => [name, n]).of<string>();
const HELD = 100;
const hot = Array.from({ length: 60 }, (_, n) => key("hot", n));

const never = (): Promise<string> => Promise.reject(new Error("must not load"));

const peek = (cache: Cache, one: Key<string>): unknown => cache.peek(one);
const entry = (cache: Cache, one: Key<string>): unknown => cache.entry(one);

/** Each reads a fresh entry once. No time passes between the reads. */
const paths: Record<string, (cache: Cache, one: Key<string>) => unknown> = {
  peek,
  get: (cache, one) => cache.get(one),
  getMany: (cache, one) => cache.getMany([one]),
  entry,
  getOrSet: (cache, one) => cache.getOrSet(one, never),
  getOrSetMany: (cache, one) => cache.getOrSetMany([one], () => Promise.reject(new Error("no"))),
  wrap: (cache, one) => cache.wrap(never, { key: () => one })(),
};

/** On the system's clock, whose hits take the short path; on a manual one they never do. */
const clocks = { "the system's clock": undefined, "another clock": manualClock() };
const open = (clock: Clock | undefined = undefined) =>
  createCache({ clock, jitter: 0, memory: { entriesMax: HELD } });

/** Invalidates nothing, unlike `set`: the next read takes the short path. */
const fill = (cache: Cache, one: Key<string>): unknown => cache.getOrSet(one, () => "v");

/**
 * Three times as many newcomers as fit, each used twice more by a path that is not under test: they
 * take the place of what was not used.
 */
async function scan(cache: Cache, use: (cache: Cache, one: Key<string>) => unknown): Promise<void> {
  for (let n = 0; n < 3 * HELD; n++) {
    await fill(cache, key("new", n));
    for (let again = 0; again < 2; again++) await use(cache, key("new", n));
  }
}

const left = (cache: Cache): number => hot.filter((one) => cache.entry(one) !== undefined).length;

for (const [name, read] of Object.entries(paths)) {
  for (const [clockName, clock] of Object.entries(clocks)) {
    test(`every hit by ${name} counts for the eviction policy, in whatever short time, on ${clockName}`, async () => {
      const cache = open(clock);
      for (const one of hot) await fill(cache, one);
      for (let round = 0; round < 6; round++) for (const one of hot) await read(cache, one);
      await scan(cache, name === "entry" ? peek : entry);
      expect(left(cache)).toBeGreaterThan(50);
    });
  }
}

test("entries that are not read again give way to those that are", async () => {
  const cache = open();
  for (const one of hot) await fill(cache, one);
  await scan(cache, peek);
  expect(left(cache)).toBeLessThan(20);
});

test("a stale value that is served counts as a use", async () => {
  const clock = manualClock();
  const cache = createCache({
    clock,
    jitter: 0,
    graceMs: 1e6,
    ttlMs: 1_000,
    retryAfterMs: 1e6,
    memory: { entriesMax: HELD },
  });
  for (const one of hot) await fill(cache, one);
  await clock.advance(2_000);
  for (let round = 0; round < 6; round++)
    for (const one of hot) expect(await cache.getOrSet(one, never)).toBe("v");
  await scan(cache, peek);
  expect(left(cache)).toBeGreaterThan(50);
});
