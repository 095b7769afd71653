/**
 * A log-linear histogram of durations, as in HdrHistogram: 32 equal buckets per power of two of
 * microseconds. Invariants:
 * - bounded: 896 counters, 7 KiB, whatever is recorded;
 * - a percentile is within 1/64 (1.6 %) of a recorded value, or 0.5 µs, whichever is larger;
 * - values outside 0 .. 2^32 - 1 µs (71.6 minutes) count as the nearest end; NaN is ignored;
 * - count, mean, min and max are exact for what was recorded.
 */
const SUB_BITS = 5;
const SUB_COUNT = 1 << SUB_BITS;
const MICROS_MAX = 2 ** 32 - 1;
const BUCKETS = (32 - SUB_BITS + 1) * SUB_COUNT;
const MICROS_PER_MS = 1_000;

/** What a histogram knew at one moment; all durations in milliseconds. */
export interface HistogramSnapshot {
  readonly count: number;
  readonly meanMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export interface Histogram {
  /** Adds one duration in milliseconds. Constant time, allocates nothing. */
  record(valueMs: number): void;
  readonly count: number;
  /** Arithmetic mean in milliseconds; 0 while empty. */
  readonly mean: number;
  /** The duration that `percent` (0 to 100) of all durations do not exceed; 0 while empty. */
  percentile(percent: number): number;
  snapshot(): HistogramSnapshot;
  reset(): void;
}

/** Creates an empty histogram (7 KiB). */
export function createHistogram(): Histogram {
  const counts = new Float64Array(BUCKETS);
  let count = 0;
  let sumMs = 0;
  let minMs = Number.POSITIVE_INFINITY;
  let maxMs = 0;

  const percentile = (percent: number): number => {
    if (count === 0) return 0;
    const rank = Math.max(1, Math.ceil((Math.min(100, Math.max(0, percent)) / 100) * count));
    if (rank >= count) return maxMs;
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += counts[index]!;
      if (seen >= rank) return clamp(middleMicros(index) / MICROS_PER_MS, minMs, maxMs);
    }
    return maxMs;
  };

  return {
    record(valueMs) {
      if (Number.isNaN(valueMs)) return;
      const ms = clamp(valueMs, 0, MICROS_MAX / MICROS_PER_MS);
      counts[bucketOf(Math.round(ms * MICROS_PER_MS))]! += 1;
      count += 1;
      sumMs += ms;
      if (ms < minMs) minMs = ms;
      if (ms > maxMs) maxMs = ms;
    },
    get count() {
      return count;
    },
    get mean() {
      return count === 0 ? 0 : sumMs / count;
    },
    percentile,
    snapshot: () => ({
      count,
      meanMs: count === 0 ? 0 : sumMs / count,
      minMs: count === 0 ? 0 : minMs,
      maxMs,
      p50Ms: percentile(50),
      p95Ms: percentile(95),
      p99Ms: percentile(99),
    }),
    reset() {
      counts.fill(0);
      count = 0;
      sumMs = 0;
      minMs = Number.POSITIVE_INFINITY;
      maxMs = 0;
    },
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** Values below 32 µs have a bucket each; above, the top six bits choose it. */
function bucketOf(micros: number): number {
  if (micros < SUB_COUNT) return micros;
  const shift = 31 - Math.clz32(micros) - SUB_BITS;
  return (shift + 1) * SUB_COUNT + ((micros >>> shift) - SUB_COUNT);
}

function middleMicros(index: number): number {
  if (index < SUB_COUNT) return index;
  const shift = Math.floor(index / SUB_COUNT) - 1;
  const low = ((index % SUB_COUNT) + SUB_COUNT) * 2 ** shift;
  return low + (2 ** shift - 1) / 2;
}
