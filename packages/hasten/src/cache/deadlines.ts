import { Chain, type Linked } from "../core/chain.ts";
import type { Clock, Timer } from "../core/clock.ts";

/** Different durations that share timers; a deadline of any other has one of its own. */
export const DURATIONS_MAX = 16;

/**
 * Deadlines of calls. Those of one duration fall due in the order in which they were set, so that
 * they share one timer, armed for the oldest; most are met and never see it.
 *
 * Never early; late by no more than the clock's own timers are.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #queues = new Map<number, Queue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * What `work` brings, or after `ms` what `late` returns or throws. The work goes on; what it
   * brings then is dropped.
   */
  within(work: Promise<unknown>, ms: number, late: () => unknown): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const deadline = this.#set(ms, () => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    });
    work.then(
      (value) => {
        deadline.cancel();
        resolve(value);
      },
      (error: unknown) => {
        deadline.cancel();
        reject(error);
      },
    );
    return promise;
  }

  /** Cancels the shared timers, to be called when no work is left that could be late. */
  stop(): void {
    for (const queue of this.#queues.values()) queue.stop();
  }

  #set(ms: number, callback: () => void): Timer {
    let queue = this.#queues.get(ms);
    if (queue === undefined) {
      if (this.#queues.size >= DURATIONS_MAX) return this.#clock.schedule(ms, callback);
      queue = new Queue(this.#clock, ms);
      this.#queues.set(ms, queue);
    }
    return queue.add(callback);
  }
}

class Deadline implements Timer, Linked<Deadline> {
  readonly dueMs: number;
  readonly callback: () => void;
  _older: Deadline | undefined = undefined;
  _newer: Deadline | undefined = undefined;
  #queue: Queue | undefined;

  constructor(queue: Queue, dueMs: number, callback: () => void) {
    this.#queue = queue;
    this.dueMs = dueMs;
    this.callback = callback;
  }

  cancel(): void {
    this.#queue?.pending.remove(this);
    this.#queue = undefined;
  }
}

/** Deadlines of one duration. Its timer outlives the last of them by at most that duration. */
class Queue {
  readonly pending: Chain<Deadline> = new Chain();
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #onTimer: () => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
    this.#onTimer = () => this.#fall();
  }

  add(callback: () => void): Deadline {
    const deadline = new Deadline(this, this.#clock.nowMs() + this.#ms, callback);
    this.pending.push(deadline);
    this.#timer ??= this.#clock.schedule(this.#ms, this.#onTimer);
    return deadline;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #fall(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.nowMs();
    for (let one = this.pending.oldest; one !== undefined; one = this.pending.oldest) {
      if (one.dueMs > nowMs) {
        this.#timer ??= this.#clock.schedule(one.dueMs - nowMs, this.#onTimer);
        return;
      }
      one.cancel();
      one.callback();
    }
  }
}
