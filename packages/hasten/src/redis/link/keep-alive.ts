/**
 * What keeps the process alive while somebody waits: sockets and timers of a link do not, so that an
 * idle link (or a blocked XREAD) is no reason to stay, but a call whose answer is awaited is.
 */
const FOREVER_MS = 2 ** 31 - 1;

export class KeepAlive {
  readonly #handle: NodeJS.Timeout = setInterval(() => undefined, FOREVER_MS).unref();
  #holders = 0;

  hold(): void {
    this.#holders += 1;
    if (this.#holders === 1) this.#handle.ref();
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#handle.unref();
  }

  /** Settles as the work does. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.hold();
    try {
      return await work;
    } finally {
      this.release();
    }
  }

  end(): void {
    clearInterval(this.#handle);
  }
}
