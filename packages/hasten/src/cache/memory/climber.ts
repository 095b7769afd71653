/**
 * Chooses the window's share of the store by comparing what one more place is worth on each side:
 * a key that comes back soon after admission refused it would have been a hit with a larger
 * window; a hit in probation is one that a smaller main region would soon lose. Each event moves
 * the share by its own worth divided by the number of places that produce such events, so the
 * share rests where both sides earn the same per place.
 *
 * Every event carries a direction, so the climber needs no sample periods: it follows a change of
 * load within a fraction of the store's size in requests, at any size.
 */
export class Climber {
  #share: number = SHARE_MIN;

  /** The window's part of the store, 0.01 to 0.99. */
  get share(): number {
    return this.#share;
  }

  /** A key came back that was among the last `places` refused: the window is too small. */
  refusedTooSoon(places: number): void {
    this.#share = Math.min(this.#share + Math.min(RATE / places, STEP_MAX), SHARE_MAX);
  }

  /** One of the `places` entries on probation was hit: the main region earns its room. */
  savedInProbation(places: number): void {
    this.#share = Math.max(this.#share - Math.min(RATE / places, STEP_MAX), SHARE_MIN);
  }
}

const SHARE_MIN = 0.01;
const SHARE_MAX = 0.99;
/** How far one event moves the share, times the places that compete to produce it. */
const RATE = 0.3;
const STEP_MAX = 0.05;
