/** Numbers from a seed, so that a run can be repeated as far as processes allow. */
export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** From 1 to `count`. */
  upTo(count: number): number;
  pick<T>(items: readonly T[]): T;
}

/** mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    upTo: (count) => 1 + Math.floor(next() * count),
    pick: (items) => items[Math.floor(next() * items.length)]!,
  };
}
