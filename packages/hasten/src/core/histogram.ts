/**
 * A log-linear histogram of durations, as in HdrHistogram: 32 equal buckets per power of two of
 * steps; a step is 1 µs where nothing else is asked for. Invariants:
 * - bounded: 896 counters, 7 KiB, whatever is recorded;
 * - a percentile is within 1/64 (1.6 %) of a recorded value, or half a step, whichever is larger;
 * - values outside 0 .. 2^32 - 1 steps (71.6 minutes of 1 µs) count as the nearest end; NaN is ignored;
 * - count, sum, mean, min and max are exact for what was recorded;
 * - the counts of a distribution are exact to a step: powers of two are bounds of buckets.
 */
const SUB_BITS = 5;
const SUB_COUNT = 1 << SUB_BITS;
const STEPS_MAX = 2 ** 32 - 1;
const OCTAVES = 32;
const BUCKETS = (OCTAVES - SUB_BITS + 1) * SUB_COUNT;
const MICROS_PER_MS = 1_000;
/** Steps of a nanosecond: up to 4.3 s. */
export const NANOS_PER_MS = 1_000_000;

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

/** How many durations were at most that long. */
export interface HistogramBucket {
  readonly upToMs: number;
  /** Cumulative. */
  readonly count: number;
}

/**
 * A snapshot with its buckets: bounds double, from two steps up, as in a native histogram of
 * Prometheus with schema 0 or an exponential one of OpenTelemetry with scale 0. The same 32
 * bounds always, so that distributions of several processes can be added.
 */
export interface HistogramDistribution extends HistogramSnapshot {
  readonly sumMs: number;
  readonly buckets: readonly HistogramBucket[];
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
  distribution(): HistogramDistribution;
  reset(): void;
}

/**
 * Creates an empty histogram (7 KiB).
 * @param stepsPerMs how fine it is
 */
export function createHistogram(stepsPerMs: number = MICROS_PER_MS): Histogram {
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
      if (seen >= rank) return clamp(middleSteps(index) / stepsPerMs, minMs, maxMs);
    }
    return maxMs;
  };

  const snapshot = (): HistogramSnapshot => ({
    count,
    meanMs: count === 0 ? 0 : sumMs / count,
    minMs: count === 0 ? 0 : minMs,
    maxMs,
    p50Ms: percentile(50),
    p95Ms: percentile(95),
    p99Ms: percentile(99),
  });

  return {
    record(valueMs) {
      if (Number.isNaN(valueMs)) return;
      const ms = clamp(valueMs, 0, STEPS_MAX / stepsPerMs);
      counts[bucketOf(Math.round(ms * stepsPerMs))]! += 1;
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
    snapshot,
    distribution: () => ({ ...snapshot(), sumMs, buckets: octaves(counts, stepsPerMs) }),
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

/** Counted up to each power of two of steps; what was rounded to the bound itself is above it. */
function octaves(counts: Float64Array, stepsPerMs: number): HistogramBucket[] {
  const buckets: HistogramBucket[] = [];
  let count = 0;
  let index = 0;
  for (let octave = 1; octave <= OCTAVES; octave++) {
    const end = octave === OCTAVES ? BUCKETS : bucketOf(2 ** octave);
    for (; index < end; index++) count += counts[index]!;
    buckets.push({ upToMs: 2 ** octave / stepsPerMs, count });
  }
  return buckets;
}

/** Values below 32 steps have a bucket each; above, the top six bits choose it. */
function bucketOf(steps: number): number {
  if (steps < SUB_COUNT) return steps;
  const shift = 31 - Math.clz32(steps) - SUB_BITS;
  return (shift + 1) * SUB_COUNT + ((steps >>> shift) - SUB_COUNT);
}

function middleSteps(index: number): number {
  if (index < SUB_COUNT) return index;
  const shift = Math.floor(index / SUB_COUNT) - 1;
  const low = ((index % SUB_COUNT) + SUB_COUNT) * 2 ** shift;
  return low + (2 ** shift - 1) / 2;
}
