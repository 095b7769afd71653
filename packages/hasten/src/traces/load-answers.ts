/** What a batch brought, by the keys that were asked for. */
import { traceError } from "./errors.ts";

type Key = string | number | bigint;

/** In the order of the keys: from a map, or from a list that has this order already. */
export function answersOf<K extends Key, V>(
  keys: readonly K[],
  found: ReadonlyMap<K, V> | readonly (V | Error | undefined)[],
): readonly (V | Error | undefined)[] {
  if (found instanceof Map) {
    const byText = textsOf(found as ReadonlyMap<K, V>);
    return keys.map((key) => byText(key));
  }
  const list = found as readonly (V | Error | undefined)[];
  if (Array.isArray(list) && list.length === keys.length) return list;
  throw traceError(
    "HST_TRACE_BATCH",
    `A batch of ${keys.length} keys brought ${Array.isArray(list) ? `a list of ${list.length}` : "neither a map nor a list"}.`,
    "Return a Map by key, or a list in the order of the keys with undefined for what is not there.",
  );
}

/** An id that comes back as text (int8) is found under the number it was asked by. */
function textsOf<K extends Key, V>(found: ReadonlyMap<K, V>): (key: K) => V | undefined {
  let texts: Map<string, V> | undefined;
  return (key) => {
    if (found.has(key)) return found.get(key);
    texts ??= new Map([...found].map(([known, value]) => [String(known), value]));
    return texts.get(String(key));
  };
}

/** The rows of each key, in the order in which they came; none is an empty list. */
export function groupsOf<K extends Key, R>(
  keys: readonly K[],
  rows: Iterable<R>,
  keyOf: (row: R) => K,
): readonly (readonly R[])[] {
  const groups = new Map<string, R[]>();
  for (const row of rows) {
    const key = String(keyOf(row));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return keys.map((key) => groups.get(String(key)) ?? []);
}
