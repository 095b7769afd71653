/**
 * How much of a pool was in use over the last while, weighted by time.
 *
 * Invariants: SLOTS slots whatever happens, the oldest is forgotten first; every call is constant time
 * (after a silence at most SLOTS steps); nothing is done between calls.
 */
const SLOTS = 12;

interface Slot {
  busyMs: number;
  arrivals: number;
  holdMs: number;
  holds: number;
  peak: number;
  waits: number;
  opened: number;
  closed: number;
}

const emptySlot = (peak: number): Slot => ({
  ...{ busyMs: 0, arrivals: 0, holdMs: 0, holds: 0, peak },
  ...{ waits: 0, opened: 0, closed: 0 },
});

export interface UsageSummary {
  readonly spanMs: number;
  readonly busyMean: number;
  readonly busyPeak: number;
  readonly arrivals: number;
  readonly meanHoldMs: number;
  readonly waited: boolean;
  readonly opened: number;
  readonly closed: number;
}

export class Usage {
  readonly #slotMs: number;
  readonly #slots: Slot[];
  readonly #startedMs: number;
  #now: Slot;
  #index = 0;
  #slotEndMs: number;
  #lastMs: number;
  #busy = 0;

  constructor(windowMs: number, nowMs: number) {
    this.#slotMs = windowMs / SLOTS;
    this.#slots = Array.from({ length: SLOTS }, () => emptySlot(0));
    this.#now = this.#slots[0]!;
    this.#startedMs = nowMs;
    this.#lastMs = nowMs;
    this.#slotEndMs = nowMs + this.#slotMs;
  }

  arrived(nowMs: number): void {
    this.#to(nowMs);
    this.#now.arrivals += 1;
  }

  taken(nowMs: number): void {
    this.#to(nowMs);
    this.#busy += 1;
    if (this.#busy > this.#now.peak) this.#now.peak = this.#busy;
  }

  returned(nowMs: number, heldMs: number): void {
    this.#to(nowMs);
    this.#busy -= 1;
    this.#now.holds += 1;
    this.#now.holdMs += heldMs;
  }

  counted(nowMs: number, what: "waits" | "opened" | "closed"): void {
    this.#to(nowMs);
    this.#now[what] += 1;
  }

  summary(nowMs: number): UsageSummary {
    this.#to(nowMs);
    const inSlotMs = this.#slotMs - (this.#slotEndMs - nowMs);
    const spanMs = Math.min(nowMs - this.#startedMs, (SLOTS - 1) * this.#slotMs + inSlotMs);
    const sum = emptySlot(0);
    for (const slot of this.#slots) {
      for (const key of ["busyMs", "arrivals", "holdMs", "holds", "waits"] as const)
        sum[key] += slot[key];
      sum.opened += slot.opened;
      sum.closed += slot.closed;
      sum.peak = Math.max(sum.peak, slot.peak);
    }
    return {
      spanMs,
      busyMean: spanMs > 0 ? sum.busyMs / spanMs : this.#busy,
      busyPeak: sum.peak,
      arrivals: sum.arrivals,
      meanHoldMs: sum.holds === 0 ? 0 : sum.holdMs / sum.holds,
      waited: sum.waits > 0,
      opened: sum.opened,
      closed: sum.closed,
    };
  }

  #to(nowMs: number): void {
    if (nowMs >= this.#slotEndMs) this.#turn(nowMs);
    this.#now.busyMs += this.#busy * (nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  #turn(nowMs: number): void {
    const missed = Math.floor((nowMs - this.#slotEndMs) / this.#slotMs) - SLOTS;
    if (missed > 0) {
      // Everything that is remembered was longer ago: its slots would be turned over several times.
      this.#slotEndMs += missed * this.#slotMs;
      this.#lastMs = this.#slotEndMs;
    }
    while (nowMs >= this.#slotEndMs) {
      this.#now.busyMs += this.#busy * (this.#slotEndMs - this.#lastMs);
      this.#lastMs = this.#slotEndMs;
      this.#slotEndMs += this.#slotMs;
      this.#index = (this.#index + 1) % SLOTS;
      this.#now = emptySlot(this.#busy);
      this.#slots[this.#index] = this.#now;
    }
  }
}
