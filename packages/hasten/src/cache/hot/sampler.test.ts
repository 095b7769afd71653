import { expect, test } from "vitest";
import { manualClock } from "../../core/clock.ts";
import { HALF_LIFE_MS, HitSampler } from "./sampler.ts";

function open() {
  const clock = manualClock();
  const counters = { hits: 0 };
  let drops = 0;
  const sampler = new HitSampler({
    counters,
    clock,
    coarse: {
      drop: () => {
        drops += 1;
      },
    },
    look: () => undefined,
  });
  const hit = (key: string, times = 1) => {
    for (let n = 0; n < times; n++) {
      counters.hits += 1;
      if (counters.hits >= sampler.dueAt) sampler.take(key);
    }
  };
  return { clock, counters, sampler, hit, drops: () => drops };
}

test("the coarse clock is dropped at least every 256 hits, on average every 192", () => {
  const { hit, drops, counters } = open();
  hit("a", 100_000);
  expect(drops()).toBeGreaterThan(counters.hits / 256);
  expect(drops()).toBeLessThan(counters.hits / 170);
});

test("keys that take turns in step with the sampling are all seen", () => {
  const { hit, sampler } = open();
  for (let round = 0; round < 2_000; round++) for (let n = 0; n < 64; n++) hit(`k${n}`);
  expect(sampler.hottest(100).length).toBe(64);
});

test("weights are about the numbers of hits, and fade", async () => {
  const { hit, sampler, clock } = open();
  for (let round = 0; round < 100; round++) {
    hit("hot", 900);
    hit("warm", 100);
  }
  const [first, second] = sampler.hottest(2);
  expect([first!.key, second!.key]).toEqual(["hot", "warm"]);
  expect(first!.atLeast / 90_000).toBeGreaterThan(0.9);
  expect(first!.atLeast / 90_000).toBeLessThan(1.1);
  await clock.advance(HALF_LIFE_MS);
  hit("warm", 300);
  expect(sampler.hitsOf("hot") / 45_000).toBeCloseTo(1, 0);
});
