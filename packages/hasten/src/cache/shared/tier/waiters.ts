/**
 * Who waits for a load of another process.
 *
 * Invariants: everyone who waits is woken: by the end of the load, by an invalidation that ended its
 * lease, when its lease runs out, at a gap (the word may have been missed), when the connection is
 * lost, and at the close. To be woken for nothing costs a read. At most `max` wait.
 */
import type { Clock, Timer } from "../../../core/clock.ts";
import { Stay } from "./stay.ts";

export interface Waiter {
  readonly over: Promise<void>;
  /** Not longer than this. */
  until(ms: number): void;
  leave(): void;
}

export class Waiters {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #home = new Map<string, Set<() => void>>();
  readonly #stay = new Stay();
  #size = 0;

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** Undefined if too many wait. From here on no word is missed. */
  join(key: string): Waiter | undefined {
    if (this.#size >= this.#max) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    let timer: Timer | undefined;
    let there = true;
    const leave = (): void => {
      if (!there) return;
      there = false;
      timer?.cancel();
      this.#size -= 1;
      this.#stay.release();
      const same = this.#home.get(key);
      same?.delete(leave);
      if (same?.size === 0) this.#home.delete(key);
      resolve();
    };
    const same = this.#home.get(key);
    if (same === undefined) this.#home.set(key, new Set([leave]));
    else same.add(leave);
    this.#size += 1;
    this.#stay.hold();
    return {
      over: promise,
      until: (ms) => {
        if (there) timer = this.#clock.schedule(ms, leave);
      },
      leave,
    };
  }

  wake(keys: readonly string[]): void {
    if (this.#size === 0) return;
    for (const key of keys) for (const leave of [...(this.#home.get(key) ?? [])]) leave();
  }

  wakeAll(): void {
    for (const same of [...this.#home.values()]) for (const leave of [...same]) leave();
  }
}
