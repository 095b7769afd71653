/**
 * Callers that wait for a connection of our own pool.
 *
 * Invariants:
 * - First come, first served: a connection, however it was got, goes to whoever has waited longest. A
 *   newcomer never overtakes, though it is the one for whom a connection is opened, and though an older
 *   caller's own attempt failed and is being repeated.
 * - As many attempts to get a connection (seats) are under way as callers wait, or more: an attempt
 *   in the driver's queue cannot be taken back, and its connection goes to the pool if nobody waits.
 * - A failed attempt ends the wait of the caller that made it; if that caller was served by another
 *   attempt, a new one is made for those who are left.
 * - Every wait ends once: by a connection, a time-out, an abort, a failed attempt or `refuseAll`.
 */
import type { Clock } from "../core/clock.ts";
import type { PgClient } from "./driver.ts";
import type { PostgresError } from "./errors.ts";

/** Gets a client; asks for the signal only where it may retry, for making one costs as much as the rest of a wait. */
export type Obtain = (signal: () => AbortSignal) => Promise<PgClient>;

export interface WaitLimit {
  readonly boundMs: number;
  readonly signal: AbortSignal | undefined;
  readonly onTimeout: (boundMs: number) => PostgresError;
  readonly onAbort: (signal: AbortSignal) => PostgresError;
}

interface Wait {
  settled: boolean;
  give(client: PgClient): void;
  fail(error: unknown): void;
}

interface Seat {
  stop: AbortController | undefined;
}

export class WaitQueue {
  readonly #obtain: Obtain;
  readonly #clock: Clock;
  readonly #waits = new Set<Wait>();
  readonly #seats = new Set<Seat>();

  constructor(obtain: Obtain, clock: Clock) {
    this.#obtain = obtain;
    this.#clock = clock;
  }

  /** Callers that wait. */
  get size(): number {
    return this.#waits.size;
  }

  /** Attempts under way beyond those that anybody waits for. */
  get surplus(): number {
    return Math.max(0, this.#seats.size - this.#waits.size);
  }

  /** Waits for a client. Rejects with what the limit says, or with what the attempt failed with. */
  take({ boundMs, signal, onTimeout, onAbort }: WaitLimit): Promise<PgClient> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        wait.settled = true;
        timer.cancel();
        this.#waits.delete(wait);
        signal?.removeEventListener("abort", aborted);
      };
      const wait: Wait = {
        settled: false,
        give(client) {
          settle();
          resolve(client);
        },
        fail(error) {
          if (wait.settled) return;
          settle();
          reject(error);
        },
      };
      const giveUp = (error: PostgresError): void => {
        wait.fail(error);
        this.#callOff(seat);
      };
      const aborted = (): void => giveUp(onAbort(signal!));
      const timer = this.#clock.schedule(boundMs, () => giveUp(onTimeout(boundMs)));
      signal?.addEventListener("abort", aborted, { once: true });
      this.#waits.add(wait);
      const seat = this.#seat(wait);
    });
  }

  /** Ends every wait. */
  refuseAll(error: PostgresError): void {
    for (const wait of this.#waits) wait.fail(error);
    for (const seat of this.#seats) seat.stop?.abort();
  }

  #seat(wait: Wait): Seat {
    const seat: Seat = { stop: undefined };
    this.#seats.add(seat);
    const signal = (): AbortSignal => {
      seat.stop ??= new AbortController();
      return seat.stop.signal;
    };
    this.#obtain(signal).then(
      (client) => {
        this.#seats.delete(seat);
        this.#deliver(client);
      },
      (error: unknown) => {
        this.#seats.delete(seat);
        if (!wait.settled) return wait.fail(error);
        if (this.#waits.size > this.#seats.size) this.#seat(this.#newest());
      },
    );
    return seat;
  }

  #deliver(client: PgClient): void {
    const oldest = this.#waits.values().next().value;
    if (oldest === undefined) client.release();
    else oldest.give(client);
  }

  /** One attempt fewer is needed: that of the caller itself, or the youngest that is still repeated. */
  #callOff(own: Seat): void {
    if (this.surplus === 0) return;
    let youngest: Seat | undefined;
    for (const seat of this.#seats)
      if (seat.stop !== undefined && !seat.stop.signal.aborted) youngest = seat;
    if (this.#seats.has(own)) own.stop?.abort();
    else youngest?.stop?.abort();
  }

  #newest(): Wait {
    let newest: Wait | undefined;
    for (const wait of this.#waits) newest = wait;
    return newest!;
  }
}
