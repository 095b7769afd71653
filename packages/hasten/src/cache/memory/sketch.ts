/**
 * How often keys were asked for lately: a count-min sketch of 4-bit counters that halves itself
 * periodically (TinyLFU: Einziger, Friedman, Manes, ACM ToS 2017).
 *
 * Invariants: a key has four counters, all in one block of 64 bytes, so an access touches one
 * cache line; an estimate never falls below the accesses counted since the last halving, up to 15;
 * after `10 x entries` counted accesses every counter is halved, so old popularity fades.
 */
export class FrequencySketch {
  /** Eight counters a word, sixteen words a block. */
  #table: Int32Array;
  #blockMask: number;

  constructor(entries: number) {
    const words = wordsFor(entries);
    this.#table = new Int32Array(words);
    this.#blockMask = words / BLOCK_WORDS - 1;
  }

  /** Estimated recent accesses of a key, 0 to 15. */
  estimate(hash: number): number {
    const table = this.#table;
    const block = (hash & this.#blockMask) * BLOCK_WORDS;
    let bits = counterBits(hash);
    let least = FREQUENCY_MAX;
    for (let row = block; row < block + BLOCK_WORDS; row += ROW_WORDS) {
      const count = (table[row + (bits & 3)]! >>> (bits & 28)) & FREQUENCY_MAX;
      if (count < least) least = count;
      bits >>>= 5;
    }
    return least;
  }

  /** Makes the estimate of a key at least `frequency`, and nobody else's larger than need be. */
  raise(hash: number, frequency: number): void {
    const table = this.#table;
    const block = (hash & this.#blockMask) * BLOCK_WORDS;
    let bits = counterBits(hash);
    for (let row = block; row < block + BLOCK_WORDS; row += ROW_WORDS) {
      const word = row + (bits & 3);
      const shift = bits & 28;
      const value = table[word]!;
      const count = (value >>> shift) & FREQUENCY_MAX;
      if (count < frequency) table[word] = value + ((frequency - count) << shift);
      bits >>>= 5;
    }
  }

  /** Halves every estimate. */
  age(): void {
    const table = this.#table;
    for (let word = 0; word < table.length; word++) table[word] = (table[word]! >>> 1) & HALVED;
  }

  /**
   * Makes room for more entries and keeps every estimate: a key's new block is a copy of the
   * block it had, because blocks are chosen by the low bits of the hash.
   */
  grow(entries: number): void {
    const old = this.#table;
    const words = wordsFor(entries);
    if (words <= old.length) return;
    this.#table = new Int32Array(words);
    for (let at = 0; at < words; at += old.length) this.#table.set(old, at);
    this.#blockMask = words / BLOCK_WORDS - 1;
  }
}

export const FREQUENCY_MAX = 15;
const BLOCK_WORDS = 16;
const ROW_WORDS = 4;
const WORDS_PER_ENTRY = 4;
const HALVED = 0x77777777;

/** Thirty-two counters an entry, in whole blocks, a power of two of them. */
function wordsFor(entries: number): number {
  return Math.max(BLOCK_WORDS, 2 ** Math.ceil(Math.log2(entries)) * WORDS_PER_ENTRY);
}

/** Twenty bits, five a row, independent of those that chose the block. */
function counterBits(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x31848bab);
  return mixed ^ (mixed >>> 14);
}
