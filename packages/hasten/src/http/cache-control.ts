/**
 * Cache-Control (RFC 9111 §5.2), read as a security boundary.
 *
 * Invariants:
 * - No input throws, and the work is linear in the length of the field.
 * - What restricts (`no-store`, `private`, `no-cache`) survives every malformation: a broken
 *   qualified form counts as unqualified, and in a broken field even the bare name counts.
 * - What permits (`max-age`, `public`, …) counts only when it is well formed.
 */
import { isTokenCode } from "./field-record.ts";

/** A longer field is not parsed: it counts as `no-store`. */
export const CACHE_CONTROL_LENGTH_MAX = 8192;

/** RFC 9111 §1.2.2: a larger number of seconds counts as this one. */
export const DELTA_SECONDS_MAX = 2_147_483_648;

/** Not given, given for the whole response, or given for the named (lower-case) fields only. */
export type Qualified = "none" | "all" | readonly string[];

/** The response directives of RFC 9111 §5.2.2 and RFC 5861. Durations in seconds. */
export interface ResponseDirectives {
  readonly noStore: boolean;
  readonly noCache: Qualified;
  readonly private: Qualified;
  readonly public: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly noTransform: boolean;
  readonly immutable: boolean;
  /** Undefined when absent; 0 when malformed or contradictory (RFC 9111 §4.2.1: stale). */
  readonly maxAgeSeconds: number | undefined;
  readonly sMaxAgeSeconds: number | undefined;
  readonly staleWhileRevalidateSeconds: number | undefined;
  readonly staleIfErrorSeconds: number | undefined;
}

/** The request directives of RFC 9111 §5.2.1. Malformed ones are ignored. Durations in seconds. */
export interface RequestDirectives {
  readonly noStore: boolean;
  readonly noCache: boolean;
  readonly noTransform: boolean;
  readonly onlyIfCached: boolean;
  readonly maxAgeSeconds: number | undefined;
  /** `Infinity` for `max-stale` without a value: any staleness will do. */
  readonly maxStaleSeconds: number | undefined;
  readonly minFreshSeconds: number | undefined;
  readonly staleIfErrorSeconds: number | undefined;
}

interface Directive {
  readonly name: string;
  /** Undefined when there is none, or when it is malformed. */
  readonly value: string | undefined;
  readonly malformed: boolean;
}

type FieldLines = string | readonly string[] | undefined;

/** Reads a response's Cache-Control. Never throws; see the invariants of this file. */
export function parseResponseCacheControl(lines: FieldLines): ResponseDirectives {
  const text = joined(lines);
  if (text.length > CACHE_CONTROL_LENGTH_MAX) return UNREADABLE;
  const directives = scan(text);
  const broken = directives.some((directive) => directive.malformed);
  const restricts = (name: string): boolean =>
    has(directives, name) || (broken && mentions(text, name));
  return {
    noStore: restricts("no-store"),
    noCache: broken && mentions(text, "no-cache") ? "all" : qualified(directives, "no-cache"),
    private: broken && mentions(text, "private") ? "all" : qualified(directives, "private"),
    public: hasBare(directives, "public"),
    mustRevalidate: restricts("must-revalidate"),
    proxyRevalidate: restricts("proxy-revalidate"),
    mustUnderstand: hasBare(directives, "must-understand"),
    noTransform: restricts("no-transform"),
    immutable: hasBare(directives, "immutable"),
    maxAgeSeconds: strictSeconds(directives, "max-age"),
    sMaxAgeSeconds: strictSeconds(directives, "s-maxage"),
    staleWhileRevalidateSeconds: strictSeconds(directives, "stale-while-revalidate"),
    staleIfErrorSeconds: strictSeconds(directives, "stale-if-error"),
  };
}

/** Reads a request's Cache-Control. Never throws; an overlong field counts as `no-store`. */
export function parseRequestCacheControl(lines: FieldLines): RequestDirectives {
  const text = joined(lines);
  const directives = text.length > CACHE_CONTROL_LENGTH_MAX ? OVERLONG : scan(text);
  const stale = directives.find((directive) => directive.name === "max-stale");
  const anyStaleness = stale !== undefined && stale.value === undefined && !stale.malformed;
  return {
    noStore: has(directives, "no-store"),
    noCache: has(directives, "no-cache"),
    noTransform: has(directives, "no-transform"),
    onlyIfCached: has(directives, "only-if-cached"),
    maxAgeSeconds: lenientSeconds(directives, "max-age"),
    maxStaleSeconds: anyStaleness
      ? Number.POSITIVE_INFINITY
      : lenientSeconds(directives, "max-stale"),
    minFreshSeconds: lenientSeconds(directives, "min-fresh"),
    staleIfErrorSeconds: lenientSeconds(directives, "stale-if-error"),
  };
}

