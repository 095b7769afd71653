/** An element of at most one chain. The links are the chain's own. */
export interface Linked<T> {
  _older: T | undefined;
  _newer: T | undefined;
}

/**
 * A list in order of arrival whose links are fields of its elements: adding and removing take
 * constant time and allocate nothing, where a Set rehashes as elements come and go.
 */
export class Chain<T extends Linked<T>> {
  #oldest: T | undefined;
  #newest: T | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get oldest(): T | undefined {
    return this.#oldest;
  }

  /** Adds an element that is in no chain. */
  push(element: T): void {
    element._older = this.#newest;
    if (this.#newest === undefined) this.#oldest = element;
    else this.#newest._newer = element;
    this.#newest = element;
    this.#size += 1;
  }

  /** Removes an element that is in this chain. */
  remove(element: T): void {
    const { _older: older, _newer: newer } = element;
    if (older === undefined) this.#oldest = newer;
    else older._newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer._older = older;
    element._older = undefined;
    element._newer = undefined;
    this.#size -= 1;
  }
}
