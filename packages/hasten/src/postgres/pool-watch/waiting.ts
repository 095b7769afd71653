/** Times in which somebody waits: each begins with the first who does, and ends when nobody does. */
import type { Clock } from "../../core/clock.ts";
import type { WaitingEvent } from "./types.ts";

export class Waiting {
  readonly #clock: Clock;
  readonly #tell: (event: Omit<WaitingEvent, "pool">) => void;
  #since: { readonly ms: number; readonly wallMs: number } | undefined;
  #depthMax = 0;
  /** How many there were. */
  count = 0;

  constructor(clock: Clock, tell: (event: Omit<WaitingEvent, "pool">) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** So many wait now. Gives true when that is the beginning of one. */
  depth(now: number): boolean {
    if (now > 0) {
      if (now > this.#depthMax) this.#depthMax = now;
      if (this.#since !== undefined) return false;
      this.#since = { ms: this.#clock.nowMs(), wallMs: this.#clock.wallMs() };
      this.count += 1;
      this.#told("waiting-began", 0);
      return true;
    }
    if (this.#since === undefined) return false;
    this.#told("waiting-ended", this.#clock.nowMs() - this.#since.ms);
    this.#since = undefined;
    this.#depthMax = 0;
    return false;
  }

  get lasts(): boolean {
    return this.#since !== undefined;
  }

  #told(kind: WaitingEvent["kind"], durationMs: number): void {
    const sinceWallMs = this.#since!.wallMs;
    this.#tell({ kind, sinceWallMs, durationMs, depthMax: this.#depthMax });
  }
}
