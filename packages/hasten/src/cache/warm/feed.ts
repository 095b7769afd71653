/**
 * Tells every listener the latest state, as fast as each takes it.
 *
 * Invariants: nothing is kept for a slow listener but that there is news; after `end` each is told
 * the last state once, then its iteration is over; a listener that leaves leaves nothing behind.
 */
export class Feed<State> implements AsyncIterable<State> {
  readonly #state: () => State;
  #version = 1;
  #ended = false;
  #news = Promise.withResolvers<void>();

  constructor(state: () => State) {
    this.#state = state;
  }

  changed(): void {
    this.#version += 1;
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  end(): void {
    this.#ended = true;
    this.changed();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<State> {
    for (let seen = 0; ; ) {
      if (seen === this.#version) await this.#news.promise;
      seen = this.#version;
      const over = this.#ended;
      yield this.#state();
      if (over) return;
    }
  }
}
