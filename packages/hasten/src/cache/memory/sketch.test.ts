import * as fc from "fast-check";
import { expect, test } from "vitest";
import { hashString, randomSource } from "./hash.ts";
import { FREQUENCY_MAX, FrequencySketch } from "./sketch.ts";

const hash = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const raised = fc.array(fc.tuple(hash, fc.integer({ min: 0, max: FREQUENCY_MAX })), {
  maxLength: 200,
});

test("an estimate is never below what the key was raised to, nor above 15", () => {
  const property = fc.property(fc.integer({ min: 1, max: 500 }), raised, (entries, raises) => {
    const sketch = new FrequencySketch(entries);
    const most = new Map<number, number>();
    for (const [key, frequency] of raises) {
      sketch.raise(key, frequency);
      most.set(key, Math.max(frequency, most.get(key) ?? 0));
    }
    for (const [key, frequency] of most) {
      expect(sketch.estimate(key)).toBeGreaterThanOrEqual(frequency);
      expect(sketch.estimate(key)).toBeLessThanOrEqual(FREQUENCY_MAX);
    }
  });
  void fc.assert(property, { numRuns: 200 });
});

test("growing keeps every estimate", () => {
  const property = fc.property(raised, fc.integer({ min: 1, max: 5_000 }), (raises, entries) => {
    const sketch = new FrequencySketch(8);
    for (const [key, frequency] of raises) sketch.raise(key, frequency);
    const before = raises.map(([key]) => sketch.estimate(key));
    sketch.grow(entries);
    expect(raises.map(([key]) => sketch.estimate(key))).toEqual(before);
  });
  void fc.assert(property, { numRuns: 200 });
});

test("ageing halves every estimate, rounded down", () => {
  const property = fc.property(raised, (raises) => {
    const sketch = new FrequencySketch(64);
    for (const [key, frequency] of raises) sketch.raise(key, frequency);
    const before = raises.map(([key]) => sketch.estimate(key));
    sketch.age();
    expect(raises.map(([key]) => sketch.estimate(key))).toEqual(before.map((n) => n >> 1));
  });
  void fc.assert(property, { numRuns: 100 });
});

test("keys that were never counted are rarely taken for popular ones", () => {
  const entries = 1_000;
  const sketch = new FrequencySketch(entries);
  for (let n = 0; n < entries; n++) sketch.raise(hashString(`held:${n}`, 1), FREQUENCY_MAX);
  let mistaken = 0;
  for (let n = 0; n < 10_000; n++) {
    if (sketch.estimate(hashString(`strange:${n}`, 1)) > 0) mistaken += 1;
  }
  expect(mistaken / 10_000).toBeLessThan(0.02);
});

test("the same string hashes differently under different seeds, equally under one", () => {
  expect(hashString("user:7", 1)).toBe(hashString("user:7", 1));
  expect(hashString("user:7", 1)).not.toBe(hashString("user:7", 2));
});

test("hashes of consecutive keys spread evenly over blocks", () => {
  const blocks = new Float64Array(256);
  for (let n = 0; n < 256_000; n++) blocks[hashString(`user:${n}`, 3) & 255]! += 1;
  expect(Math.min(...blocks)).toBeGreaterThan(800);
  expect(Math.max(...blocks)).toBeLessThan(1_200);
});

test("a seeded source of random numbers repeats exactly", () => {
  const [one, two] = [randomSource(9), randomSource(9)];
  expect(Array.from({ length: 20 }, one)).toEqual(Array.from({ length: 20 }, two));
});
