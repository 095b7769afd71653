/**
 * Until when answers made from a source of changes may be served as fresh.
 *
 * Invariants (coherence contract):
 * - A value whose source was read at or after instant `c` may be served at `t` if every change
 *   acknowledged before `t - boundMs` is known to have been applied here: either the source
 *   confirmed an instant at most `boundMs` ago, or `c` itself is at most `boundMs` ago.
 * - Elapsed time is the larger of monotonic and wall clock, so a suspended machine is not trusted.
 * - After `suspend(at)`, which an own write that the source has not passed yet calls, nothing
 *   captured by `at` holds until an instant from `at` on is confirmed.
 * - A gap (changes may have been missed) ends a trust for good: `end()`; the source goes on with a
 *   new one. Values of the ended one may stand in for an error, never be fresh.
 * - `holds` reads the clock itself: a coarse one may be behind by as long as a process was stopped.
 */
import type { Clock } from "./clock.ts";
import { sequence } from "./sequence.ts";

/** A point in time on both clocks, in milliseconds. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export function instant(clock: Clock): Instant {
  return { monotonicMs: clock.nowMs(), wallMs: clock.wallMs() };
}

/** How the changes of a source are learnt, the best first; `ttl` is no promise but the expiry. */
export type CoherencePromise = "stream" | "triggers" | "own-writes" | "ttl";

export class Trust {
  readonly promise: CoherencePromise;
  /** How old a confirmation may be. Milliseconds. */
  readonly boundMs: number;
  /** Its start in the order of invalidations: what may have been missed before it is below. */
  readonly seq: number = sequence.next();
  /**
   * The caches that the source's changes are applied to, where it says so: a value that hangs on
   * this trust is not kept as tracked by any other.
   */
  audience: { has(cache: object): boolean } | undefined = undefined;
  /**
   * What other processes know its source by, where they hear of it too: what hangs on a trust
   * without is kept in this process only.
   */
  shared: string | undefined = undefined;
  readonly #clock: Clock;
  #confirmedMonotonicMs: number = Number.NEGATIVE_INFINITY;
  #confirmedWallMs: number = Number.NEGATIVE_INFINITY;
  #suspendedAtMs: number = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(promise: CoherencePromise, boundMs: number, clock: Clock) {
    this.promise = promise;
    this.boundMs = boundMs;
    this.#clock = clock;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Every change acknowledged before this instant has been applied. Older news is ignored, and so
   * is all of an ended trust: it would lift what a write has suspended.
   */
  confirm(at: Instant): void {
    if (this.#ended || at.monotonicMs <= this.#confirmedMonotonicMs) return;
    this.#confirmedMonotonicMs = at.monotonicMs;
    this.#confirmedWallMs = at.wallMs;
  }

  /** This process wrote at `at`, and whether what it changed has been applied is not known yet. */
  suspend(at: Instant): void {
    this.#suspendedAtMs = Math.max(this.#suspendedAtMs, at.monotonicMs);
  }

  /** Changes may have been missed. Final. */
  end(): void {
    this.#ended = true;
  }

  /** Age of the latest confirmation in milliseconds; infinite before the first. */
  ageMs(): number {
    return elapsedMs(this.#clock, this.#confirmedMonotonicMs, this.#confirmedWallMs);
  }

  /** Whether the source itself is confirmed now. */
  get confirmed(): boolean {
    if (this.#ended || this.#confirmedMonotonicMs < this.#suspendedAtMs) return false;
    return this.ageMs() <= this.boundMs;
  }

  /**
   * Whether this process wrote at or after `monotonicMs` something that may not have been applied yet:
   * what was read by then must not even stand in for an error.
   */
  doubts(monotonicMs: number): boolean {
    return monotonicMs <= this.#suspendedAtMs && this.#confirmedMonotonicMs < this.#suspendedAtMs;
  }

  /** Whether what was read from `monotonicMs`/`wallMs` on may be served as fresh now. */
  holds(monotonicMs: number, wallMs: number): boolean {
    if (this.confirmed) return true;
    if (this.doubts(monotonicMs)) return false;
    return elapsedMs(this.#clock, monotonicMs, wallMs) <= this.boundMs;
  }
}

function elapsedMs(clock: Clock, monotonicMs: number, wallMs: number): number {
  return Math.max(clock.nowMs() - monotonicMs, clock.wallMs() - wallMs);
}
