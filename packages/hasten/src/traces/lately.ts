/** What was told lately: a map with a bound, the oldest forgotten first. */
export class Lately {
  readonly #atMs = new Map<string, number>();
  readonly #entriesMax: number;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  /** Whether it is to be told now: it was not within the last `everyMs`. Then it counts as told. */
  take(key: string, nowMs: number, everyMs: number): boolean {
    const lastMs = this.#atMs.get(key);
    if (lastMs !== undefined && nowMs - lastMs < everyMs) return false;
    this.#atMs.delete(key);
    if (this.#atMs.size >= this.#entriesMax) this.#atMs.delete(this.#atMs.keys().next().value!);
    this.#atMs.set(key, nowMs);
    return true;
  }
}
