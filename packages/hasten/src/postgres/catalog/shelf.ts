/** Things of one kind that analyses were made from, by key. */

export interface Watched {
  readonly signature: string | number | null;
  readonly recent: boolean;
}

/** What is known of one thing, and what to drop when it changes. */
export interface Item<F> {
  readonly facts: F;
  readonly tags: Set<string>;
  /** Told once as changed: a read sent before it was looked up may have seen the one before. */
  doubtful: boolean;
}

export class Shelf<F extends Watched> {
  readonly #items = new Map<string, Item<F>>();
  /** Signatures that were told once, and are not doubtful again. */
  readonly #told = new Map<string, Watched["signature"]>();

  get(key: string): Item<F> | undefined {
    return this.#items.get(key);
  }

  put(key: string, facts: F): Item<F> {
    const doubtful = facts.recent && this.#told.get(key) !== facts.signature;
    const known = this.#items.get(key);
    // Loaded twice at the same time: the first stays, what it was made of is compared with the poll.
    if (known !== undefined) {
      known.doubtful ||= doubtful || known.facts.signature !== facts.signature;
      return known;
    }
    const item: Item<F> = { facts, tags: new Set(), doubtful };
    this.#items.set(key, item);
    return item;
  }

  /** Forgets it: it is looked up again when it is needed. */
  take(key: string): Item<F> | undefined {
    const item = this.#items.get(key);
    if (item === undefined) return undefined;
    this.#items.delete(key);
    if (item.doubtful) this.#told.set(key, item.facts.signature);
    return item;
  }

  doubtful(): readonly string[] {
    return [...this.#items].filter(([, item]) => item.doubtful).map(([key]) => key);
  }

  entries(): readonly (readonly [string, F])[] {
    return [...this.#items].map(([key, item]) => [key, item.facts]);
  }

  get size(): number {
    return this.#items.size;
  }
}
