/**
 * What the clock of Redis shows, as far as this process can know.
 *
 * Invariants:
 * - Redis read its clock between the sending of a question and the arrival of the answer. So it
 *   shows at least that plus what has passed since the answer, and at most that plus what has passed
 *   since the question.
 * - What has passed is the smaller of both clocks for the lower bound and the larger for the upper:
 *   a suspended machine knows less, never something wrong.
 * - Who writes a time uses the bound that makes a value older; so does who reads one.
 */
import type { Instant } from "../../../core/trust.ts";

export class RedisTime {
  #redisMs = 0;
  #sent: Instant | undefined;
  #received: Instant | undefined;

  get known(): boolean {
    return this.#sent !== undefined;
  }

  learn(redisMs: number, sent: Instant, received: Instant): void {
    this.#redisMs = redisMs;
    this.#sent = sent;
    this.#received = received;
  }

  /** It is another server's from now on. */
  forget(): void {
    this.#sent = undefined;
    this.#received = undefined;
  }

  /** It showed at least this at that instant; undefined while nothing is known. */
  atLeastMs(at: Instant): number | undefined {
    const from = this.#received;
    if (from === undefined) return undefined;
    return this.#redisMs + Math.min(at.monotonicMs - from.monotonicMs, at.wallMs - from.wallMs);
  }

  /** It showed at most this at that instant; undefined while nothing is known. */
  atMostMs(at: Instant): number | undefined {
    const from = this.#sent;
    if (from === undefined) return undefined;
    return this.#redisMs + Math.max(at.monotonicMs - from.monotonicMs, at.wallMs - from.wallMs);
  }

  /** Not later than when it showed this; `now` where that is still to come or nothing is known. */
  instantOf(redisMs: number, now: Instant): Instant {
    const agoMs = Math.max(0, (this.atMostMs(now) ?? Number.POSITIVE_INFINITY) - redisMs);
    return { monotonicMs: now.monotonicMs - agoMs, wallMs: now.wallMs - agoMs };
  }
}
