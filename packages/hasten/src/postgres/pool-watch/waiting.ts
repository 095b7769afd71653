/**
 * Times in which somebody waits.
 *
 * Invariants:
 * - Told when the first caller waits, at once, and when nobody has for QUIET_MS: however many wait however
 *   shortly, that is at most two events a second.
 * - One timer at most, and none while somebody waits or nobody did.
 */
import type { Clock, Timer } from "../../core/clock.ts";
import type { WaitingEvent } from "./types.ts";

const QUIET_MS = 1_000;

export class Waiting {
  readonly #clock: Clock;
  readonly #tell: (event: Omit<WaitingEvent, "pool">) => void;
  #since: { readonly ms: number; readonly wallMs: number } | undefined;
  #lastMs = 0;
  #quiet: Timer | undefined;
  #depth = 0;
  #depthMax = 0;
  /** How many there were. */
  count = 0;

  constructor(clock: Clock, tell: (event: Omit<WaitingEvent, "pool">) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** So many wait now. Gives true when that is the beginning of such a time. */
  depth(now: number): boolean {
    const before = this.#depth;
    this.#depth = now;
    if (now === 0) {
      if (before > 0) this.#calm();
      return false;
    }
    this.#quiet?.cancel();
    this.#quiet = undefined;
    if (now > this.#depthMax) this.#depthMax = now;
    if (this.#since !== undefined) return false;
    this.#since = { ms: this.#clock.nowMs(), wallMs: this.#clock.wallMs() };
    this.count += 1;
    this.#told("waiting-began", 0);
    return true;
  }

  /** Whether somebody waits, as far as was told. */
  get lasts(): boolean {
    return this.#depth > 0;
  }

  close(): void {
    this.#quiet?.cancel();
  }

  #calm(): void {
    this.#lastMs = this.#clock.nowMs();
    this.#quiet = this.#clock.schedule(QUIET_MS, () => {
      this.#told("waiting-ended", this.#lastMs - this.#since!.ms);
      this.#since = undefined;
      this.#quiet = undefined;
      this.#depthMax = 0;
    });
  }

  #told(kind: WaitingEvent["kind"], durationMs: number): void {
    const sinceWallMs = this.#since!.wallMs;
    this.#tell({ kind, sinceWallMs, durationMs, depthMax: this.#depthMax });
  }
}
