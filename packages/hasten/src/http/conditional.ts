/** Conditional requests (RFC 9110 §13): the order of §13.2.2 and the header set of a 304. */
import { ifMatchMatches, ifNoneMatchMatches } from "./etag.ts";
import { type FieldRecord, fieldValue } from "./field-record.ts";
import { parseHttpDate } from "./http-date.ts";

/** Validators of the representation that would be sent; `etag` is that of its coding. */
export interface Validators {
  readonly etag?: string | undefined;
  /** Last-Modified as it was sent. */
  readonly lastModified?: string | undefined;
}

export type Precondition = "proceed" | "not-modified" | "failed";

/**
 * Evaluates the preconditions of a request. "not-modified" means 304, "failed" 412.
 * Fields that cannot be read are ignored. Never throws.
 */
export function evaluatePreconditions(
  method: string,
  requestFields: FieldRecord,
  validators: Validators,
): Precondition {
  // Steps 1 and 2: If-Match, else If-Unmodified-Since.
  const ifMatch = fieldValue(requestFields, "if-match");
  if (ifMatch !== undefined) {
    if (!ifMatchMatches(ifMatch, validators.etag)) return "failed";
  } else if (isModifiedSince(requestFields, "if-unmodified-since", validators) === true) {
    return "failed";
  }
  const reads = method === "GET" || method === "HEAD";
  // Step 3. If-None-Match wins: If-Modified-Since is not looked at beside it (§13.1.3).
  const ifNoneMatch = fieldValue(requestFields, "if-none-match");
  if (ifNoneMatch !== undefined) {
    if (!noneMatchHits(ifNoneMatch, validators.etag)) return "proceed";
    return reads ? "not-modified" : "failed";
  }
  // Step 4.
  const unchanged = isModifiedSince(requestFields, "if-modified-since", validators) === false;
  return reads && unchanged ? "not-modified" : "proceed";
}

/**
 * Whether a field of the 200 belongs on its 304, by lower-case name. §15.4.5 asks for
 * Cache-Control, Content-Location, Date, ETag, Expires and Vary; what describes the body goes, and
 * the rest stays, since browsers check a 304's CORS fields.
 */
export function keptOnNotModified(name: string): boolean {
  return !BODY_FIELDS.has(name);
}

/** The 304's fields, from the flat name-value list of the 200. Last-Modified goes if ETag is there. */
export function notModifiedFields(flat: readonly string[]): string[] {
  const kept: string[] = [];
  let etag = false;
  for (let at = 0; at < flat.length; at += 2) {
    if (flat[at]?.toLowerCase() === "etag") etag = true;
  }
  for (let at = 0; at < flat.length; at += 2) {
    const name = (flat[at] ?? "").toLowerCase();
    if (!keptOnNotModified(name) || (etag && name === "last-modified")) continue;
    kept.push(flat[at] ?? "", flat[at + 1] ?? "");
  }
  return kept;
}

const BODY_FIELDS = new Set([
  "content-length",
  "content-encoding",
  "content-type",
  "content-language",
  "content-range",
  "content-disposition",
  "content-digest",
  "repr-digest",
  "transfer-encoding",
  "trailer",
]);

function noneMatchHits(field: string, etag: string | undefined): boolean {
  return etag === undefined ? field.trim() === "*" : ifNoneMatchMatches(field, etag);
}

/** Undefined when there is nothing to compare, or a date is malformed (§13.1.3, §13.1.4). */
function isModifiedSince(
  requestFields: FieldRecord,
  name: string,
  validators: Validators,
): boolean | undefined {
  const since = fieldValue(requestFields, name);
  if (since === undefined || validators.lastModified === undefined) return undefined;
  const sinceMs = parseHttpDate(since);
  const modifiedMs = parseHttpDate(validators.lastModified);
  return sinceMs === undefined || modifiedMs === undefined ? undefined : modifiedMs > sinceMs;
}
