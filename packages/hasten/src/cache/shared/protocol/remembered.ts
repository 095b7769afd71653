/**
 * Which tags the entry of a key had when it was last read: a guess, which saves a script where it
 * holds. At most `max` keys; the oldest goes. Wrong guesses cost a second read, nothing else.
 */
export class RememberedTags {
  readonly #max: number;
  readonly #tags = new Map<string, readonly string[]>();

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): readonly string[] | undefined {
    return this.#tags.get(key);
  }

  keep(key: string, tags: readonly string[]): void {
    this.#tags.delete(key);
    this.#tags.set(key, tags);
    if (this.#tags.size <= this.#max) return;
    for (const oldest of this.#tags.keys()) {
      this.#tags.delete(oldest);
      return;
    }
  }
}
