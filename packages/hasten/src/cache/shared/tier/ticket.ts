/**
 * What a caller waits for: that every shard concerned has taken its part of an invalidation.
 *
 * Invariants: settles once; `applied` only when all parts were; memory is that of the parts that
 * are still to be told, and a ticket that nobody waits for any more is empty.
 */
import type { Clock, Timer } from "../../../core/clock.ts";

/** Then the answer is that it is told later. */
export const PUBLISH_MS = 250;

export class Ticket {
  readonly outcome: Promise<"applied" | "queued">;
  #left: number;
  #resolve: (outcome: "applied" | "queued") => void;
  #timer: Timer | undefined;

  constructor(parts: number, clock: Clock, waitMs: number = PUBLISH_MS) {
    this.#left = parts;
    const { promise, resolve } = Promise.withResolvers<"applied" | "queued">();
    this.outcome = promise;
    this.#resolve = resolve;
    this.#timer = clock.schedule(waitMs, () => this.later());
    if (parts === 0) this.#settle("applied");
  }

  get settled(): boolean {
    return this.#timer === undefined;
  }

  /** One part is in Redis. */
  applied(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#settle("applied");
  }

  /** A part will be told later. */
  later(): void {
    this.#settle("queued");
  }

  #settle(outcome: "applied" | "queued"): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#resolve(outcome);
  }
}
