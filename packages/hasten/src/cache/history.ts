import type { CoherencePromise } from "../core/trust.ts";
import { deathOf, type Entry } from "./entry.ts";

/** The last keys that went are remembered, so that `why` can tell of them. */
export const REMEMBERED_MAX = 1_000;

/** How a key went, or why what was loaded for it was not kept. */
export interface Gone {
  readonly state: "invalid" | "absent";
  readonly because: string;
  readonly promise: CoherencePromise;
  readonly tags: readonly string[];
  readonly untracked: readonly string[];
  readonly atMs: number;
}

/** A ring: each new key takes the place of the oldest. */
export class History {
  readonly #gone = new Map<string, Gone>();
  readonly #ring: (string | undefined)[] = [];
  #next = 0;

  add(key: string, gone: Gone): void {
    if (!this.#gone.has(key)) {
      const oldest = this.#ring[this.#next];
      if (oldest !== undefined) this.#gone.delete(oldest);
      this.#ring[this.#next] = key;
      this.#next = (this.#next + 1) % REMEMBERED_MAX;
    }
    this.#gone.set(key, gone);
  }

  find(key: string): Gone | undefined {
    return this.#gone.get(key);
  }
}

/** How an entry went that did not survive. */
export function goneOf(entry: Entry, atMs: number): Gone {
  const { promise, tags, untracked } = entry;
  return { state: "invalid", because: deathOf(entry), promise, tags, untracked, atMs };
}
