/**
 * The query's part of a cache key.
 *
 * Invariants:
 * - With an allow-list, what is not in the key is not in `parameters` either: hand the handler
 *   those, and nothing unkeyed can reach it.
 * - Equal keys mean equal parameters, in the same order within each name.
 * - Only escapes of unreserved characters are undone (RFC 3986 §6.2.2.2): `%2F` stays `%2F`.
 * - `/a?` and `/a` differ.
 */

/** A longer raw query is not keyed. Characters. */
export const QUERY_LENGTH_MAX = 2048;
/** A query with more parameters is not keyed. */
export const QUERY_PARAMETERS_MAX = 64;

export interface QueryPolicy {
  /**
   * Names that matter, decoded. Others are dropped from the key and from `parameters`.
   * Absent: all count.
   */
  readonly allow?: readonly string[] | undefined;
}

export type QueryKey =
  | {
      readonly kind: "key";
      /** Canonical text, "" without a query, else it starts with "?". */
      readonly key: string;
      /** Decoded names and values that made the key, in canonical order. */
      readonly parameters: readonly (readonly [name: string, value: string])[];
    }
  /** Too long, too many, or an escape that does not decode: do not cache this request. */
  | { readonly kind: "bypass"; readonly because: "length" | "parameters" | "encoding" };

interface Parameter {
  readonly name: string;
  readonly value: string;
  readonly text: string;
}

/** Canonicalises a raw query: without "?", or undefined when the URL has none. Never throws. */
export function queryKey(rawQuery: string | undefined, policy: QueryPolicy = {}): QueryKey {
  if (rawQuery === undefined) return { kind: "key", key: "", parameters: [] };
  if (rawQuery.length > QUERY_LENGTH_MAX) return { kind: "bypass", because: "length" };
  const parts = rawQuery.split("&").filter((part) => part !== "");
  if (parts.length > QUERY_PARAMETERS_MAX) return { kind: "bypass", because: "parameters" };
  const kept: Parameter[] = [];
  for (const part of parts) {
    const parsed = parameter(part);
    if (parsed === undefined) return { kind: "bypass", because: "encoding" };
    if (policy.allow === undefined || policy.allow.includes(parsed.name)) kept.push(parsed);
  }
  // Array.sort is stable: repeated names keep their order, which decides what a handler reads.
  kept.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const dropped = kept.length === 0 && parts.length > 0;
  return {
    kind: "key",
    key: dropped ? "" : `?${kept.map((one) => one.text).join("&")}`,
    parameters: kept.map(({ name, value }) => [name, value] as const),
  };
}

function parameter(part: string): Parameter | undefined {
  const equals = part.indexOf("=");
  const rawName = equals === -1 ? part : part.slice(0, equals);
  const rawValue = equals === -1 ? undefined : part.slice(equals + 1);
  const name = decode(rawName);
  const value = decode(rawValue ?? "");
  if (name === undefined || value === undefined) return undefined;
  const text = canonical(rawName) + (rawValue === undefined ? "" : `=${canonical(rawValue)}`);
  return { name, value, text };
}

function decode(raw: string): string | undefined {
  if (!/[%+]/.test(raw)) return raw;
  try {
    return decodeURIComponent(raw.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

/** RFC 3986 §6.2.2.1 and §6.2.2.2: upper-case hex, unreserved characters unescaped. */
function canonical(raw: string): string {
  if (!raw.includes("%")) return raw;
  return raw.replace(/%[0-9a-f]{2}/gi, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : triplet.toUpperCase();
  });
}
