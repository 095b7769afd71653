/**
 * Caffeine's frequency sketch: a count-min sketch of 4-bit counters in blocks of 64 bytes, sixteen
 * counters an entry, halved after `10 x entries` counted accesses.
 */
export class FrequencySketch {
  /** Eight counters a word, sixteen words a block. */
  readonly #table: Int32Array;
  readonly #blockMask: number;
  readonly #sampleMax: number;
  #sampled = 0;

  constructor(entries: number) {
    const words = wordsFor(entries);
    this.#table = new Int32Array(words);
    this.#blockMask = words / BLOCK_WORDS - 1;
    this.#sampleMax = SAMPLE_PER_ENTRY * entries;
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

  /** Counts one access of a key. */
  increment(hash: number): void {
    const table = this.#table;
    const block = (hash & this.#blockMask) * BLOCK_WORDS;
    let bits = counterBits(hash);
    let added = 0;
    for (let row = block; row < block + BLOCK_WORDS; row += ROW_WORDS) {
      const word = row + (bits & 3);
      const shift = bits & 28;
      const value = table[word]!;
      if (((value >>> shift) & FREQUENCY_MAX) !== FREQUENCY_MAX) {
        table[word] = value + (1 << shift);
        added = 1;
      }
      bits >>>= 5;
    }
    this.#sampled += added;
    if (this.#sampled >= this.#sampleMax) this.#age();
  }

  #age(): void {
    const table = this.#table;
    for (let word = 0; word < table.length; word++) table[word] = (table[word]! >>> 1) & HALVED;
    this.#sampled >>>= 1;
  }
}

const FREQUENCY_MAX = 15;
const BLOCK_WORDS = 16;
const ROW_WORDS = 4;
const SAMPLE_PER_ENTRY = 10;
const HALVED = 0x77777777;

/** Sixteen counters an entry, in whole blocks, a power of two of them. */
function wordsFor(entries: number): number {
  return Math.max(BLOCK_WORDS, 2 ** Math.ceil(Math.log2(entries)) * 2);
}

/** Twenty bits, five a row, independent of those that chose the block. */
function counterBits(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x31848bab);
  return mixed ^ (mixed >>> 14);
}
