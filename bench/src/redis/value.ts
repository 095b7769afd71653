/** What all of them cache: an object whose JSON is about 1 KiB. */
export interface Item {
  readonly id: string;
  readonly name: string;
  readonly price: number;
  readonly notes: readonly string[];
}

const NOTES = 13;

export function itemOf(id: string): Item {
  const notes = Array.from(
    { length: NOTES },
    (_, n) => `note ${n} about ${id}: ready to be shipped, weighed and packed at bay ${n * 7}`,
  );
  return { id, name: `item ${id}`, price: 12.5, notes };
}

export const KEYS = 500;
export const TTL_MS = 600_000;
