/**
 * Calls under way and their time-outs.
 *
 * Invariants: every call settles once, at its deadline at the latest (one turn of the loop later, so
 * that an answer that has arrived while the process was busy still counts); there is one timer for
 * all of them, since all wait equally long; after `rejectAll` there is none.
 */
import { Chain, type Linked } from "../../core/chain.ts";
import type { Clock, Timer } from "../../core/clock.ts";

/**
 * Told once of the end of a call: of the error it ends with, which it may replace, or undefined where
 * it was answered.
 */
export type Ended = (error: unknown) => unknown;

class Call implements Linked<Call> {
  readonly dueMs: number;
  readonly reject: (error: unknown) => void;
  readonly ended: Ended | undefined;
  /** It has not settled yet. */
  open = true;
  _older: Call | undefined = undefined;
  _newer: Call | undefined = undefined;

  constructor(dueMs: number, reject: (error: unknown) => void, ended: Ended | undefined) {
    this.dueMs = dueMs;
    this.reject = reject;
    this.ended = ended;
  }
}

export class Calls {
  readonly #waitMs: number;
  readonly #clock: Clock;
  readonly #onTimeout: () => Error;
  readonly #calls = new Chain<Call>();
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
  run<T>(work: Promise<T>, ended?: Ended): Promise<T> {
    return new Promise((resolve, reject) => {
      const call = new Call(this.#clock.nowMs() + this.#waitMs, reject, ended);
      this.#calls.push(call);
      if (this.#timer === undefined && this.#turn === undefined) this.#arm(this.#waitMs);
      work.then(
        (value) => {
          if (!this.#take(call)) return;
          ended?.(undefined);
          resolve(value);
        },
        (error: unknown) => this.#fail(call, error ?? new Error("no reason was given")),
      );
    });
  }

  rejectAll(error: () => Error): void {
    this.#disarm();
    for (let call = this.#calls.oldest; call !== undefined; call = this.#calls.oldest) {
      this.#fail(call, error());
    }
  }

  /** Whether it is this that settles the call. */
  #take(call: Call): boolean {
    if (!call.open) return false;
    call.open = false;
    this.#calls.remove(call);
    return true;
  }

  #fail(call: Call, error: unknown): void {
    if (this.#take(call)) call.reject(endedBy(call, error));
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
    for (let call = this.#calls.oldest; call !== undefined; call = this.#calls.oldest) {
      if (call.dueMs > nowMs) {
        this.#arm(call.dueMs - nowMs);
        return;
      }
      this.#fail(call, this.#onTimeout());
    }
  }
}

function endedBy({ ended }: Call, error: unknown): unknown {
  return ended === undefined ? error : ended(error);
}
