/**
 * A look at a hit now and then: which keys are hot, and how long a hit takes.
 *
 * Invariants:
 * - the way of a hit pays nothing: only hits that take a second look at the time are seen here, the
 *   first after at most 256 others or after the clock's timer;
 * - about a hundred hits a second are looked at, at most one in 16, at distances that are shifted at
 *   random, so that no pattern of keys hides between them; each counts for the hits since the one
 *   before;
 * - memory is bounded: FrequentKeys of `KEYS` and a histogram;
 * - what was hot fades: weights halve every `HALF_LIFE_MS` in which there are hits.
 */
import type { Clock } from "../../core/clock.ts";
import type { CoarseClock } from "../../core/coarse-clock.ts";
import { createHistogram, type Histogram, NANOS_PER_MS } from "../../core/histogram.ts";
import { FrequentKeys, type Weighed } from "./frequent-keys.ts";

const KEYS = 256;
export const HALF_LIFE_MS = 300_000;
const EVERY_MIN = 16;
const SHIFTS = 32;
const EVERY_MAX = 2_048;
/** The distance of samples is doubled below half of it and halved above twice as much. */
const SAMPLE_EACH_MS = 10;

export class HitSampler {
  /** Of finding a value and giving it in its readable form; with the two looks at the clock, some 50 ns. */
  readonly latency: Histogram = createHistogram(NANOS_PER_MS);
  readonly #keys = new FrequentKeys(KEYS);
  readonly #counters: { readonly hits: number };
  readonly #coarse: Pick<CoarseClock, "drop">;
  readonly #clock: Clock;
  readonly #look: (key: string) => unknown;
  readonly #random: () => number;
  /** Hits between samples, about. */
  #every = EVERY_MIN;
  #sampledAt = 0;
  #sampledMs = 0;
  #nextAt = 0;
  /** Hits to let pass after that. */
  #shift = 0;
  #fadedMs = Number.NEGATIVE_INFINITY;

  /**
   * @param parts `look` finds a key's value as a reader does, without counting
   * @param random uniform in [0, 1)
   */
  constructor(
    parts: {
      readonly counters: { readonly hits: number };
      readonly coarse: Pick<CoarseClock, "drop">;
      readonly clock: Clock;
      readonly look: (key: string) => unknown;
    },
    random: () => number = Math.random,
  ) {
    this.#counters = parts.counters;
    this.#coarse = parts.coarse;
    this.#clock = parts.clock;
    this.#look = parts.look;
    this.#random = random;
    this.#plan(0);
  }

  /** To be called by hits that were counted, but for those that were told from the time known. */
  see(key: string): void {
    const { hits } = this.#counters;
    if (hits < this.#nextAt) return;
    if (this.#shift === 0) {
      this.#sample(key, hits);
      return;
    }
    // The next one is seen as well, and the one after it, until one was chosen at random.
    this.#shift -= 1;
    this.#coarse.drop();
  }

  /** Keys with about how many hits they had of late. */
  hottest(limit: number): readonly Weighed[] {
    return this.#keys.top(limit);
  }

  /** About how many hits a key had of late; 0 for what is not among the hot ones. */
  hitsOf(key: string): number {
    return this.#keys.weightOf(key);
  }

  #sample(key: string, hits: number): void {
    this.#keys.add(key, hits - this.#sampledAt);
    const startedMs = this.#clock.nowMs();
    this.#look(key);
    const endedMs = this.#clock.nowMs();
    this.latency.record(endedMs - startedMs);
    const passedMs = endedMs - this.#sampledMs;
    if (passedMs < SAMPLE_EACH_MS / 2) this.#every = Math.min(EVERY_MAX, this.#every * 2);
    else if (passedMs > SAMPLE_EACH_MS * 2) this.#every = Math.max(EVERY_MIN, this.#every / 2);
    this.#sampledMs = endedMs;
    this.#plan(hits);
    this.#fade(endedMs);
  }

  #plan(hits: number): void {
    this.#sampledAt = hits;
    this.#nextAt = hits + this.#every;
    this.#shift = Math.floor(this.#random() * SHIFTS);
  }

  #fade(nowMs: number): void {
    if (nowMs - this.#fadedMs < HALF_LIFE_MS) return;
    if (this.#fadedMs !== Number.NEGATIVE_INFINITY) this.#keys.halve();
    this.#fadedMs = nowMs;
  }
}
