/**
 * How large a pool should be, by Little's law: as many connections are busy on average as arrive in the
 * time that one is held (L = λ × W). It says nothing about what the server can bear: holding times grow
 * with load, and then so does the hint.
 *
 * Head-room: with arrivals at random the number that is busy is distributed as Poisson(L) however long
 * each is held, if nobody waits; its 95th percentile is enough for 95 % of the time. And no more than the
 * target's share of the pool may be busy on average.
 */

/** A hint, with its numbers. */
export interface SizeHint {
  /** `unknown`: too little was seen to say. */
  readonly verdict: "unknown" | "enough" | "too-small" | "too-large";
  /** Connections that would do. */
  readonly size: number;
  readonly max: number;
  readonly arrivalsPerSecond: number;
  readonly meanHoldMs: number;
  readonly p95HoldMs: number;
  /** Busy connections on average: arrivals × mean hold, or what was seen busy if that is more. */
  readonly busyMean: number;
  /** Busy connections that are not exceeded in 95 % of the time. */
  readonly busyP95: number;
  /** One sentence with the numbers. */
  readonly text: string;
}

export interface Load {
  readonly max: number;
  readonly target: number;
  readonly arrivals: number;
  readonly spanMs: number;
  readonly meanHoldMs: number;
  readonly p95HoldMs: number;
  /** Weighted by time. */
  readonly busyMean: number;
  /** Most that were busy at one time. */
  readonly busyPeak: number;
  /** Whether anybody waited in the span. */
  readonly waited: boolean;
}

const ARRIVALS_MIN = 20;
const MS_PER_SECOND = 1_000;
/** Fewer to spare are not worth a word. */
const SPARE_MIN = 4;

export function sizeHint(load: Load): SizeHint {
  const { max, target, spanMs, meanHoldMs, p95HoldMs } = load;
  const arrivalsPerSecond = spanMs > 0 ? (load.arrivals / spanMs) * MS_PER_SECOND : 0;
  // What is held long does not come back within the span, and is not in the mean of what came back.
  const busyMean = Math.max((arrivalsPerSecond * meanHoldMs) / MS_PER_SECOND, load.busyMean);
  const busyP95 = poissonP95(busyMean);
  const size = Math.max(1, busyP95, Math.ceil(busyMean / target));
  const verdict = verdictOf(load, size);
  const numbers = { arrivalsPerSecond, meanHoldMs, p95HoldMs, busyMean, busyP95 };
  const hint = { verdict, size, max, ...numbers };
  return { ...hint, text: sentence(hint, target) };
}

function verdictOf(load: Load, size: number): SizeHint["verdict"] {
  const { max, waited, busyPeak } = load;
  if (load.arrivals < ARRIVALS_MIN && !waited) return "unknown";
  if (size > max) return "too-small";
  const spare = max - Math.max(size, busyPeak);
  if (!waited && spare >= SPARE_MIN && spare >= max / 2) return "too-large";
  return "enough";
}

/** The smallest number of events that Poisson(mean) does not exceed in 95 % of all cases. */
export function poissonP95(mean: number): number {
  if (!(mean > 0)) return 0;
  // Beyond, exp(-mean) is too small for a double, and the normal distribution is within one of it.
  if (mean > 500) return Math.ceil(mean + 1.645 * Math.sqrt(mean));
  let term = Math.exp(-mean);
  let sum = term;
  let events = 0;
  while (sum < 0.95) {
    events += 1;
    term *= mean / events;
    sum += term;
  }
  return events;
}

const WORDS: Readonly<Record<SizeHint["verdict"], string>> = {
  unknown: "; too little was seen to say whether that fits",
  enough: " fits",
  "too-small": " is too small: raise it, or hold connections for less long",
  "too-large": " is more than it needs: the server could do without the rest",
};

function sentence(hint: Omit<SizeHint, "text">, target: number): string {
  const { arrivalsPerSecond: rate, meanHoldMs, busyMean, busyP95, size, max, verdict } = hint;
  // Connections that are still out have no hold yet.
  const isSum = (rate * meanHoldMs) / MS_PER_SECOND >= busyMean * 0.95;
  const sum = isSum ? " =" : ", with those still out";
  return (
    `${rate.toFixed(1)} checkouts/s x ${meanHoldMs.toFixed(1)} ms${sum} ${busyMean.toFixed(1)} busy ` +
    `(95 % of the time at most ${busyP95}); ${size} would do below ${Math.round(target * 100)} %; ` +
    `max ${max}${WORDS[verdict]}`
  );
}
