import { expect, test } from "vitest";
import { type Clock, manualClock } from "./clock.ts";
import { sequence } from "./sequence.ts";
import { instant, Trust } from "./trust.ts";

const BOUND_MS = 500;

function scene() {
  const clock = manualClock();
  return { clock, trust: new Trust("stream", BOUND_MS, clock) };
}

test("a value holds while the source is confirmed, and for the bound after its capture", async () => {
  const { clock, trust } = scene();
  const { monotonicMs, wallMs } = instant(clock);
  expect(trust.confirmed).toBe(false);
  await clock.advance(BOUND_MS);
  expect(trust.holds(monotonicMs, wallMs)).toBe(true);
  await clock.advance(1);
  expect(trust.holds(monotonicMs, wallMs)).toBe(false);
  trust.confirm(instant(clock));
  expect(trust.holds(monotonicMs, wallMs)).toBe(true);
  await clock.advance(BOUND_MS + 1);
  expect(trust.holds(monotonicMs, wallMs)).toBe(false);
});

test("older news than the latest confirmation changes nothing", async () => {
  const { clock, trust } = scene();
  const early = instant(clock);
  await clock.advance(400);
  trust.confirm(instant(clock));
  trust.confirm(early);
  expect(trust.ageMs()).toBe(0);
});

test("an ended trust is never confirmed again, and what hangs on it keeps the bound", async () => {
  const { clock, trust } = scene();
  const { monotonicMs, wallMs } = instant(clock);
  trust.end();
  trust.confirm(instant(clock));
  expect(trust.confirmed).toBe(false);
  expect(trust.holds(monotonicMs, wallMs)).toBe(true);
  await clock.advance(BOUND_MS + 1);
  expect(trust.holds(monotonicMs, wallMs)).toBe(false);
});

test("after an own write nothing from before it holds until that is confirmed", async () => {
  const { clock, trust } = scene();
  const before = instant(clock);
  trust.confirm(before);
  await clock.advance(10);
  trust.suspend(instant(clock));
  expect(trust.holds(before.monotonicMs, before.wallMs)).toBe(false);
  expect(trust.doubts(before.monotonicMs)).toBe(true);
  await clock.advance(1);
  const after = instant(clock);
  expect(trust.holds(after.monotonicMs, after.wallMs)).toBe(true);
  expect(trust.doubts(after.monotonicMs)).toBe(false);
  trust.confirm(after);
  expect(trust.holds(before.monotonicMs, before.wallMs)).toBe(true);
  expect(trust.doubts(before.monotonicMs)).toBe(false);
});

test("news for an ended trust does not lift what a write has suspended", async () => {
  const { clock, trust } = scene();
  const before = instant(clock);
  await clock.advance(1);
  trust.end();
  trust.suspend(instant(clock));
  await clock.advance(1);
  trust.confirm(instant(clock));
  expect(trust.doubts(before.monotonicMs)).toBe(true);
  expect(trust.holds(before.monotonicMs, before.wallMs)).toBe(false);
});

test("a machine that slept is not trusted, whichever of its clocks stood still", () => {
  let nowMs = 0;
  let wallMs = 0;
  const clock: Clock = {
    nowMs: () => nowMs,
    wallMs: () => wallMs,
    schedule: () => ({ cancel() {} }),
  };
  const trust = new Trust("stream", BOUND_MS, clock);
  trust.confirm(instant(clock));
  wallMs = BOUND_MS + 1;
  expect(trust.holds(0, 0)).toBe(false);
  wallMs = 0;
  nowMs = BOUND_MS + 1;
  expect(trust.holds(0, 0)).toBe(false);
});

test("a trust begins at a number above every capture before it", () => {
  const capture = sequence.now();
  const { trust } = scene();
  expect(trust.seq).toBeGreaterThan(capture);
  expect(trust.seq).toBeLessThanOrEqual(sequence.now());
});
