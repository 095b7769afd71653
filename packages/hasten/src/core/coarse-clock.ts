import { type Clock, systemClock } from "./clock.ts";

/** The clock is read again after this time, or after this many uses, whichever comes first. */
export const COARSE_RESOLUTION_MS = 2;
export const COARSE_USES_MAX = 256;

const UNKNOWN = Number.POSITIVE_INFINITY;

/**
 * A monotonic clock that costs a nanosecond: the time is kept until a timer drops it, and read
 * anew every 256 uses, so that a blocked event loop does not freeze it.
 *
 * Error: never ahead; behind by at most 2 ms plus how late the event loop runs timers, and within
 * one blocked turn of the loop by at most 256 uses. The timer is armed only by a use, so an idle
 * clock has none. A clock other than the system's is read each time, exact.
 */
export class CoarseClock {
  /**
   * The time, or infinity when it must be read. A hot path compares with it directly: nothing
   * ends after infinity, so an unknown time sends it to its slow path, which calls `now`. It
   * calls `drop` itself once in `COARSE_USES_MAX` uses.
   */
  knownMs: number = UNKNOWN;
  readonly #clock: Clock;
  readonly #exact: boolean;
  readonly #onTimer: () => void;
  #usesLeft = 0;
  #armed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#exact = clock !== systemClock;
    this.#onTimer = () => {
      this.#armed = false;
      this.knownMs = UNKNOWN;
    };
  }

  now(): number {
    if (this.knownMs === UNKNOWN || this.#usesLeft === 0) return this.#read();
    this.#usesLeft -= 1;
    return this.knownMs;
  }

  /** The next use reads the clock. */
  drop(): void {
    this.knownMs = UNKNOWN;
  }

  #read(): number {
    const nowMs = this.#clock.nowMs();
    if (this.#exact) return nowMs;
    this.knownMs = nowMs;
    this.#usesLeft = COARSE_USES_MAX;
    if (!this.#armed) {
      this.#armed = true;
      this.#clock.schedule(COARSE_RESOLUTION_MS, this.#onTimer);
    }
    return nowMs;
  }
}
