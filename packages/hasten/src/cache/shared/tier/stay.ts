/**
 * Keeps the process alive while somebody waits for another process: the timers and sockets of the
 * tier do not, and a script that waits for a value must not end instead.
 */
const FOREVER_MS = 2 ** 31 - 1;

export class Stay {
  #handle: NodeJS.Timeout | undefined;
  #holders = 0;

  hold(): void {
    this.#holders += 1;
    this.#handle ??= setInterval(() => undefined, FOREVER_MS);
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders > 0) return;
    clearInterval(this.#handle);
    this.#handle = undefined;
  }
}
