import { expect, test } from "vitest";
import type { Instant } from "../../../core/trust.ts";
import { RedisTime } from "./time.ts";

const at = (monotonicMs: number, wallMs = monotonicMs): Instant => ({ monotonicMs, wallMs });

test("nothing is known before the first answer, and after another server took over", () => {
  const time = new RedisTime();
  expect(time.atLeastMs(at(5))).toBeUndefined();
  expect(time.atMostMs(at(5))).toBeUndefined();
  time.learn(1_000, at(0), at(10));
  time.forget();
  expect(time.known).toBe(false);
});

test("bounds hold whenever Redis looked at its clock between question and answer", () => {
  const time = new RedisTime();
  time.learn(1_000, at(100), at(110));
  for (const askedMs of [100, 105, 110]) {
    for (const laterMs of [110, 150, 10_000]) {
      const really = 1_000 + (laterMs - askedMs);
      expect(time.atLeastMs(at(laterMs))).toBeLessThanOrEqual(really);
      expect(time.atMostMs(at(laterMs))).toBeGreaterThanOrEqual(really);
    }
  }
});

test("a suspended machine, whose monotonic clock stood still, takes the wall clock's word", () => {
  const time = new RedisTime();
  time.learn(1_000, at(100), at(110));
  const woke = at(120, 60_110);
  expect(time.atLeastMs(woke)).toBe(1_010);
  expect(time.atMostMs(woke)).toBe(61_010);
});

test("an instant before the answer is not put later than it was", () => {
  const time = new RedisTime();
  time.learn(1_000, at(100, 5_100), at(110, 5_110));
  expect(time.atLeastMs(at(60, 5_060))).toBe(950);
  // Suspended in between: on the wall clock it was long ago.
  expect(time.atLeastMs(at(60, 110))).toBe(-4_000);
});

test("a time of Redis becomes an instant that is not later", () => {
  const time = new RedisTime();
  time.learn(1_000, at(100), at(110));
  const now = at(210);
  expect(time.instantOf(1_000, now)).toEqual(at(100));
  expect(time.instantOf(9_999, now)).toEqual(now);
  expect(new RedisTime().instantOf(1_000, now).monotonicMs).toBe(Number.NEGATIVE_INFINITY);
});
