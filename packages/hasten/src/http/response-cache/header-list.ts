/**
 * What the handler added to a response, told apart from what earlier middleware had set.
 *
 * Invariants:
 * - A field on the deny-list is never stored, whoever set it.
 * - Representation fields (length, coding, tag, Vary) are rebuilt for each coding, never copied.
 */
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { connectionNominated, isHopByHop } from "../hop-by-hop.ts";

/** The fields of one response at a moment, by lower-case name. */
export type HeaderSnapshot = Readonly<OutgoingHttpHeaders>;

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

/** One field as text; several lines are joined by a comma. */
export function headerText(fields: HeaderSnapshot, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || typeof value === "string") return value;
  return typeof value === "number" ? String(value) : value.join(", ");
}

/**
 * The fields that differ from `before`, flat, without `dropped`, deny-listed and representation
 * fields. Names are written as `res` has them.
 */
export function storableFields(
  fields: HeaderSnapshot,
  res: ServerResponse,
  without: { readonly before?: HeaderSnapshot; readonly dropped: ReadonlySet<string> },
): string[] {
  const flat: string[] = [];
  const nominated = connectionNominated(headerText(fields, "connection"));
  for (const name of rawNames(res)) {
    const lower = name.toLowerCase();
    const value = fields[lower];
    if (value === undefined || REPRESENTATION.has(lower) || isPerRequest(lower, value)) continue;
    if (nominated.has(lower) || without.dropped.has(lower)) continue;
    if (without.before !== undefined && sameValue(without.before[lower], value)) continue;
    if (Array.isArray(value)) for (const line of value) flat.push(name, line);
    else flat.push(name, String(value));
  }
  return flat;
}

/** What earlier middleware had set where `stored`, flat, has the handler's own value. */
export function overriddenFields(
  stored: readonly string[],
  before: HeaderSnapshot,
): ReadonlyMap<string, string> {
  const overridden = new Map<string, string>();
  for (let at = 0; at < stored.length; at += 2) {
    const name = stored[at]!.toLowerCase();
    const earlier = before[name];
    if (earlier !== undefined) overridden.set(name, String(earlier));
  }
  return overridden;
}

/** What others than the handler put on the response, as one comparable text. */
export function surroundings(
  sent: HeaderSnapshot,
  handler: { readonly fields: HeaderSnapshot; readonly before: HeaderSnapshot },
): string {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(sent)) {
    if (value === undefined || REPRESENTATION.has(name) || isPerRequest(name, value)) continue;
    const mine = handler.fields[name];
    // Set or changed by the handler: it may differ from answer to answer.
    if (mine !== undefined && !sameValue(handler.before[name], mine)) continue;
    lines.push(`${name}: ${String(value)}`);
  }
  return lines.sort().join("\n");
}

/** The names on which two surroundings differ. */
export function differingNames(a: string, b: string): string {
  const linesOf = (text: string): Set<string> => new Set(text.split("\n").filter(Boolean));
  const [left, right] = [linesOf(a), linesOf(b)];
  const different = [...left, ...right].filter((line) => !left.has(line) || !right.has(line));
  return [...new Set(different.map((line) => line.slice(0, line.indexOf(":"))))].join(", ");
}

/** What Vary gained since `before`: what the handler itself negotiated on. */
export function varyAdded(fields: HeaderSnapshot, before: HeaderSnapshot): string {
  const vary = headerText(fields, "vary") ?? "";
  const earlier = headerText(before, "vary");
  if (earlier === undefined) return vary;
  const known = new Set(varyNames(earlier));
  const added = vary.split(",").map((name) => name.trim());
  return added.filter((name) => name !== "" && !known.has(name.toLowerCase())).join(", ");
}

/** The lower-case names of a Vary value. */
export function varyNames(value: string | undefined): string[] {
  if (value === undefined || value === "") return [];
  const names = value.split(",").map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== "");
}

function rawNames(res: ServerResponse): readonly string[] {
  return (res as ServerResponse & { getRawHeaderNames(): string[] }).getRawHeaderNames();
}

function sameValue(a: OutgoingHttpHeader | undefined, b: OutgoingHttpHeader): boolean {
  return a === b || (a !== undefined && String(a) === String(b));
}
