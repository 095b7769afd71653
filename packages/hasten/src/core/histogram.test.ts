import fc from "fast-check";
import { expect, test } from "vitest";
import { createHistogram, NANOS_PER_MS } from "./histogram.ts";

test("an empty histogram reports zeros", () => {
  const histogram = createHistogram();
  expect(histogram.snapshot()).toEqual({
    count: 0,
    meanMs: 0,
    minMs: 0,
    maxMs: 0,
    p50Ms: 0,
    p95Ms: 0,
    p99Ms: 0,
  });
});

test("every percentile is within 1.6 % of the exact one", () => {
  const duration = fc.double({ min: 0, max: 100_000, noNaN: true });
  const percent = fc.double({ min: 0, max: 100, noNaN: true });
  fc.assert(
    fc.property(fc.array(duration, { minLength: 1, maxLength: 300 }), percent, (values, p) => {
      const histogram = createHistogram();
      for (const value of values) histogram.record(value);
      const sorted = [...values].sort((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil((p / 100) * sorted.length)) - 1]!;
      expect(Math.abs(histogram.percentile(p) - exact)).toBeLessThanOrEqual(exact / 64 + 0.001);
    }),
  );
});

test("count, mean, min and max are exact and NaN is ignored", () => {
  const histogram = createHistogram();
  for (const value of [1, 2, 6, Number.NaN]) histogram.record(value);
  const snapshot = histogram.snapshot();
  expect(histogram.count).toBe(3);
  expect(histogram.mean).toBe(3);
  expect([snapshot.minMs, snapshot.maxMs]).toEqual([1, 6]);
});

test("values outside the range count as its ends", () => {
  const histogram = createHistogram();
  histogram.record(-5);
  histogram.record(Number.POSITIVE_INFINITY);
  expect(histogram.count).toBe(2);
  expect(histogram.percentile(50)).toBe(0);
  expect(histogram.percentile(100)).toBeCloseTo((2 ** 32 - 1) / 1_000);
});

test("reset forgets everything", () => {
  const histogram = createHistogram();
  histogram.record(10);
  histogram.reset();
  expect(histogram.snapshot().count).toBe(0);
  expect(histogram.percentile(99)).toBe(0);
});

test("a distribution counts what is below each power of two of steps", () => {
  const histogram = createHistogram();
  for (const value of [0, 0.001, 0.0035, 1, 1.023, 1.024, 5_000]) histogram.record(value);
  const { buckets, sumMs, count } = histogram.distribution();
  const below = (upToMs: number) => buckets.find((one) => one.upToMs === upToMs)?.count;
  expect([below(0.002), below(0.004), below(0.008), below(1.024), below(2.048)]).toEqual([
    2, 2, 3, 5, 6,
  ]);
  expect(buckets).toHaveLength(32);
  expect(buckets.at(-1)!.count).toBe(count);
  expect(sumMs).toBeCloseTo(5_003.0515);
});

test("a bound of a distribution is exact to a step, and counts never fall", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2 ** 32 - 2)), (steps) => {
      const histogram = createHistogram();
      for (const step of steps) histogram.record(step / 1_000);
      histogram.distribution().buckets.forEach(({ upToMs, count }, index) => {
        expect(upToMs * 1_000).toBe(2 ** (index + 1));
        expect(count).toBe(steps.filter((step) => step < 2 ** (index + 1)).length);
      });
    }),
  );
});

test("finer steps tell nanoseconds apart", () => {
  const histogram = createHistogram(NANOS_PER_MS);
  for (const nanos of [80, 100, 120]) histogram.record(nanos / NANOS_PER_MS);
  expect(Math.abs(histogram.percentile(50) * NANOS_PER_MS - 100)).toBeLessThan(2);
});
