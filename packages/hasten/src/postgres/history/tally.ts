/** What one statement did in one window of time. */
export interface WindowStats {
  /** Wall clock of the window's beginning. */
  readonly fromMs: number;
  readonly count: number;
  readonly failed: number;
  readonly rows: number;
  readonly totalMs: number;
  /** Standard deviation of its durations in milliseconds. */
  readonly deviationMs: number;
  readonly maxMs: number;
}

export interface Ended {
  readonly durationMs: number;
  readonly rows: number;
  readonly ok: boolean;
}

/** Adds up a window while it is open: constant time, allocates nothing. */
export class Tally {
  count = 0;
  #failed = 0;
  #rows = 0;
  #meanMs = 0;
  /** Sum of squared differences from the mean, by Welford's method: subtracting large sums loses digits. */
  #squares = 0;
  #maxMs = 0;

  add({ durationMs, rows, ok }: Ended): void {
    this.count += 1;
    const off = durationMs - this.#meanMs;
    this.#meanMs += off / this.count;
    this.#squares += off * (durationMs - this.#meanMs);
    this.#rows += rows;
    if (!ok) this.#failed += 1;
    if (durationMs > this.#maxMs) this.#maxMs = durationMs;
  }

  /** The window as it stands, and an empty one from here on. */
  take(fromMs: number): WindowStats {
    const { count } = this;
    const taken = {
      fromMs,
      count,
      failed: this.#failed,
      rows: this.#rows,
      totalMs: this.#meanMs * count,
      deviationMs: count < 2 ? 0 : Math.sqrt(this.#squares / (count - 1)),
      maxMs: this.#maxMs,
    };
    this.count = 0;
    this.#failed = 0;
    this.#rows = 0;
    this.#meanMs = 0;
    this.#squares = 0;
    this.#maxMs = 0;
    return taken;
  }
}
