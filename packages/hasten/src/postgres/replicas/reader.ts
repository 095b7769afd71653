/**
 * What one session has written and seen, and what a replica must show to be read by it.
 *
 * Invariants (read-your-writes and monotonic reads):
 * - Whatever the session did on the primary is covered by a position of the primary that was asked
 *   for *after* the primary's answer. Until there is one, no replica may be read.
 * - What the session saw on a replica is covered by the same connection or one that was open already
 *   when it was seen (the same life of the same server, whose replay never goes back), or by a
 *   position of the primary that was asked for after it was seen.
 * - A token from outside counts like an own write, and never for more than the primary has written.
 * - Bounded: at most SEATS_MAX servers are told apart; beyond that the session waits for a position.
 */
import { type Moment, thisMoment } from "./order.ts";
import { later, NOWHERE, type Position } from "./position.ts";
import type { Samples } from "./samples.ts";

/** A connection to a replica, as far as it matters to what was seen there. */
export interface Seat {
  /** The server behind it, as it was started. */
  readonly instance: string;
  /** When it was known to be open. */
  readonly openSince: Moment;
}

const SEATS_MAX = 8;

export class Reader {
  #need: Position = NOWHERE;
  #claim: { readonly position: Position; readonly since: Moment } | undefined;
  /** The latest that was done on the primary and is not covered yet. */
  #open: Moment | undefined;
  readonly #seen = new Map<string, Moment>();

  /** @param claimed what a token says was written or seen before */
  constructor(claimed?: Position) {
    if (claimed !== undefined) this.#claim = { position: claimed, since: thisMoment() };
  }

  /** The primary answered. */
  usedPrimary(): void {
    this.#open = thisMoment();
    // The primary's position after this covers what was seen on replicas before.
    this.#seen.clear();
  }

  /** A replica answered. */
  usedReplica({ instance }: Seat): void {
    if (this.#seen.size >= SEATS_MAX && !this.#seen.has(instance)) this.usedPrimary();
    else this.#seen.set(instance, thisMoment());
  }

  /** How far a server must have replayed to be read by this connection; undefined: none suffices yet. */
  needOn(seat: Seat, samples: Samples): Position | undefined {
    this.#settle(samples);
    if (this.#open !== undefined) return undefined;
    for (const [instance, seen] of this.#seen) {
      if (instance === seat.instance && seat.openSince < seen) continue;
      const covered = samples.covering(seen);
      if (covered === undefined) return undefined;
      this.#need = later(this.#need, covered);
      this.#seen.delete(instance);
    }
    return this.#claim === undefined ? this.#need : later(this.#need, this.#claim.position);
  }

  /** Everything so far as one position; undefined while no sample covers it. */
  position(samples: Samples): Position | undefined {
    return this.needOn(NO_SEAT, samples);
  }

  #settle(samples: Samples): void {
    if (this.#open !== undefined) {
      const covered = samples.covering(this.#open);
      if (covered !== undefined) {
        this.#need = later(this.#need, covered);
        this.#open = undefined;
      }
    }
    if (this.#claim === undefined) return;
    const written = samples.covering(this.#claim.since);
    if (written === undefined) return;
    const { position } = this.#claim;
    this.#need = later(this.#need, position < written ? position : written);
    this.#claim = undefined;
  }
}

const NO_SEAT: Seat = { instance: "", openSince: 0 };
