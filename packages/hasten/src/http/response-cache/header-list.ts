/**
 * What the handler added to a response, told apart from what earlier middleware had set.
 *
 * Invariants:
 * - A field on the deny-list is never stored, whoever set it.
 * - Representation fields (length, coding, tag, Vary) are rebuilt for each coding, never copied.
 */
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { connectionNominated, isHopByHop } from "../hop-by-hop.ts";

/** Field names (as written) and values of a response, keyed by lower-case name. */
export type HeaderList = ReadonlyMap<string, HeaderEntry>;

export interface HeaderEntry {
  readonly name: string;
  readonly value: OutgoingHttpHeader;
}

/** Values of one response's header at a moment, by lower-case name. */
export type HeaderSnapshot = Readonly<OutgoingHttpHeaders>;

/** The header arguments that `writeHead` accepts. */
export type HeadFields =
  | Readonly<OutgoingHttpHeaders>
  | readonly OutgoingHttpHeader[]
  | readonly (readonly OutgoingHttpHeader[])[];

/** Belongs to one request or one connection: never stored (coherence §6, RFC 9111 §3.1). */
const PER_REQUEST: ReadonlySet<string> = new Set([
  "set-cookie",
  "date",
  "age",
  "x-cache",
  "cache-status",
  "x-request-id",
  "request-id",
  "x-correlation-id",
  "traceparent",
  "tracestate",
  "server-timing",
  "x-response-time",
  "retry-after",
]);

/** Made anew for each coding. */
const REPRESENTATION: ReadonlySet<string> = new Set([
  "content-length",
  "content-encoding",
  "content-range",
  "accept-ranges",
  "etag",
  "vary",
]);

/** True for a field that must not be replayed to another request. */
export function isPerRequest(name: string, value: OutgoingHttpHeader): boolean {
  if (PER_REQUEST.has(name) || isHopByHop(name)) return true;
  if (name.startsWith("ratelimit") || name.startsWith("x-ratelimit-")) return true;
  if (name === "access-control-allow-origin") return value !== "*";
  return name.startsWith("content-security-policy") && String(value).includes("'nonce-");
}

/** Moves `writeHead`'s fields into the response, with Node's semantics, so that all are in one place. */
export function applyHeadFields(res: ServerResponse, fields: HeadFields | undefined): void {
  if (fields === undefined || fields === null) return;
  const pairs = pairsOf(fields);
  for (const [name] of pairs) res.removeHeader(name);
  for (const [name, value] of pairs) {
    if (Array.isArray(value) || !res.hasHeader(name)) res.setHeader(name, value);
    else res.appendHeader(name, String(value));
  }
}

function pairsOf(fields: HeadFields): [string, string | number | string[]][] {
  const pairs: [string, string | number | string[]][] = [];
  if (!Array.isArray(fields)) {
    for (const name of Object.keys(fields)) {
      const value = (fields as OutgoingHttpHeaders)[name];
      if (name !== "" && value !== undefined) pairs.push([name, value as string]);
    }
    return pairs;
  }
  if (Array.isArray(fields[0])) {
    for (const pair of fields) pairs.push([String(pair[0]), pair[1] as string]);
    return pairs;
  }
  for (let at = 0; at + 1 < fields.length; at += 2) {
    pairs.push([String(fields[at]), fields[at + 1] as string]);
  }
  return pairs;
}

/** The response's header as it stands. */
export function listHeaders(res: ServerResponse): HeaderList {
  const list = new Map<string, HeaderEntry>();
  const names = rawNames(res);
  for (const name of names) {
    const value = res.getHeader(name);
    if (value !== undefined) list.set(name.toLowerCase(), { name, value });
  }
  return list;
}

function rawNames(res: ServerResponse): readonly string[] {
  return (res as ServerResponse & { getRawHeaderNames(): string[] }).getRawHeaderNames();
}

/** One field of a list as text; several lines are joined by a comma. */
export function headerText(list: HeaderList, name: string): string | undefined {
  const value = list.get(name)?.value;
  if (value === undefined || typeof value === "string") return value;
  return typeof value === "number" ? String(value) : value.join(", ");
}

/** The fields that differ from `before`, without `dropped`, deny-listed and representation fields. */
export function storableFields(
  list: HeaderList,
  before: HeaderSnapshot | undefined,
  dropped: ReadonlySet<string>,
): string[] {
  const flat: string[] = [];
  const nominated = connectionNominated(headerText(list, "connection"));
  for (const [lower, { name, value }] of list) {
    if (REPRESENTATION.has(lower) || isPerRequest(lower, value)) continue;
    if (nominated.has(lower) || dropped.has(lower)) continue;
    if (before !== undefined && sameValue(before[lower], value)) continue;
    if (Array.isArray(value)) for (const line of value) flat.push(name, line);
    else flat.push(name, String(value));
  }
  return flat;
}

/** What Vary gained since `before`: what the handler itself negotiated on. */
export function varyAdded(list: HeaderList, before: HeaderSnapshot): string {
  const earlier = new Set(varyNames(before["vary"]));
  return (headerText(list, "vary") ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && !earlier.has(name.toLowerCase()))
    .join(", ");
}

/** The lower-case names of a Vary value. */
export function varyNames(value: OutgoingHttpHeader | undefined): string[] {
  if (value === undefined) return [];
  return String(value)
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
}

function sameValue(a: OutgoingHttpHeader | undefined, b: OutgoingHttpHeader): boolean {
  return a === b || (a !== undefined && String(a) === String(b));
}
