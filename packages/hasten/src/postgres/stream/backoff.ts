const FIRST_MS = 50;
const LONGEST_MS = 5_000;

/** Jittered, doubling, so that processes that lost the same server do not return together. */
export class Backoff {
  #nextMs = FIRST_MS;

  reset(): void {
    this.#nextMs = FIRST_MS;
  }

  delayMs(): number {
    const delayMs = this.#nextMs * (0.5 + Math.random() / 2);
    this.#nextMs = Math.min(LONGEST_MS, this.#nextMs * 2);
    return delayMs;
  }
}
