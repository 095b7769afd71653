import { expect, test } from "vitest";
import { manualClock, systemClock } from "./clock.ts";
import { COARSE_RESOLUTION_MS, COARSE_USES_MAX, CoarseClock } from "./coarse-clock.ts";

test("another clock than the system's is exact", () => {
  const clock = manualClock();
  const coarse = new CoarseClock(clock);
  const before = coarse.now();
  void clock.advance(1);
  expect(coarse.now()).toBe(before + 1);
  expect(coarse.knownMs).toBe(Number.POSITIVE_INFINITY);
});

test("within a blocked turn the time moves after so many uses", () => {
  const coarse = new CoarseClock(systemClock);
  const first = coarse.now();
  const until = systemClock.nowMs() + 3;
  while (systemClock.nowMs() < until);
  expect(coarse.now()).toBe(first);
  for (let use = 0; use < COARSE_USES_MAX; use++) coarse.now();
  expect(coarse.now()).toBeGreaterThanOrEqual(until);
});

test("its timer forgets the time and is not armed again before the next use", async () => {
  let armed = 0;
  const coarse = new CoarseClock(systemClock);
  const timers = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  coarse.now();
  armed = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length - timers;
  expect(armed).toBeLessThanOrEqual(1);
  await new Promise((resolve) => setTimeout(resolve, COARSE_RESOLUTION_MS * 3));
  expect(coarse.knownMs).toBe(Number.POSITIVE_INFINITY);
});
