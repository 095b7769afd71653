import { expect, test } from "vitest";
import { manualClock } from "../../core/clock.ts";
import { HALF_LIFE_MS, HitSampler } from "./sampler.ts";

/** The same distances in every run. */
function seeded(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function open() {
  const clock = manualClock();
  const counters = { hits: 0 };
  let known = false;
  let drops = 0;
  const drop = () => {
    known = false;
    drops += 1;
  };
  const parts = { counters, clock, coarse: { drop }, look: () => undefined };
  const sampler = new HitSampler(parts, seeded());
  /** As a cache counts them. */
  const hit = (key: string, times = 1) => {
    for (let n = 0; n < times; n++) {
      counters.hits += 1;
      if (!known) {
        known = true;
        sampler.see(key);
      } else if (counters.hits % 256 === 0) drop();
    }
  };
  return { clock, counters, sampler, hit, drop, drops: () => drops };
}

test("under load one hit in thousands is looked at", async () => {
  const { hit, counters, sampler, drops } = open();
  hit("a", 1_000_000);
  expect(sampler.latency.count).toBeLessThan(counters.hits / 1_000);
  expect(sampler.latency.count).toBeGreaterThan(counters.hits / 4_000);
  expect(drops() / (counters.hits / 256)).toBeLessThan(4);
});

test("where hits are rare more of them are looked at", async () => {
  const { hit, sampler, clock, drop } = open();
  hit("a", 100_000);
  const before = sampler.latency.count;
  for (let second = 0; second < 400; second++) {
    await clock.advance(1_000);
    drop();
    hit("a", 20);
  }
  expect(sampler.latency.count - before).toBeGreaterThan(100);
});

test("keys that take turns in step with the sampling are all seen", () => {
  const { hit, sampler } = open();
  for (let round = 0; round < 40_000; round++) for (let n = 0; n < 16; n++) hit(`k${n}`);
  expect(sampler.hottest(100).length).toBe(16);
});

test("weights are about the numbers of hits, and fade", async () => {
  const { hit, sampler, clock } = open();
  for (let n = 0; n < 1_000_000; n++) hit(n % 10 === 3 ? "warm" : "hot");
  const [first, second] = sampler.hottest(2);
  expect([first!.key, second!.key]).toEqual(["hot", "warm"]);
  expect(first!.atLeast / 900_000).toBeGreaterThan(0.9);
  expect(first!.atLeast / 900_000).toBeLessThan(1.1);
  await clock.advance(HALF_LIFE_MS);
  hit("warm", 5_000);
  expect(sampler.hitsOf("hot") / 450_000).toBeCloseTo(1, 0);
});