/** RFC 9111 §1.2.2 `delta-seconds`: digits only, capped; undefined for anything else. */
export function parseDeltaSeconds(text: string): number | undefined {
  if (!/^[0-9]+$/.test(text)) return undefined;
  return Math.min(Number(text), DELTA_SECONDS_MAX);
}

/** The field names of a qualified directive; "all" when one of them is not a field name. */
export function parseQualifiedFields(value: string): Qualified {
  const names = value.split(",").map((name) => name.trim().toLowerCase());
  return names.every(isFieldName) ? names : "all";
}

const OVERLONG: readonly Directive[] = [{ name: "no-store", value: undefined, malformed: false }];

const UNREADABLE: ResponseDirectives = {
  noStore: true,
  noCache: "all",
  private: "all",
  public: false,
  mustRevalidate: true,
  proxyRevalidate: true,
  mustUnderstand: false,
  noTransform: true,
  immutable: false,
  maxAgeSeconds: 0,
  sMaxAgeSeconds: 0,
  staleWhileRevalidateSeconds: 0,
  staleIfErrorSeconds: 0,
};

function joined(lines: FieldLines): string {
  if (lines === undefined) return "";
  return typeof lines === "string" ? lines : lines.join(", ");
}

/** Splits `#cache-directive` (RFC 9111 §5.2), one pass, marking what does not fit the grammar. */
function scan(text: string): Directive[] {
  const directives: Directive[] = [];
  let at = 0;
  while (at < text.length) {
    const end = elementEnd(text, at);
    const element = text.slice(at, end).trim();
    if (element !== "") directives.push(directive(element));
    at = end + 1;
  }
  return directives;
}

/** Where the list element that starts at `from` ends: the next comma outside a quoted string. */
function elementEnd(text: string, from: number): number {
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) quoted = !quoted;
    else if (code === 0x5c && quoted) at++;
    else if (code === 0x2c && !quoted) return at;
  }
  return text.length;
}

function directive(element: string): Directive {
  let nameEnd = 0;
  while (nameEnd < element.length && isTokenCode(element.charCodeAt(nameEnd))) nameEnd++;
  const name = element.slice(0, nameEnd).toLowerCase();
  if (nameEnd === element.length) return { name, value: undefined, malformed: false };
  // RFC 9111 §5.2 allows no white space around "=".
  if (nameEnd === 0 || element[nameEnd] !== "=") return { name, value: undefined, malformed: true };
  const value = argument(element.slice(nameEnd + 1));
  return { name, value, malformed: value === undefined };
}

/** RFC 9111 §5.2: either form, token or quoted-string, is accepted for every directive. */
function argument(text: string): string | undefined {
  if (isFieldName(text)) return text;
  const quotedString = /^"((?:[^"\\]|\\.)*)"$/s.exec(text);
  return quotedString?.[1]?.replace(/\\(.)/gs, "$1");
}

/** Field names and directive arguments share the `token` rule. */
function isFieldName(text: string): boolean {
  if (text === "") return false;
  for (let at = 0; at < text.length; at++) if (!isTokenCode(text.charCodeAt(at))) return false;
  return true;
}

function has(directives: readonly Directive[], name: string): boolean {
  return directives.some((directive) => directive.name === name);
}

/** For what permits: only the well-formed directive, without an argument. */
function hasBare(directives: readonly Directive[], name: string): boolean {
  return directives.some((d) => d.name === name && !d.malformed && d.value === undefined);
}

/** In a broken field a name counts wherever it stands, since quotes may have swallowed it. */
function mentions(text: string, name: string): boolean {
  return text
    .toLowerCase()
    .split(/[\s,;="\\]+/)
    .includes(name);
}

/** RFC 9111 §5.2.2.4, §5.2.2.7. Mixed and repeated forms take the stricter reading. */
function qualified(directives: readonly Directive[], name: string): Qualified {
  const fields: string[] = [];
  for (const directive of directives) {
    if (directive.name !== name) continue;
    const named = directive.value === undefined ? "all" : parseQualifiedFields(directive.value);
    if (named === "all" || named === "none") return "all";
    fields.push(...named);
  }
  return fields.length === 0 ? "none" : fields;
}

/** RFC 9111 §4.2.1: invalid or contradictory freshness information makes a response stale. */
function strictSeconds(directives: readonly Directive[], name: string): number | undefined {
  let seconds: number | undefined;
  for (const directive of directives) {
    if (directive.name !== name) continue;
    const given = directive.value === undefined ? undefined : parseDeltaSeconds(directive.value);
    if (given === undefined || (seconds !== undefined && seconds !== given)) return 0;
    seconds = given;
  }
  return seconds;
}

function lenientSeconds(directives: readonly Directive[], name: string): number | undefined {
  const value = directives.find((directive) => directive.name === name)?.value;
  return value === undefined ? undefined : parseDeltaSeconds(value);
}
