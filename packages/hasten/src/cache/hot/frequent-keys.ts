/**
 * Which keys carry the most weight of a stream, in bounded memory (Misra-Gries with purges, as the
 * "frequent items" sketch of DataSketches).
 *
 * Invariants:
 * - at most 2 * capacity keys are held;
 * - `atLeast <= true weight <= atMost` for every key, held or not;
 * - `atMost - atLeast` is at most the whole weight / (capacity + 1), so a key with more than that
 *   share of the stream is held;
 * - `halve` halves all of it: what is true of the stream is true of the faded one.
 */
export interface Weighed {
  readonly key: string;
  readonly atLeast: number;
  readonly atMost: number;
}

/** Lighter ones are dropped when everything fades. */
const LIGHTEST = 0.5;

export class FrequentKeys {
  readonly #capacity: number;
  readonly #weights = new Map<string, number>();
  /** The most that a key may have lost to purges. */
  #lost = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#weights.size;
  }

  add(key: string, weight = 1): void {
    const known = this.#weights.get(key);
    this.#weights.set(key, (known ?? 0) + weight);
    if (known === undefined && this.#weights.size > 2 * this.#capacity) this.#purge();
  }

  /** The least it can weigh: 0 for what is not held. */
  weightOf(key: string): number {
    return this.#weights.get(key) ?? 0;
  }

  /** The heaviest first. */
  top(limit: number): readonly Weighed[] {
    return [...this.#weights]
      .sort(([, a], [, b]) => b - a)
      .slice(0, limit)
      .map(([key, atLeast]) => ({ key, atLeast, atMost: atLeast + this.#lost }));
  }

  halve(): void {
    this.#lost /= 2;
    // What is dropped here may have weighed as much as the lightest that are kept.
    let dropped = 0;
    for (const [key, weight] of this.#weights) {
      if (weight / 2 >= LIGHTEST) this.#weights.set(key, weight / 2);
      else {
        dropped = Math.max(dropped, weight / 2);
        this.#weights.delete(key);
      }
    }
    this.#lost += dropped;
  }

  clear(): void {
    this.#weights.clear();
    this.#lost = 0;
  }

  /** Takes from each what the heaviest of those that must go has: linear, once in `capacity` keys. */
  #purge(): void {
    const weights = Float64Array.from(this.#weights.values()).sort();
    const taken = weights[weights.length - 1 - this.#capacity]!;
    for (const [key, weight] of this.#weights) {
      if (weight > taken) this.#weights.set(key, weight - taken);
      else this.#weights.delete(key);
    }
    this.#lost += taken;
  }
}
