/**
 * Structured Field dictionaries (RFC 8941 §4.2.2): strict. Any deviation fails the whole field,
 * which the caller then ignores, as the RFC asks; nothing throws.
 */

/** A longer field fails. */
export const STRUCTURED_FIELD_LENGTH_MAX = 8192;

/** A bare item (RFC 8941 §3.3), tagged, since a token and a string differ in meaning. */
export type BareItem =
  | { readonly kind: "integer" | "decimal"; readonly value: number }
  | { readonly kind: "string" | "token" | "bytes"; readonly value: string }
  | { readonly kind: "boolean"; readonly value: boolean };

/** A dictionary's member. Parameters are checked and dropped: no field we read uses them. */
export type Member = BareItem | { readonly kind: "list"; readonly value: readonly BareItem[] };

export type Dictionary = ReadonlyMap<string, Member>;

/** Parses a dictionary, or returns undefined when the field is malformed. Never throws. */
export function parseDictionary(text: string): Dictionary | undefined {
  if (text.length > STRUCTURED_FIELD_LENGTH_MAX) return undefined;
  const input: Input = { text, at: 0 };
  const members = new Map<string, Member>();
  take(input, /[ ]*/y);
  while (input.at < text.length) {
    const key = take(input, KEY);
    if (key === undefined) return undefined;
    const value = member(input);
    if (value === undefined) return undefined;
    // A repeated key replaces the earlier one (§4.2.2).
    members.delete(key);
    members.set(key, value);
    take(input, WHITE_SPACE);
    if (input.at === text.length) return members;
    if (take(input, /,/y) === undefined) return undefined;
    take(input, WHITE_SPACE);
    // A trailing comma is an error (§4.2.2).
    if (input.at === text.length) return undefined;
  }
  return members;
}

interface Input {
  readonly text: string;
  at: number;
}

const KEY = /[a-z*][a-z0-9_\-.*]*/y;
const WHITE_SPACE = /[ \t]*/y;
const NUMBER = /-?(?:\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])/y;
const STRING = /"(?:[ !#-[\]-~]|\\["\\])*"/y;
const TOKEN = /[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/y;
const BYTES = /:[A-Za-z0-9+/]*={0,2}:/y;
const BOOLEAN = /\?[01]/y;
const TRUE: BareItem = { kind: "boolean", value: true };

/** The text a sticky pattern matches here, consumed; undefined when it does not match. */
function take(input: Input, pattern: RegExp): string | undefined {
  pattern.lastIndex = input.at;
  const matched = pattern.exec(input.text)?.[0];
  if (matched !== undefined) input.at += matched.length;
  return matched;
}

function member(input: Input): Member | undefined {
  let value: Member | undefined = TRUE;
  if (take(input, /=/y) !== undefined) {
    value = take(input, /\(/y) === undefined ? bareItem(input) : innerList(input);
  }
  return value !== undefined && parameters(input) ? value : undefined;
}

function innerList(input: Input): Member | undefined {
  const items: BareItem[] = [];
  while (input.at < input.text.length) {
    const spaced = take(input, /[ ]*/y) !== "";
    if (take(input, /\)/y) !== undefined) return { kind: "list", value: items };
    if (items.length > 0 && !spaced) return undefined;
    const item = bareItem(input);
    if (item === undefined || !parameters(input)) return undefined;
    items.push(item);
  }
  return undefined;
}

/** Skips `;key=value` pairs; false when one is malformed. */
function parameters(input: Input): boolean {
  while (take(input, /;[ ]*/y) !== undefined) {
    if (take(input, KEY) === undefined) return false;
    if (take(input, /=/y) !== undefined && bareItem(input) === undefined) return false;
  }
  return true;
}

function bareItem(input: Input): BareItem | undefined {
  const number = take(input, NUMBER);
  if (number !== undefined) {
    return { kind: number.includes(".") ? "decimal" : "integer", value: Number(number) };
  }
  const string = take(input, STRING);
  if (string !== undefined) {
    return { kind: "string", value: string.slice(1, -1).replace(/\\(.)/g, "$1") };
  }
  const token = take(input, TOKEN);
  if (token !== undefined) return { kind: "token", value: token };
  const bytes = take(input, BYTES);
  if (bytes !== undefined) return { kind: "bytes", value: bytes.slice(1, -1) };
  const boolean = take(input, BOOLEAN);
  return boolean === undefined ? undefined : { kind: "boolean", value: boolean === "?1" };
}
