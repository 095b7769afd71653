/**
 * A look at one hit in about 192: which keys are hot, and how long a hit takes.
 *
 * Invariants:
 * - the way of a hit pays one comparison (`hits >= dueAt`); gaps are 129 to 256 at random, so that
 *   no pattern of keys hides between them, and the coarse clock is dropped at least every 256 uses;
 * - memory is bounded: FrequentKeys of `KEYS` and a histogram;
 * - what was hot fades: weights halve every `HALF_LIFE_MS` in which there are hits.
 */
import type { Clock } from "../../core/clock.ts";
import { COARSE_USES_MAX, type CoarseClock } from "../../core/coarse-clock.ts";
import { createHistogram, type Histogram, NANOS_PER_MS } from "../../core/histogram.ts";
import { FrequentKeys, type Weighed } from "./frequent-keys.ts";

const KEYS = 256;
export const HALF_LIFE_MS = 300_000;
const GAP_MIN = COARSE_USES_MAX / 2;

export class HitSampler {
  /** The next sample is taken when there have been so many hits. */
  dueAt = 0;
  /** Of finding a value and giving it in its readable form; with the two looks at the clock, some 50 ns. */
  readonly latency: Histogram = createHistogram(NANOS_PER_MS);
  readonly #keys = new FrequentKeys(KEYS);
  readonly #counters: { readonly hits: number };
  readonly #coarse: Pick<CoarseClock, "drop">;
  readonly #clock: Clock;
  readonly #look: (key: string) => unknown;
  readonly #random: () => number;
  #sampledAt = 0;
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
    this.#plan();
  }

  /** To be called by the hit that reached `dueAt`, which has been counted. */
  take(key: string): void {
    this.#coarse.drop();
    this.#keys.add(key, this.#counters.hits - this.#sampledAt);
    this.#plan();
    const startedMs = this.#clock.nowMs();
    this.#look(key);
    const endedMs = this.#clock.nowMs();
    this.latency.record(endedMs - startedMs);
    this.#fade(endedMs);
  }

  /** Keys with about how many hits they had of late. */
  hottest(limit: number): readonly Weighed[] {
    return this.#keys.top(limit);
  }

  /** About how many hits a key had of late; 0 for what is not among the hot ones. */
  hitsOf(key: string): number {
    return this.#keys.weightOf(key);
  }

  #plan(): void {
    this.#sampledAt = this.#counters.hits;
    this.dueAt = this.#sampledAt + GAP_MIN + 1 + Math.floor(this.#random() * GAP_MIN);
  }

  #fade(nowMs: number): void {
    if (nowMs - this.#fadedMs < HALF_LIFE_MS) return;
    if (this.#fadedMs !== Number.NEGATIVE_INFINITY) this.#keys.halve();
    this.#fadedMs = nowMs;
  }
}
