/**
 * A publication that changes while this process runs.
 *
 * Invariant: a table that is newly published may still be changed by a transaction that wrote before
 * it was (ALTER PUBLICATION waits for nobody), and such a change is never told. Its coverage counts
 * only once all transactions that ran beside the change of the publication have ended.
 */
export class Publishing {
  #seen: string | undefined;
  #after: string | undefined;
  #until: string | undefined;

  /** Rows of the publication from this transaction on do not count yet. */
  get after(): string | undefined {
    return this.#after;
  }

  /**
   * Whether it changed. `before` was the oldest running transaction when it was looked at last,
   * `next` is the next to begin.
   */
  saw(
    publication: string,
    { before, next }: { before: string | undefined; next: string },
  ): boolean {
    const changed = this.#seen !== undefined && this.#seen !== publication;
    this.#seen = publication;
    if (!changed) return false;
    this.#after ??= before;
    this.#until = next;
    return true;
  }

  /** Whether what did not count counts from now on, `since` being the oldest running transaction. */
  settles(since: string): boolean {
    // Transaction ids are a circle.
    if (this.#until === undefined || ((Number(since) - Number(this.#until)) | 0) < 0) return false;
    this.#after = undefined;
    this.#until = undefined;
    return true;
  }
}
