import { Climber } from "./climber.ts";
import { Refusals } from "./refusals.ts";
import { FREQUENCY_MAX, FrequencySketch } from "./sketch.ts";
import { PROBATION, PROTECTED, Slots, WINDOW } from "./slots.ts";

/**
 * W-TinyLFU with a window whose size is climbed by marginal worth (climber.ts).
 *
 * A newcomer enters the window (LRU). What the window pushes out is a candidate for the main
 * region, a segmented LRU: while the store is full, a candidate stays only if it was asked for
 * more often than every entry it would displace. Bounds are in entries and in bytes; each region's
 * share holds in both.
 *
 * Invariants after `settle`: entries <= entriesMax and bytes <= bytesMax. Shares of window and
 * protected are soft: at most MOVES_MAX entries change region per call, so that a call is short.
 * What takes longer, in proportion to the store, is rare: growing, and halving the counts.
 */
export class WindowTinyLfu {
  readonly slots: Slots;
  readonly #sketch: FrequencySketch;
  readonly #refusals = new Refusals();
  readonly #climber = new Climber();
  readonly #entriesMax: number;
  readonly #bytesMax: number;
  readonly #random: () => number;
  #sampled = 0;

  constructor(bounds: { entriesMax: number; bytesMax: number }, random: () => number) {
    this.#entriesMax = bounds.entriesMax;
    this.#bytesMax = bounds.bytesMax;
    this.#random = random;
    this.slots = new Slots(bounds.entriesMax);
    this.#sketch = new FrequencySketch(this.slots.capacity);
  }

  /** The window's part of the store as of now. */
  get windowShare(): number {
    return this.#climber.share;
  }

  /** Forgets the entries, in O(1), and keeps what was learned about keys. */
  clear(): void {
    this.slots.clear();
  }

