/**
 * The keys that admission turned away most recently, by hash: a direct-mapped table that
 * remembers when each was refused. A newer refusal overwrites an older one in the same place,
 * which loses about one in eight; the climber only needs a rate.
 */
export class Refusals {
  #hashes: Int32Array;
  #turns: Int32Array;
  #mask: number;
  #turn = 0;

  constructor() {
    this.#hashes = new Int32Array(PLACES_MIN);
    this.#turns = new Int32Array(PLACES_MIN);
    this.#mask = PLACES_MIN - 1;
  }

  /** Makes room to remember `count` refusals; forgets those it had when it has to grow. */
  reserve(count: number): void {
    if (count * PLACES_PER_REFUSAL <= this.#hashes.length) return;
    const places = 2 ** Math.ceil(Math.log2(count * PLACES_PER_REFUSAL));
    this.#hashes = new Int32Array(places);
    this.#turns = new Int32Array(places);
    this.#mask = places - 1;
  }

  add(hash: number): void {
    this.#turn = this.#turn === TURN_MAX ? 1 : this.#turn + 1;
    const place = hash & this.#mask;
    this.#hashes[place] = hash;
    this.#turns[place] = this.#turn;
  }

  /** Forgets `hash`; true when it was among the last `count` refused. */
  take(hash: number, count: number): boolean {
    const place = hash & this.#mask;
    const turn = this.#turns[place]!;
    if (turn === 0 || this.#hashes[place] !== hash) return false;
    this.#turns[place] = 0;
    const age = this.#turn - turn;
    return age >= 0 && age < count;
  }
}

const PLACES_MIN = 64;
const PLACES_PER_REFUSAL = 4;
const TURN_MAX = 2 ** 31 - 1;
