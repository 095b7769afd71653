/** Cache-Status (RFC 9211): what this cache did with a request, as one structured field member. */

/** Why a request went forward (RFC 9211 §2.2). */
export type Forward =
  | "bypass"
  | "method"
  | "uri-miss"
  | "vary-miss"
  | "miss"
  | "request"
  | "stale"
  | "partial";

export interface CacheStatus {
  /** Answered from the cache without going forward. Excludes `forward`. */
  readonly hit?: boolean;
  readonly forward?: Forward;
  /** Status of the forwarded response, where it differs from what was sent. */
  readonly forwardStatus?: number;
  /** Freshness left in seconds; negative when stale. */
  readonly ttlSeconds?: number;
  readonly stored?: boolean;
  /** Waited for another request's answer. */
  readonly collapsed?: boolean;
  /** Leave it out in production: it tells how keys are built. */
  readonly key?: string;
  /** A word or two for people, such as the reason nothing was stored. */
  readonly detail?: string;
}

const TOKEN = /^[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*$/;
const STRING_LENGTH_MAX = 256;

/** Serialises one member, for example `hasten; hit; ttl=42`. Never throws, whatever the strings. */
export function formatCacheStatus(status: CacheStatus, cache = "hasten"): string {
  let field = tokenOrString(cache);
  if (status.hit === true) field += "; hit";
  else if (status.forward !== undefined) field += `; fwd=${status.forward}`;
  if (isInteger(status.forwardStatus)) field += `; fwd-status=${status.forwardStatus}`;
  if (isInteger(status.ttlSeconds)) field += `; ttl=${status.ttlSeconds}`;
  if (status.stored === true) field += "; stored";
  if (status.collapsed === true) field += "; collapsed";
  if (status.key !== undefined) field += `; key=${quoted(status.key)}`;
  if (status.detail !== undefined) field += `; detail=${tokenOrString(status.detail)}`;
  return field;
}

/** Adds our member after those of caches nearer the origin (RFC 9211 §2). */
export function appendCacheStatus(existing: string | undefined, member: string): string {
  return existing === undefined || existing === "" ? member : `${existing}, ${member}`;
}

/** RFC 8941 §3.3.1: at most 15 digits. */
function isInteger(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && Math.abs(value) < 1e15;
}

function tokenOrString(text: string): string {
  return TOKEN.test(text) && text.length <= STRING_LENGTH_MAX ? text : quoted(text);
}

/** RFC 8941 §3.3.3: printable ASCII, quotes and backslashes escaped; the rest becomes `?`. */
function quoted(text: string): string {
  const cut = text.slice(0, STRING_LENGTH_MAX).replace(/[^ -~]/g, "?");
  return `"${cut.replace(/["\\]/g, "\\$&")}"`;
}