  /** Counts accesses that raised an entry's heat; ages everything when they were enough. */
  count(accesses: number): void {
    this.#sampled += accesses;
    if (this.#sampled < SAMPLE_PER_ENTRY * this.slots.capacity) return;
    this.#sampled >>>= 1;
    this.#sketch.age();
    this.slots.age();
  }

  /** Takes a newcomer in and returns its slot; the bounds hold again after `settle`. */
  add(hash: number, weight: number): number {
    const { slots } = this;
    const capacity = slots.capacity;
    const slot = slots.add(WINDOW, hash, weight);
    if (slots.capacity !== capacity) this.#sketch.grow(slots.capacity);
    slots.heat[slot] = Math.min(this.#sketch.estimate(hash) + 1, FREQUENCY_MAX);
    this.count(1);
    const remembered = this.#refusalsThatCount();
    this.#refusals.reserve(remembered);
    if (this.#refusals.take(hash, remembered)) this.#climber.refusedTooSoon(remembered);
    return slot;
  }

  /** Counts a replacement of the entry at `slot`. One that no longer fits competes anew. */
  replace(slot: number, weight: number): void {
    const { slots } = this;
    slots.reweigh(slot, weight);
    if (this.#fits()) return;
    slots.takeVisit(slot);
    slots.relocate(WINDOW, slot);
  }

  /** Forgets the entry at `slot`, but not how often its key was asked for. */
  remove(slot: number): void {
    const { slots } = this;
    this.#sketch.raise(slots.hash[slot]!, slots.frequency(slot));
    slots.remove(slot);
  }

  /**
   * Makes the bounds hold after the entry at `arrived` was added or replaced, appending the slots
   * that lost (already removed) to `lost`.
   *
   * Entries of different sizes leave gaps. While the store is over its bounds, the window owes the
   * room the arrival takes, so that the gaps it leaves in its share are not filled at the expense
   * of main, which would give up entries without a contest. An arrival larger than the window's
   * whole share is a candidate at once, instead of pushing out everything in the window.
   */
  settle(arrived: number, lost: number[]): void {
    const { slots } = this;
    const room = slots.weight[arrived]!;
    if (slots.region[arrived] === WINDOW && room > this.#climber.share * this.#bytesMax)
      slots.lists.moveToOldest(WINDOW, arrived);
    for (let moves = 0; moves < MOVES_MAX && this.#windowOwes(room); moves++) {
      const candidate = slots.oldest(WINDOW);
      if (slots.takeVisit(candidate)) {
        slots.relocate(WINDOW, candidate);
        continue;
      }
      if (!this.#fits()) this.#promote();
      slots.relocate(PROBATION, candidate);
      if (!this.#fits()) this.#contest(candidate, lost);
    }
    while (!this.#fits()) {
      this.#promote();
      this.#lose(this.#oldestOfAll(), lost);
    }
  }

  /** Moves the oldest of probation that were hit into protected. */
  #promote(): void {
    const { slots } = this;
    for (let moves = 0; moves < MOVES_MAX && slots.entries[PROBATION]! > 0; moves++) {
      const slot = slots.oldest(PROBATION);
      if (!slots.takeVisit(slot)) return;
      this.#climber.savedInProbation(slots.entries[PROBATION]!);
      slots.relocate(PROTECTED, slot);
      this.#demote();
    }
  }

  /** Lets `candidate` displace the oldest entries of main, or lose to the first it cannot beat. */
  #contest(candidate: number, lost: number[]): void {
    const { slots } = this;
    const frequency = slots.frequency(candidate);
    let entriesOver = slots.entriesAll - this.#entriesMax;
    let bytesOver = slots.weightsAll - this.#bytesMax;
    let victim = PROBATION;
    for (let n = 0; n < VICTIMS_MAX && (entriesOver > 0 || bytesOver > 0); n++) {
      victim = this.#victimAfter(victim, candidate);
      if (victim === PROTECTED || !this.#beats(frequency, victim)) {
        this.#refusals.add(slots.hash[candidate]!);
        this.#lose(candidate, lost);
        return;
      }
      entriesOver -= 1;
      bytesOver -= slots.weight[victim]!;
    }
    while (!this.#fits()) {
      victim = this.#victimAfter(PROBATION, candidate);
      if (victim === PROTECTED) return;
      this.#lose(victim, lost);
    }
  }

  /**
   * The next newer entry of main after `at`, oldest first, probation before protected, without
   * `candidate`. Starts at the head PROBATION; ends at the head PROTECTED.
   */
  #victimAfter(at: number, candidate: number): number {
    const newer = this.slots.lists.prev;
    let victim = newer[at]!;
    if (victim === candidate) victim = newer[victim]!;
    return victim === PROBATION ? newer[PROTECTED]! : victim;
  }

  /**
   * Whether a candidate asked for `frequency` times may displace `victim`. A popular candidate
   * wins one time in 128 all the same: keys chosen to share the counters of a victim that nobody
   * wants any more cannot shut the store for good.
   */
  #beats(frequency: number, victim: number): boolean {
    if (frequency > this.slots.frequency(victim)) return true;
    return frequency >= LUCKY_FREQUENCY && (this.#random() & LUCKY_MASK) === 0;
  }

  #lose(slot: number, lost: number[]): void {
    this.remove(slot);
    lost.push(slot);
  }

  #oldestOfAll(): number {
    const { slots } = this;
    if (slots.entries[PROBATION]! > 0) return slots.oldest(PROBATION);
    return slots.oldest(slots.entries[PROTECTED]! > 0 ? PROTECTED : WINDOW);
  }

  /** Keeps the protected part of main within its share, a few entries at a time. */
  #demote(): void {
    const { slots } = this;
    const share = PROTECTED_SHARE * (1 - this.#climber.share);
    const entriesMax = share * this.#entriesMax;
    const bytesMax = share * this.#bytesMax;
    for (let n = 0; n < DEMOTIONS_MAX && slots.entries[PROTECTED]! > 0; n++) {
      if (slots.entries[PROTECTED]! <= entriesMax && slots.weights[PROTECTED]! <= bytesMax) return;
      const slot = slots.oldest(PROTECTED);
      slots.relocate(slots.takeVisit(slot) ? PROTECTED : PROBATION, slot);
    }
  }

  /** Whether the window is over its share, or has to make `room` in it because the store is. */
  #windowOwes(room: number): boolean {
    const { slots } = this;
    const entries = slots.entries[WINDOW]!;
    if (entries === 0) return false;
    const { share } = this.#climber;
    if (entries > Math.max(1, Math.floor(share * this.#entriesMax))) return true;
    const weight = slots.weights[WINDOW]!;
    const weightMax = share * this.#bytesMax;
    return weight > weightMax || (weight + room > weightMax && slots.weightsAll > this.#bytesMax);
  }

  #fits(): boolean {
    const { slots } = this;
    return slots.entriesAll <= this.#entriesMax && slots.weightsAll <= this.#bytesMax;
  }

  /** How many refusals the climber looks back on: a twentieth of the entries. */
  #refusalsThatCount(): number {
    return Math.max(REFUSALS_MIN, Math.floor(this.slots.entriesAll * REFUSALS_SHARE));
  }
}

const PROTECTED_SHARE = 0.8;
const REFUSALS_SHARE = 0.05;
/** Below this many, one event would move the share further than the climber allows. */
const REFUSALS_MIN = 6;
const SAMPLE_PER_ENTRY = 10;
const MOVES_MAX = 1_000;
const DEMOTIONS_MAX = 16;
const VICTIMS_MAX = 4_096;
const LUCKY_FREQUENCY = 6;
const LUCKY_MASK = 127;
