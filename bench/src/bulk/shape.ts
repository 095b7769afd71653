/** The table of the bench: the first 3, 8 or all 16 of these columns, and its rows. */
export interface Item {
  id: number;
  sku: string;
  qty: number;
  price: string;
  created: Date;
  active: boolean;
  note: string;
  ratio: number;
  ref: string;
  total: string;
  tags: string[];
  data: { readonly n: number; readonly name: string };
  day: string;
  rank: number;
  remark: string | null;
  city: string;
}

export const COLUMNS: readonly (readonly [keyof Item, string])[] = [
  ["id", "int4 primary key"],
  ["sku", "text"],
  ["qty", "int4"],
  ["price", "numeric"],
  ["created", "timestamptz"],
  ["active", "bool"],
  ["note", "text"],
  ["ratio", "float8"],
  ["ref", "uuid"],
  ["total", "int8"],
  ["tags", "text[]"],
  ["data", "jsonb"],
  ["day", "date"],
  ["rank", "int2"],
  ["remark", "text"],
  ["city", "text"],
];

export const names = (width: number): readonly (keyof Item)[] =>
  COLUMNS.slice(0, width).map(([name]) => name);

export const typeOf = (name: keyof Item): string =>
  COLUMNS.find(([one]) => one === name)![1].replace(" primary key", "");

const WORDS = ["granite", "willow", "lantern", "harbour", "saffron", "meadow", "copper", "orchid"];
const word = (n: number): string => WORDS[n & 7]!;
const hex = (n: number): string => n.toString(16).padStart(12, "0");
const START_MS = Date.UTC(2026, 0, 1);

/** Row `id` as a program would have it; `seed` makes another version of it. */
export function itemOf(id: number, seed: number, width: number): Partial<Item> {
  const n = id * 31 + seed;
  if (width === 3) return { id, sku: `sku-${n}`, qty: n % 1_000 };
  const eight = {
    id,
    sku: `sku-${n}`,
    qty: n % 1_000,
    price: `${n % 10_000}.${10 + (n % 90)}`,
    created: new Date(START_MS + n * 1_000),
    active: (n & 1) === 0,
    note: `${word(n)} ${word(n >> 3)}, ${word(n >> 6)}`,
    ratio: n / 7,
  };
  if (width === 8) return eight;
  return {
    ...eight,
    ref: `00000000-0000-4000-8000-${hex(n)}`,
    total: String(n * 1_000_003),
    tags: [word(n), word(n >> 1)],
    data: { n, name: word(n >> 2) },
    day: `2026-${String(1 + (n % 12)).padStart(2, "0")}-${String(1 + (n % 28)).padStart(2, "0")}`,
    rank: n % 30_000,
    remark: n % 3 === 0 ? null : word(n >> 4),
    city: word(n >> 5),
  };
}

/** Rows one by one, as from a file or another service. */
export function* items(count: number, seed: number, width: number): Generator<Partial<Item>> {
  for (let id = 1; id <= count; id++) yield itemOf(id, seed, width);
}

export function* batches<T>(rows: Iterable<T>, size: number): Generator<T[]> {
  let batch: T[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
