/**
 * How far a replica must have replayed for what is read there to count.
 *
 * Invariants:
 * - Every change that was dropped here lies before it: it moves before they are dropped.
 * - With each beat that is confirmed it moves to that beat's pulse. What was acknowledged before the
 *   beat was begun lies before it, told by the stream or not: a changed meaning is not told.
 * - It is nowhere after anything that may have been missed, and after a look at the catalog found a
 *   changed meaning, until a beat is confirmed that was begun afterwards.
 */
import { formatLsn, LSN_ZERO, type Lsn, laterLsn, parseLsn } from "./lsn.ts";

export class Place {
  #applied: Lsn = LSN_ZERO;
  #known = false;
  #lost = 0;

  /** For replicas; `0/0`: no replica counts now. */
  get forReplicas(): string {
    return formatLsn(this.#known ? this.#applied : LSN_ZERO);
  }

  /** Up to where changes were applied. */
  get applied(): string {
    return formatLsn(this.#applied);
  }

  /** Changes up to here are about to be dropped. */
  reach(end: Lsn): void {
    this.#applied = laterLsn(this.#applied, end);
  }

  /** Something happened that lies nowhere known. */
  lose(): void {
    this.#known = false;
    this.#lost += 1;
  }

  /** A beat begins; gives what to call once it is confirmed, with the position of its pulse. */
  begins(): (position: string) => void {
    const lost = this.#lost;
    return (position) => {
      const pulse = parseLsn(position);
      if (lost !== this.#lost || pulse === undefined) return;
      this.reach(pulse);
      this.#known = true;
    };
  }
}
