/**
 * Which takers' stacks are taken.
 *
 * Invariants: at most stacksPerSecondMax a second; but when a leak was found whose taker is not known,
 * all are for ALL_MS, so that the line which leaked is named the next time.
 */
import type { Watching } from "./options.ts";
import { type TakenStack, takeStack } from "./stack.ts";

const ALL_MS = 3_600_000;
const SECOND_MS = 1_000;

export class Sampling {
  readonly #watching: Watching;
  #allUntilMs = Number.NEGATIVE_INFINITY;
  #secondEndsMs = Number.NEGATIVE_INFINITY;
  #left = 0;
  /** Added up, so that a share of 0.25 takes every fourth. */
  #share = 0;

  constructor(watching: Watching) {
    this.#watching = watching;
  }

  stack(nowMs: number): TakenStack | undefined {
    return nowMs < this.#allUntilMs || this.#isChosen(nowMs)
      ? takeStack(Sampling.prototype.stack)
      : undefined;
  }

  /** A leak was found whose taker is not known. */
  takeAll(): void {
    this.#allUntilMs = this.#watching.clock.nowMs() + ALL_MS;
  }

  #isChosen(nowMs: number): boolean {
    const { stackShare, stacksPerSecondMax } = this.#watching;
    if (stackShare === 0) return false;
    this.#share += stackShare;
    if (this.#share < 1) return false;
    this.#share -= 1;
    if (nowMs >= this.#secondEndsMs) {
      this.#secondEndsMs = nowMs + SECOND_MS;
      this.#left = stacksPerSecondMax;
    }
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
