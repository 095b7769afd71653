/**
 * Transactions that are in the WAL, until readers see them.
 *
 * Invariants:
 * - A transaction is applied only after a snapshot that sees it: a reader that comes after the drop
 *   cannot read the rows of before it.
 * - Whatever becomes visible in one snapshot is applied in one step, in the order of commits.
 * - Beyond PARKED_MAX nothing is guessed: the reader above starts over, and trust ends.
 */
import type { Gathered } from "./gathered.ts";
import { hasEnded, type Snapshot } from "./snapshot.ts";

const PARKED_MAX = 10_000;

export class Parked {
  readonly #apply: (visible: readonly Gathered[]) => void;
  #waiting: Gathered[] = [];

  constructor(apply: (visible: readonly Gathered[]) => void) {
    this.#apply = apply;
  }

  get size(): number {
    return this.#waiting.length;
  }

  add(gathered: Gathered): void {
    if (this.#waiting.length >= PARKED_MAX)
      throw new Error(`${PARKED_MAX} transactions are committed and not visible`);
    this.#waiting.push(gathered);
  }

  see(snapshot: Snapshot): void {
    if (this.#waiting.length === 0) return;
    const visible = this.#waiting.filter(({ xid }) => hasEnded(snapshot, xid));
    if (visible.length === 0) return;
    this.#waiting = this.#waiting.filter(({ xid }) => !hasEnded(snapshot, xid));
    this.#apply(visible);
  }

  clear(): void {
    this.#waiting = [];
  }
}
