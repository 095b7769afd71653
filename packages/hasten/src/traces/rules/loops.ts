/**
 * Loops that are no N+1 though they look like one: what they do could not be done by one statement, or
 * is done in parts on purpose.
 */
import type { QueryRecord } from "../../core/trace/index.ts";
import type { Facts } from "../facts.ts";

/** `id > $n … limit`, `offset $n`: asks for where the last page ended. Literals are `?`. */
const PAGED = /[<>]=?\s*\(?\s*(?:\$n|\?)|\boffset\b/i;

/** Whether each begins when the one before it has ended. */
export const isOneByOne = (records: readonly QueryRecord[]): boolean =>
  records.every((record, at) => {
    const before = records[at - 1];
    return before === undefined || (before.endedMs !== 0 && record.calledMs >= before.endedMs);
  });

/** Between two looks at something that is waited for. */
const POLL_GAP_MS = 4;

/** Whether the program waits before it asks again. */
export const pauses = (records: readonly QueryRecord[]): boolean =>
  records.every((record, at) => {
    const before = records[at - 1];
    return before === undefined || record.calledMs - before.endedMs >= POLL_GAP_MS;
  });

/** Reads a long list page by page: limited, one by one, full pages up to the last; or follows its end. */
export function isPaging(records: readonly QueryRecord[]): boolean {
  const [first] = records;
  if (first === undefined || !first.shape.traits.limited) return false;
  if (!PAGED.test(first.shape.statement) || !isOneByOne(records)) return false;
  if (pauses(records)) return true;
  const full = records.slice(0, -1).every(({ rows }) => rows === first.rows);
  return first.rows >= 2 && full && records.at(-1)!.rows <= first.rows;
}

/** Looks whether a row is there and inserts it into the same table, for most of them: a validator. */
export function isCheckedBeforeInsert(
  records: readonly QueryRecord[],
  { records: all, placeOf }: Facts,
): boolean {
  const model = records[0]?.shape.model ?? "";
  if (model === "") return false;
  const inserts = all.filter(
    ({ shape }) => shape.role === "write" && shape.model === model && shape.kind === "insert",
  );
  if (inserts.length === 0) return false;
  if (isSearchForAFreeOne(records, inserts, placeOf)) return true;
  const places = inserts.map((record) => placeOf.get(record)!);
  const checked = records.filter((record, at) => {
    const from = placeOf.get(record)!;
    const next = records[at + 1];
    const to = next === undefined ? all.length : placeOf.get(next)!;
    return places.some((place) => place > from && place < to);
  });
  if (checked.length * 2 >= records.length) return true;
  // All are looked up first (side by side), and inserted after.
  return inserts.length * 2 >= records.length && places[0]! > placeOf.get(records.at(-1)!)!;
}

/** Tries one value after the other until one is not taken, and inserts that: a slug, a number. */
function isSearchForAFreeOne(
  records: readonly QueryRecord[],
  inserts: readonly QueryRecord[],
  placeOf: Facts["placeOf"],
): boolean {
  const last = records.at(-1)!;
  const next = placeOf.get(last)! + 1;
  const inserted = inserts.some((record) => placeOf.get(record) === next);
  return inserted && isOneByOne(records) && (last.rows === 0 || last.shape.traits.limited);
}

/**
 * Tries `title`, `title-2`, `title-3`, … until one is not found: what is tried next hangs on the answer.
 * Each is a variant of the first, which it begins with.
 */
export function isTryingVariants(records: readonly QueryRecord[]): boolean {
  const last = records.at(-1)!;
  if (last.rows !== 0 || !last.shape.traits.limited || !isOneByOne(records)) return false;
  if (records.slice(0, -1).some(({ rows }) => rows === 0)) return false;
  const first = textsOf(records[0]!);
  return records.every((record) => {
    const texts = textsOf(record);
    return texts.length === first.length && texts.every((text, at) => text.startsWith(first[at]!));
  });
}

/** Its parameters that are texts, if one of them says something. */
function textsOf({ values }: QueryRecord): readonly string[] {
  const texts = (values ?? []).filter((value) => typeof value === "string");
  return texts.some((text) => text.length >= VARIANT_CHARS_MIN) ? texts : [];
}

const VARIANT_CHARS_MIN = 3;

/** Goes from one to the next by what each answer says: the key of the next is not known before. */
export const isChain = (records: readonly QueryRecord[]): boolean =>
  records.every(({ follows }, at) => at === 0 || follows);

/**
 * Locks rows one by one in a transaction that writes to the same table as often: the lock is part of the
 * write, and is judged as one.
 */
export function isLockedToBeWritten(
  records: readonly QueryRecord[],
  { records: all }: Facts,
): boolean {
  const { shape, transaction } = records[0]!;
  if (!shape.traits.locks || transaction === 0 || shape.model === "") return false;
  if (records.some((record) => record.transaction !== transaction)) return false;
  const writes = all.filter(
    (record) =>
      record.shape.role === "write" &&
      record.shape.model === shape.model &&
      record.transaction === transaction,
  );
  return writes.length * 2 >= records.length;
}

/** Each item is worked on in a transaction of its own, so that one that fails does not undo the others. */
export function isTransactionEach(
  records: readonly QueryRecord[],
  { records: all }: Facts,
): boolean {
  const numbers = new Set(records.map(({ transaction }) => transaction));
  if (numbers.has(0) || numbers.size < records.length) return false;
  const writing = new Set<number>();
  for (const { shape, transaction } of all)
    if (shape.role === "write" && numbers.has(transaction)) writing.add(transaction);
  return writing.size * 2 >= numbers.size;
}
