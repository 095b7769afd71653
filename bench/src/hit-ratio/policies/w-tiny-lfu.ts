import { hashString } from "../../../../packages/hasten/src/cache/memory/hash.ts";
import { SlotLists } from "../../../../packages/hasten/src/cache/memory/lists.ts";
import { FrequencySketch } from "./frequency-sketch.ts";
import type { PolicyFactory } from "./policy.ts";

const WINDOW = 0;
const PROBATION = 1;
const PROTECTED = 2;
const HEADS = 3;
const NOWHERE = 255;
const WINDOW_SHARE = 0.01;
const PROTECTED_SHARE = 0.8;
const STEP_SHARE = 0.0625;
const STEP_DECAY = 0.98;
const RESTART_AT = 0.05;
const SAMPLE_PER_ENTRY = 10;
const SEED = 7;

/** W-TinyLFU with the window fixed at 1 % (Einziger, Friedman, Manes 2017). */
export const wTinyLfu: PolicyFactory = (size) => new WindowTinyLfu(size, false);

/** W-TinyLFU whose window climbs the hill of the hit ratio, as in Caffeine 3. */
export const adaptiveWTinyLfu: PolicyFactory = (size) => new WindowTinyLfu(size, true);

class WindowTinyLfu {
  readonly #lists: SlotLists;
  readonly #where: Uint8Array;
  readonly #hashes: Int32Array;
  readonly #sketch: FrequencySketch;
  readonly #size = [0, 0, 0];
  readonly #entriesMax: number;
  readonly #adaptive: boolean;
  #windowMax: number;
  #protectedMax = 0;
  #step: number;
  #hits = 0;
  #requests = 0;
  #hitRatioBefore = 0;

  constructor({ entriesMax, keys }: { entriesMax: number; keys: number }, adaptive: boolean) {
    this.#lists = new SlotLists(keys + HEADS, HEADS);
    this.#where = new Uint8Array(keys + HEADS).fill(NOWHERE);
    this.#hashes = Int32Array.from({ length: keys + HEADS }, (_, n) => hashString(`${n}`, SEED));
    this.#sketch = new FrequencySketch(entriesMax);
    this.#entriesMax = entriesMax;
    this.#adaptive = adaptive;
    this.#windowMax = Math.max(1, Math.round(entriesMax * WINDOW_SHARE));
    this.#step = -STEP_SHARE * entriesMax;
    this.#split();
  }

  access(key: number): boolean {
    const slot = key + HEADS;
    const where = this.#where[slot]!;
    this.#sketch.increment(this.#hashes[slot]!);
    this.#requests += 1;
    if (where === NOWHERE) {
      this.#enter(WINDOW, slot);
      this.#evict();
    } else {
      this.#hits += 1;
      this.#touch(slot, where);
    }
    if (this.#adaptive && this.#requests >= SAMPLE_PER_ENTRY * this.#entriesMax) this.#climb();
    return where !== NOWHERE;
  }

  #touch(slot: number, where: number): void {
    if (where !== PROBATION) {
      this.#lists.move(where, slot);
      return;
    }
    this.#relocate(PROTECTED, slot);
    while (this.#size[PROTECTED]! > this.#protectedMax)
      this.#relocate(PROBATION, this.#lists.oldest(PROTECTED));
  }

  #evict(): void {
    while (this.#size[WINDOW]! > this.#windowMax) {
      const candidate = this.#lists.oldest(WINDOW);
      this.#relocate(PROBATION, candidate);
      if (this.#total() <= this.#entriesMax) continue;
      const victim = this.#lists.oldest(PROBATION);
      const admitted = this.#frequency(candidate) > this.#frequency(victim);
      this.#leave(admitted ? victim : candidate);
    }
    if (this.#total() > this.#entriesMax) this.#leave(this.#lists.oldest(WINDOW));
  }

  #climb(): void {
    const hitRatio = this.#hits / this.#requests;
    const change = hitRatio - this.#hitRatioBefore;
    const amount = change >= 0 ? this.#step : -this.#step;
    this.#step =
      Math.abs(change) >= RESTART_AT
        ? STEP_SHARE * this.#entriesMax * Math.sign(amount)
        : amount * STEP_DECAY;
    this.#hitRatioBefore = hitRatio;
    this.#hits = 0;
    this.#requests = 0;
    const windowMax = Math.round(this.#windowMax + amount);
    this.#windowMax = Math.min(Math.max(windowMax, 1), Math.max(1, this.#entriesMax - 1));
    this.#split();
    this.#rebalance();
  }

  #rebalance(): void {
    while (this.#size[PROTECTED]! > this.#protectedMax)
      this.#relocate(PROBATION, this.#lists.oldest(PROTECTED));
    while (this.#size[WINDOW]! > this.#windowMax)
      this.#relocate(PROBATION, this.#lists.oldest(WINDOW));
    while (this.#size[WINDOW]! < this.#windowMax && this.#total() >= this.#entriesMax) {
      const from = this.#size[PROBATION]! > 0 ? PROBATION : PROTECTED;
      if (this.#size[from] === 0) return;
      this.#relocate(WINDOW, this.#lists.oldest(from));
    }
  }

  #split(): void {
    this.#protectedMax = Math.floor((this.#entriesMax - this.#windowMax) * PROTECTED_SHARE);
  }

  #frequency(slot: number): number {
    return this.#sketch.estimate(this.#hashes[slot]!);
  }

  #total(): number {
    return this.#size[WINDOW]! + this.#size[PROBATION]! + this.#size[PROTECTED]!;
  }

  #relocate(list: number, slot: number): void {
    this.#leave(slot);
    this.#enter(list, slot);
  }

  #leave(slot: number): void {
    this.#size[this.#where[slot]!]! -= 1;
    this.#lists.remove(slot);
    this.#where[slot] = NOWHERE;
  }

  #enter(list: number, slot: number): void {
    this.#lists.push(list, slot);
    this.#where[slot] = list;
    this.#size[list]! += 1;
  }
}
