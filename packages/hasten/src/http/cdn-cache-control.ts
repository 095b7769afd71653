/**
 * Targeted Cache-Control (RFC 9213): the first targeted field that is valid and not empty replaces
 * Cache-Control and Expires; a malformed one is as good as absent.
 */
import {
  DELTA_SECONDS_MAX,
  parseQualifiedFields,
  type Qualified,
  type ResponseDirectives,
} from "./cache-control.ts";
import { type FieldRecord, fieldValue } from "./field-record.ts";
import { type Dictionary, parseDictionary } from "./structured-field.ts";

/** The targeted fields looked at unless told otherwise, most specific first. */
export const TARGETED_FIELDS: readonly string[] = ["cdn-cache-control"];

/** Directives of the first usable targeted field; undefined when Cache-Control applies. */
export function targetedDirectives(
  fields: FieldRecord,
  targets: readonly string[] = TARGETED_FIELDS,
): ResponseDirectives | undefined {
  for (const target of targets) {
    const value = fieldValue(fields, target);
    const directives = value === undefined ? undefined : parseTargetedCacheControl(value);
    if (directives !== undefined) return directives;
  }
  return undefined;
}

/**
 * Reads one targeted field. Undefined when it is malformed or empty (RFC 9213 §2.1, §2.2).
 * Never throws.
 */
export function parseTargetedCacheControl(text: string): ResponseDirectives | undefined {
  const members = parseDictionary(text);
  if (members === undefined || members.size === 0) return undefined;
  return {
    noStore: restricts(members, "no-store"),
    noCache: qualified(members, "no-cache"),
    private: qualified(members, "private"),
    public: isTrue(members, "public"),
    mustRevalidate: restricts(members, "must-revalidate"),
    proxyRevalidate: restricts(members, "proxy-revalidate"),
    mustUnderstand: isTrue(members, "must-understand"),
    noTransform: restricts(members, "no-transform"),
    immutable: isTrue(members, "immutable"),
    maxAgeSeconds: seconds(members, "max-age"),
    sMaxAgeSeconds: seconds(members, "s-maxage"),
    staleWhileRevalidateSeconds: seconds(members, "stale-while-revalidate"),
    staleIfErrorSeconds: seconds(members, "stale-if-error"),
  };
}

/** A restriction holds with any value but `?0`: a value we do not know must not lift it. */
function restricts(members: Dictionary, name: string): boolean {
  const member = members.get(name);
  return member !== undefined && member.value !== false;
}

function isTrue(members: Dictionary, name: string): boolean {
  return members.get(name)?.value === true;
}

/** RFC 9213 §2.1: a qualified form is a string or a token; anything else counts as unqualified. */
function qualified(members: Dictionary, name: string): Qualified {
  const member = members.get(name);
  if (member === undefined || member.value === false) return "none";
  return member.kind === "string" || member.kind === "token"
    ? parseQualifiedFields(member.value)
    : "all";
}

/** RFC 9213 §2.1: delta-seconds are integers. Any other value is invalid, so stale. */
function seconds(members: Dictionary, name: string): number | undefined {
  const member = members.get(name);
  if (member === undefined) return undefined;
  if (member.kind !== "integer" || member.value < 0) return 0;
  return Math.min(member.value, DELTA_SECONDS_MAX);
}
