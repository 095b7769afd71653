/**
 * Entity tags (RFC 9110 §8.8.3).
 *
 * Invariants:
 * - Two codings of one body never share a strong tag: the coding is a suffix, `"h"` and `"h-br"`.
 * - A field that is malformed or longer than ETAG_FIELD_LENGTH_MAX matches nothing: If-None-Match
 *   then costs a whole response, never a wrong 304.
 */
import { hash } from "node:crypto";
import type { Coding } from "./negotiate.ts";

/** A longer If-None-Match or If-Match is not parsed. */
export const ETAG_FIELD_LENGTH_MAX = 8192;

/** A strong tag over the identity bytes of a body. */
export function strongEtag(bytes: Uint8Array): string {
  return `"${hash("sha1", bytes, "base64url")}"`;
}

/** The same tag, weak (RFC 9110 §8.8.1). */
export function weakEtag(etag: string): string {
  return etag.startsWith("W/") ? etag : `W/${etag}`;
}

/** The tag of one coding of a body. A weak tag may cover all codings, so it stays as it is. */
export function etagForCoding(etag: string, coding: Coding): string {
  if (coding === "identity" || !etag.startsWith('"')) return etag;
  return `${etag.slice(0, -1)}-${coding}"`;
}

export type EtagList =
  | { readonly kind: "any" }
  | { readonly kind: "malformed" }
  | { readonly kind: "tags"; readonly tags: readonly string[] };

/** §8.8.3: `[W/]"etagc*"`. Commas and white space may stand inside; quotes may not. */
const ENTITY_TAG = /[ \t,]*((?:W\/)?"[!#-~\u0080-\u00ff]*")[ \t]*(?=,|$)/y;

/** Reads `*` or a list of entity tags. Never throws. */
export function parseEtagList(field: string): EtagList {
  if (field.length > ETAG_FIELD_LENGTH_MAX) return { kind: "malformed" };
  const text = field.trim();
  if (text === "*") return { kind: "any" };
  const tags: string[] = [];
  ENTITY_TAG.lastIndex = 0;
  let end = 0;
  for (let tag = ENTITY_TAG.exec(text); tag !== null; tag = ENTITY_TAG.exec(text)) {
    tags.push(tag[1] ?? "");
    end = ENTITY_TAG.lastIndex;
    if (end === text.length) break;
  }
  const rest = text.slice(end);
  return tags.length === 0 || !/^[ \t,]*$/.test(rest)
    ? { kind: "malformed" }
    : { kind: "tags", tags };
}

/** §8.8.3.2: weak comparison ignores the `W/`. */
export function weakEquals(a: string, b: string): boolean {
  return opaque(a) === opaque(b);
}

/** §8.8.3.2: strong comparison needs two strong tags. */
export function strongEquals(a: string, b: string): boolean {
  return a === b && !a.startsWith("W/");
}

/** §13.1.2, with the usual case, the very tag we sent, first. `*` matches any representation. */
export function ifNoneMatchMatches(field: string, etag: string): boolean {
  if (field === etag) return true;
  const list = parseEtagList(field);
  if (list.kind !== "tags") return list.kind === "any";
  return list.tags.some((tag) => weakEquals(tag, etag));
}

/** §13.1.1: strong comparison; `*` matches when there is a representation. */
export function ifMatchMatches(field: string, etag: string | undefined): boolean {
  const list = parseEtagList(field);
  if (list.kind !== "tags") return list.kind === "any";
  return etag !== undefined && list.tags.some((tag) => strongEquals(tag, etag));
}

function opaque(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}
