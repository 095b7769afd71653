/**
 * Which names were invalidated lately, and at which number: what a fill is judged by.
 *
 * Invariants:
 * - Every invalidation above `completeFrom` is here. A fill from before it is void: what happened
 *   since is not known.
 * - At most `max` names; the oldest are dropped, a quarter at once, and `completeFrom` rises to the
 *   last of them. That loses fills, never an invalidation.
 */
export class Marks {
  /** Fills from before this number are void. */
  completeFrom: number;
  readonly #max: number;
  readonly #home = new Map<string, number>();

  constructor(max: number, completeFrom: number) {
    this.#max = max;
    this.completeFrom = completeFrom;
  }

  get size(): number {
    return this.#home.size;
  }

  /** The next name drops others. */
  get full(): boolean {
    return this.#home.size >= this.#max;
  }

  add(name: string, seq: number): void {
    // Taken out first, so that the order of the map is the order of the numbers.
    this.#home.delete(name);
    this.#home.set(name, seq);
    if (this.#home.size > this.#max) this.#shed();
  }

  /** Whether it was invalidated after `since`. */
  has(name: string, since: number): boolean {
    const seq = this.#home.get(name);
    return seq !== undefined && seq > since;
  }

  /** Drops those that a fill as old as `seq` is not judged by. */
  dropUpTo(seq: number): void {
    for (const [name, at] of this.#home) {
      if (at > seq) return;
      this.#home.delete(name);
    }
  }

  /** Everything up to `seq` counts as invalidated. */
  restart(seq: number): void {
    this.completeFrom = seq;
    // Clearing an empty map is not free: it gets a new table.
    if (this.#home.size > 0) this.#home.clear();
  }

  /** A quarter at once: finding the oldest of a map whose first were deleted is a long walk. */
  #shed(): void {
    const keep = Math.min(this.#max, Math.ceil(this.#max * KEPT_AT_SHED));
    for (const [name, seq] of this.#home) {
      if (this.#home.size <= keep) return;
      this.#home.delete(name);
      this.completeFrom = seq;
    }
  }
}

const KEPT_AT_SHED = 0.75;
