/**
 * Vary (RFC 9110 §12.5.5) and the secondary key it makes (RFC 9111 §4.1).
 *
 * Invariants:
 * - Absent matches only absent; an empty value is not absent.
 * - `*`, a malformed field and one with more than VARY_FIELDS_MAX names match nothing.
 * - Two requests get one variant key only if every selecting field matches.
 */
import { type FieldRecord, fieldValue, isTokenCode } from "./field-record.ts";

/** A response that varies on more fields than this is treated as `Vary: *`. */
export const VARY_FIELDS_MAX = 16;

/** A longer Vary is treated as `*`. */
const VARY_LENGTH_MAX = 1024;

export type Vary =
  | { readonly kind: "none" }
  | { readonly kind: "any" }
  /** Lower-case, sorted, without duplicates. */
  | { readonly kind: "fields"; readonly names: readonly string[] };

/** Maps a selecting field's value to the bucket it falls in, for example one per coding served. */
export type Buckets = Readonly<Record<string, (value: string | undefined) => string | undefined>>;

/** Reads a Vary field. Never throws. */
export function parseVary(value: string | undefined): Vary {
  if (value === undefined || value.trim() === "") return { kind: "none" };
  if (value.length > VARY_LENGTH_MAX) return { kind: "any" };
  const names = new Set<string>();
  for (const part of value.split(",")) {
    const name = part.trim().toLowerCase();
    if (name === "") continue;
    // A name that is not a token selects by something we cannot see.
    if (name === "*" || !isToken(name)) return { kind: "any" };
    names.add(name);
  }
  if (names.size > VARY_FIELDS_MAX) return { kind: "any" };
  return names.size === 0 ? { kind: "none" } : { kind: "fields", names: [...names].sort() };
}

/**
 * The secondary key of a request under a stored Vary: injective over names and normalised values.
 * `buckets` replaces a value by its bucket, which bounds the number of variants.
 */
export function variantKey(
  names: readonly string[],
  requestFields: FieldRecord,
  buckets: Buckets = {},
): string {
  let key = "";
  for (const name of names) {
    const value = fieldValue(requestFields, name);
    const bucket = Object.hasOwn(buckets, name) ? buckets[name] : undefined;
    const part = bucket === undefined ? normaliseFieldValue(value) : bucket(value);
    key += part === undefined ? `${name}-;` : `${name}=${part.length}:${part};`;
  }
  return key;
}

/** RFC 9111 §4.1: white space around commas and repeated lines do not distinguish requests. */
export function normaliseFieldValue(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  // Inside a quoted string white space means something: such a value is left as it is.
  if (value.includes('"')) return value.trim();
  return value
    .split(",")
    .map((part) => part.trim().replace(/[ \t]+/g, " "))
    .join(",");
}

/** Adds a name to a Vary value unless it is there already in any case, or `*` is. */
export function addVary(value: string | undefined, name: string): string {
  if (value === undefined || value.trim() === "") return name;
  const lower = name.toLowerCase();
  const names = value.split(",").map((part) => part.trim().toLowerCase());
  return names.includes(lower) || names.includes("*") ? value : `${value}, ${name}`;
}

function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (!isTokenCode(text.charCodeAt(at))) return false;
  return text !== "";
}
