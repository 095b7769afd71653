/** Random choices that depend on a kind of row and its number only: row 7 is the same in every run and every order. */
export interface Random {
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number;
  pick<T>(values: readonly T[]): T;
  uuid(): string;
}

const WORD = 2 ** 32;

export function randomFor(kind: string, row: number): Random {
  let state = hash(`${kind} ${row}`);
  /** mulberry32: one 32-bit word for each call. */
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number): number => Math.floor((next() / WORD) * limit);
  return {
    below,
    pick: (values) => values[below(values.length)]!,
    uuid: () => uuidOf([hash(`${kind} id ${row}`) >>> 0, next(), next(), row >>> 0]),
  };
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++)
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value;
}

/** Version 4 and variant bits over 128 bits; the last word is the row, so no two rows of a kind share an id. */
function uuidOf(words: readonly number[]): string {
  const hex = words.map((word) => word.toString(16).padStart(8, "0")).join("");
  const variant = ((Number.parseInt(hex[16]!, 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}
