/** A seeded generator: the same seed gives the same run. */
export interface Random {
  below(limit: number): number;
  one<T>(of: readonly T[]): T;
  chance(probability: number): boolean;
}

export function random(seed: number): Random {
  let state = seed >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
  return {
    below: (limit) => Math.floor(next() * limit),
    one: (of) => of[Math.floor(next() * of.length)]!,
    chance: (probability) => next() < probability,
  };
}
