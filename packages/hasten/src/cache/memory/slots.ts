import { SlotLists } from "./lists.ts";

/** Where an entry is. The first three numbers are also the rows of the list heads. */
export const WINDOW = 0;
export const PROBATION = 1;
export const PROTECTED = 2;
/** Flag in `heat`: hit since the policy last looked at the entry. */
export const VISITED = 16;
export const FREQUENCY_BITS = 15;
/** `heat` of an entry that another hit cannot change. */
export const HEAT_MAX: number = VISITED | FREQUENCY_BITS;
const REGIONS = 3;
const CAPACITY_MIN = 64;
const NO_SLOT = -1;

/**
 * What the policy knows of each entry, in columns, with a running count and sum of weights per
 * region. A slot is a row: taken by `add`, given back by `remove`.
 *
 * Invariants: a taken slot is in exactly one region's list; `entries[r]` and `weights[r]` are the
 * count and the sum of `weight` over region r; weights are whole numbers, so sums are exact.
 */
export class Slots {
  lists!: SlotLists;
  hash!: Int32Array;
  weight!: Float64Array;
  region!: Uint8Array;
  /** Accesses lately, 0 to 15, and the flag VISITED. */
  heat!: Uint8Array;
  readonly entries: Float64Array = new Float64Array(REGIONS);
  readonly weights: Float64Array = new Float64Array(REGIONS);
  #capacity!: number;
  #used!: number;
  #free!: number;
  readonly #capacityMax: number;

  /** Tables start small and double up to `entriesMax` and one newcomer. */
  constructor(entriesMax: number) {
    this.#capacityMax = entriesMax + 1 + REGIONS;
    this.clear();
  }

  /** Forgets every row, in O(1). */
  clear(): void {
    this.#capacity = Math.min(CAPACITY_MIN, this.#capacityMax);
    this.lists = new SlotLists(this.#capacity, REGIONS);
    this.hash = new Int32Array(this.#capacity);
    this.weight = new Float64Array(this.#capacity);
    this.region = new Uint8Array(this.#capacity);
    this.heat = new Uint8Array(this.#capacity);
    this.entries.fill(0);
    this.weights.fill(0);
    this.#used = REGIONS;
    this.#free = NO_SLOT;
  }

  get capacity(): number {
    return this.#capacity;
  }

  get entriesAll(): number {
    return this.entries[WINDOW]! + this.entries[PROBATION]! + this.entries[PROTECTED]!;
  }

  get weightsAll(): number {
    return this.weights[WINDOW]! + this.weights[PROBATION]! + this.weights[PROTECTED]!;
  }

  /** Takes a slot and puts it at the newest end of `region`. */
  add(region: number, hash: number, weight: number): number {
    const slot = this.#take();
    this.hash[slot] = hash;
    this.weight[slot] = weight;
    this.#enter(region, slot);
    return slot;
  }

  remove(slot: number): void {
    this.#leave(slot);
    this.lists.next[slot] = this.#free;
    this.#free = slot;
  }

  /** Puts `slot` at the newest end of `region`. */
  relocate(region: number, slot: number): void {
    this.#leave(slot);
    this.#enter(region, slot);
  }

  reweigh(slot: number, weight: number): void {
    this.weights[this.region[slot]!]! += weight - this.weight[slot]!;
    this.weight[slot] = weight;
  }

  /** Oldest slot of `region`, or `region` itself when it is empty. */
  oldest(region: number): number {
    return this.lists.prev[region]!;
  }

  /** Accesses of the entry lately, 0 to 15. */
  frequency(slot: number): number {
    return this.heat[slot]! & FREQUENCY_BITS;
  }

  /** True when the entry was hit since the last call. */
  takeVisit(slot: number): boolean {
    const heat = this.heat[slot]!;
    if (heat < VISITED) return false;
    this.heat[slot] = heat & FREQUENCY_BITS;
    return true;
  }

  /**
   * Halves the frequency of every entry, rounded up: a key outside has to be asked for twice
   * within a sample to displace an entry. Rounded down, a loop longer than the sample would see
   * every entry at zero and displace them all just before their turn.
   */
  age(): void {
    const { heat } = this;
    for (let slot = REGIONS; slot < this.#used; slot++)
      heat[slot] = (heat[slot]! & VISITED) | (((heat[slot]! & FREQUENCY_BITS) + 1) >>> 1);
  }

  #enter(region: number, slot: number): void {
    this.lists.push(region, slot);
    this.region[slot] = region;
    this.entries[region]! += 1;
    this.weights[region]! += this.weight[slot]!;
  }

  #leave(slot: number): void {
    const region = this.region[slot]!;
    this.lists.remove(slot);
    this.entries[region]! -= 1;
    this.weights[region]! -= this.weight[slot]!;
  }

  #take(): number {
    const free = this.#free;
    if (free !== NO_SLOT) {
      this.#free = this.lists.next[free]!;
      return free;
    }
    if (this.#used === this.#capacity) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    this.#capacity = Math.min(this.#capacity * 2, this.#capacityMax);
    this.lists.grow(this.#capacity);
    this.hash = enlarged(this.hash, new Int32Array(this.#capacity));
    this.weight = enlarged(this.weight, new Float64Array(this.#capacity));
    this.region = enlarged(this.region, new Uint8Array(this.#capacity));
    this.heat = enlarged(this.heat, new Uint8Array(this.#capacity));
  }
}

function enlarged<T extends Int32Array | Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
