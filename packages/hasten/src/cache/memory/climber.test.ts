import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Climber } from "./climber.ts";
import { Refusals } from "./refusals.ts";

test("the window's share stays between one and ninety-nine per cent whatever happens", () => {
  const event = fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 1_000_000 }));
  const property = fc.property(fc.array(event, { maxLength: 500 }), (events) => {
    const climber = new Climber();
    for (const [refused, places] of events) {
      const before = climber.share;
      if (refused) climber.refusedTooSoon(places);
      else climber.savedInProbation(places);
      expect(climber.share).toBeGreaterThanOrEqual(0.01);
      expect(climber.share).toBeLessThanOrEqual(0.99);
      expect(Math.abs(climber.share - before)).toBeLessThanOrEqual(0.05 + 1e-12);
      expect(refused ? climber.share >= before : climber.share <= before).toBe(true);
    }
  });
  void fc.assert(property, { numRuns: 100 });
});

test("sides that earn the same per place leave the share where it is", () => {
  const climber = new Climber();
  for (let n = 0; n < 100; n++) climber.refusedTooSoon(100);
  const before = climber.share;
  for (let n = 0; n < 50; n++) {
    climber.refusedTooSoon(100);
    for (let hit = 0; hit < 4; hit++) climber.savedInProbation(400);
  }
  expect(climber.share).toBeCloseTo(before, 9);
});

test("a refusal is remembered for as many refusals as asked for, once", () => {
  const refusals = new Refusals();
  for (let hash = 1; hash <= 10; hash++) refusals.add(hash);
  expect(refusals.take(10, 1)).toBe(true);
  expect(refusals.take(10, 1)).toBe(false);
  expect(refusals.take(5, 5)).toBe(false);
  expect(refusals.take(6, 5)).toBe(true);
  expect(refusals.take(77, 1_000)).toBe(false);
});

test("a table of refusals keeps most of the last ones at any number", () => {
  for (const count of [6, 100, 5_000]) {
    const refusals = new Refusals();
    refusals.reserve(count);
    let state = 1;
    const hashes = Array.from({ length: count * 3 }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      return state ^ (state >>> 16);
    });
    for (const hash of hashes) refusals.add(hash);
    const kept = hashes.slice(-count).filter((hash) => refusals.take(hash, count));
    expect(kept.length).toBeGreaterThanOrEqual(count * 0.7);
  }
});
