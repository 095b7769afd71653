/**
 * Which place in the order of a shard's invalidations was known at which time.
 *
 * Invariants:
 * - A sample (instant, seq) says: Redis had answered with `seq` by that instant, so every
 *   invalidation up to `seq` had happened before. It is a valid capture of any read that began then
 *   or later, and a poorer one than a later sample; leaving samples out loses fills, nothing else.
 * - All samples are of one epoch: another one empties the rings.
 * - Bounded: a fine ring for the last half second and more, a coarse one for the last minutes.
 */
import type { Capture } from "../port.ts";

const FINE = { gapMs: 2, size: 256 };
const COARSE = { gapMs: 250, size: 1_024 };

/** Samples in the order of their times, the newest overwriting the oldest. */
class Ring {
  readonly #gapMs: number;
  readonly #atMs: Float64Array;
  readonly #seq: Float64Array;
  #count = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor({ gapMs, size }: { readonly gapMs: number; readonly size: number }) {
    this.#gapMs = gapMs;
    this.#atMs = new Float64Array(size);
    this.#seq = new Float64Array(size);
  }

  add(atMs: number, seq: number): void {
    if (atMs - this.#lastMs < this.#gapMs) return;
    const slot = this.#count % this.#atMs.length;
    this.#atMs[slot] = atMs;
    this.#seq[slot] = seq;
    this.#lastMs = atMs;
    this.#count += 1;
  }

  /** The newest not after that time. */
  find(atMs: number): number | undefined {
    const size = this.#atMs.length;
    let low = Math.max(0, this.#count - size);
    let high = this.#count;
    const first = low;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#atMs[middle % size]! <= atMs) low = middle + 1;
      else high = middle;
    }
    return low === first ? undefined : this.#seq[(low - 1) % size];
  }

  clear(): void {
    this.#count = 0;
    this.#lastMs = Number.NEGATIVE_INFINITY;
  }
}

export class Captures {
  #epoch = "";
  readonly #fine = new Ring(FINE);
  readonly #coarse = new Ring(COARSE);

  /** An answer that arrived at that time told this. */
  note(atMs: number, epoch: string, seq: number): void {
    if (epoch !== this.#epoch) this.clear(epoch);
    this.#fine.add(atMs, seq);
    this.#coarse.add(atMs, seq);
  }

  at(atMs: number): Capture | undefined {
    const seq = this.#fine.find(atMs) ?? this.#coarse.find(atMs);
    return seq === undefined ? undefined : { epoch: this.#epoch, seq };
  }

  clear(epoch = ""): void {
    this.#epoch = epoch;
    this.#fine.clear();
    this.#coarse.clear();
  }
}
