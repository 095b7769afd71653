/**
 * What is usual for one statement, by hour of the week (UTC): exponentially weighted means of its windows.
 *
 * Invariants:
 * - Bounded: 168 hours and one for all of them, five numbers each.
 * - Every usual window counts once for its hour and once for all hours; a window without a call counts for
 *   the number of calls only.
 */
import type { WindowStats } from "./tally.ts";

/** Hours of a week; the slot after them is that of all hours. */
export const HOURS = 168;
const ALL = HOURS;
/** Numbers kept of a slot. */
const FIELDS = 5;
const [WINDOWS, CALLS, MEAN, VARIANCE, ROWS] = [0, 1, 2, 3, 4];

/** Weight of the newest window, once there are enough of them for a mean to mean something. */
const WEIGHT = 0.05;
/** An hour speaks for itself from this number of windows with calls on. */
export const WINDOWS_MIN = 10;

/** What is usual. Durations in milliseconds. */
export interface Usual {
  /** Windows with calls that it was learned from. */
  readonly windows: number;
  readonly callsPerWindow: number;
  readonly meanMs: number;
  /** Standard deviation of one call. */
  readonly deviationMs: number;
  readonly rowsPerCall: number;
  /** From the same hour of the week, or from all hours where that has not been seen enough. */
  readonly from: "hour" | "all";
}

export class Baseline {
  readonly numbers: Float64Array;

  constructor(numbers: Float64Array = new Float64Array((HOURS + 1) * FIELDS)) {
    this.numbers = numbers;
  }

  /** @param forItsHourOnly what is not usual now may be so every week at this hour */
  learn(window: WindowStats, forItsHourOnly = false): void {
    this.#learnInto(hourOf(window.fromMs), window);
    if (!forItsHourOnly) this.#learnInto(ALL, window);
  }

  /** Undefined while too little was seen. */
  usual(atMs: number): Usual | undefined {
    return this.#read(hourOf(atMs), "hour") ?? this.#read(ALL, "all");
  }

  forget(): void {
    this.numbers.fill(0);
  }

  #learnInto(slot: number, { count, totalMs, deviationMs, rows }: WindowStats): void {
    const at = slot * FIELDS;
    const { numbers } = this;
    const seen = numbers[at + WINDOWS!]!;
    const weight = Math.max(WEIGHT, 1 / (seen + 1));
    const move = (field: number, value: number): void => {
      const before = numbers[at + field]!;
      numbers[at + field] = before + weight * (value - before);
    };
    move(CALLS!, count);
    if (count === 0) return;
    numbers[at + WINDOWS!] = seen + 1;
    move(MEAN!, totalMs / count);
    // One call has no deviation of its own.
    if (count > 1) move(VARIANCE!, deviationMs ** 2);
    move(ROWS!, rows / count);
  }

  #read(slot: number, from: Usual["from"]): Usual | undefined {
    const at = slot * FIELDS;
    const windows = this.numbers[at + WINDOWS!]!;
    if (windows < WINDOWS_MIN) return undefined;
    return {
      windows,
      callsPerWindow: this.numbers[at + CALLS!]!,
      meanMs: this.numbers[at + MEAN!]!,
      deviationMs: Math.sqrt(this.numbers[at + VARIANCE!]!),
      rowsPerCall: this.numbers[at + ROWS!]!,
      from,
    };
  }
}

const HOUR_MS = 3_600_000;
/** 1970-01-01 was a Thursday; the week begins on Monday. */
const THURSDAY_HOURS = 72;

export function hourOf(wallMs: number): number {
  return (Math.floor(wallMs / HOUR_MS) + THURSDAY_HOURS) % HOURS;
}
