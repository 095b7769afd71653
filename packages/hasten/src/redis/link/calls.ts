/**
 * Calls under way and their time-outs.
 *
 * Invariants: every call settles once, at its deadline at the latest (one turn of the loop later, so
 * that an answer that has arrived while the process was busy still counts); there is one timer for
 * all of them, since all wait equally long; after `rejectAll` there is none.
 */
import type { Clock, Timer } from "../../core/clock.ts";

interface Call {
  readonly dueMs: number;
  readonly reject: (error: Error) => void;
}

export class Calls {
  readonly #waitMs: number;
  readonly #clock: Clock;
  readonly #onTimeout: () => Error;
  readonly #calls: Set<Call> = new Set();
  #timer: Timer | undefined;
  #turn: NodeJS.Immediate | undefined;

  /** @param onTimeout told of each call that was not answered; gives the error for it */
  constructor(waitMs: number, clock: Clock, onTimeout: () => Error) {
    this.#waitMs = waitMs;
    this.#clock = clock;
    this.#onTimeout = onTimeout;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Settles as the work does, or rejects when it is too late or `rejectAll` was called before. */
  run<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const call: Call = { dueMs: this.#clock.nowMs() + this.#waitMs, reject };
      this.#calls.add(call);
      if (this.#timer === undefined && this.#turn === undefined) this.#arm(this.#waitMs);
      work.then(
        (value) => {
          this.#calls.delete(call);
          resolve(value);
        },
        (error: unknown) => {
          this.#calls.delete(call);
          reject(error as Error);
        },
      );
    });
  }

  rejectAll(error: () => Error): void {
    const calls = [...this.#calls];
    this.#calls.clear();
    this.#disarm();
    for (const call of calls) call.reject(error());
  }

  #arm(afterMs: number): void {
    this.#timer = this.#clock.schedule(Math.max(1, Math.ceil(afterMs)), () => {
      this.#timer = undefined;
      // Answers that are there already are read in between.
      this.#turn = setImmediate(() => this.#judge());
    });
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  #judge(): void {
    this.#turn = undefined;
    const nowMs = this.#clock.nowMs();
    for (const call of this.#calls) {
      if (call.dueMs > nowMs) {
        this.#arm(call.dueMs - nowMs);
        return;
      }
      this.#calls.delete(call);
      call.reject(this.#onTimeout());
    }
  }
}
