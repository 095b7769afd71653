/**
 * A response kept ready to send.
 *
 * Invariants:
 * - The identity body and the fields never change after the fill; codings are added, never taken.
 * - Bytes are bounded by twice the body plus the fields: a coding that would exceed that budget is
 *   sent but not kept.
 * - Each coding has its own entity tag (RFC 9110 §8.8.3), unless the handler's tag is weak.
 */
import type { Dependency } from "../../core/trace/index.ts";
import { notModifiedFields } from "../conditional.ts";
import type { Freshness } from "../freshness.ts";
import type { Coding } from "../negotiate.ts";
import type { TrackedAs } from "./dependency.ts";
import { createHeaderBlock, type HeaderBlock } from "./header-block.ts";

/** One coding of a stored response, with the header blocks made on their first use. */
export interface Representation {
  readonly coding: Coding;
  readonly body: Buffer;
  readonly etag: string;
  /** The tag before a background upgrade: the client's copy still decodes to the same bytes. */
  readonly etagBefore: string | undefined;
  inline: HeaderBlock | undefined;
  front: HeaderBlock | undefined;
  inlineNotModified: HeaderBlock | undefined;
  frontNotModified: HeaderBlock | undefined;
}

export interface StoredResponse {
  readonly status: number;
  /** What the handler added, flat, without representation fields. */
  readonly fields: readonly string[];
  /** What the handler replaced, by lower-case name: see HeaderBlock. */
  readonly overridden: ReadonlyMap<string, string>;
  /** What the whole application added, for front mode; undefined when front mode may not serve it. */
  readonly frontFields: readonly string[] | undefined;
  /** The handler's entity tag, or one over the identity bytes. */
  readonly etag: string;
  readonly lastModified: string | undefined;
  readonly vary: string;
  /** Other selecting fields than Accept-Encoding, sorted. */
  readonly varyNames: readonly string[];
  readonly variantKey: string;
  /** Worth coding: a compressible type, large enough, not coded yet, no `no-transform`. */
  readonly compressible: boolean;
  readonly freshness: Freshness;
  /** What its handler read, in a cache that tracks. */
  readonly dependency: Dependency | undefined;
  readonly trackedAs: TrackedAs;
  readonly storedAtMs: number;
  readonly freshUntilMs: number;
  readonly identity: Representation;
  readonly codings: Partial<Record<Coding, Representation>>;
  /** Codings being made now. */
  readonly making: Set<Coding>;
  codedBytes: number;
  /** Apart, so that it can be looked at after the response is gone without keeping its bytes. */
  readonly usage: { hits: number };
  /** After a failed refresh: stale is served without asking the handler until then. */
  retryAtMs: number;
}

/** Room for the fields and the object itself in the memory account. */
const OVERHEAD_BYTES = 1_024;

/** What a stored response may ever hold: the body, as much again in codings, and its fields. */
export function storedBytes(stored: StoredResponse): number {
  let fieldBytes = 0;
  for (const text of stored.fields) fieldBytes += text.length;
  for (const text of stored.frontFields ?? []) fieldBytes += text.length;
  // Each of up to five codings may hold four header blocks that share these strings.
  return stored.identity.body.length * 2 + fieldBytes * 2 + OVERHEAD_BYTES;
}

export function createRepresentation(
  coding: Coding,
  body: Buffer,
  etag: string,
  etagBefore?: string,
): Representation {
  return {
    coding,
    body,
    etag,
    etagBefore,
    inline: undefined,
    front: undefined,
    inlineNotModified: undefined,
    frontNotModified: undefined,
  };
}

/** The header of a full answer in this coding. */
export function fullBlock(
  stored: StoredResponse,
  rep: Representation,
  front: boolean,
): HeaderBlock {
  const existing = front ? rep.front : rep.inline;
  if (existing !== undefined) return existing;
  const fixed = [...baseFields(stored, front), ...validatorFields(stored, rep)];
  if (rep.coding !== "identity") fixed.push("Content-Encoding", rep.coding);
  if (stored.status !== 204 && stored.status !== 304) {
    fixed.push("Content-Length", String(rep.body.length));
  }
  const block = createHeaderBlock(fixed, stored.overridden);
  if (front) rep.front = block;
  else rep.inline = block;
  return block;
}

/** The header of a 304 in this coding: what RFC 9110 §15.4.5 asks to be there, and no more. */
export function notModifiedBlock(
  stored: StoredResponse,
  rep: Representation,
  front: boolean,
): HeaderBlock {
  const existing = front ? rep.frontNotModified : rep.inlineNotModified;
  if (existing !== undefined) return existing;
  const fixed = [...baseFields(stored, front), ...validatorFields(stored, rep)];
  const block = createHeaderBlock(notModifiedFields(fixed), stored.overridden);
  if (front) rep.frontNotModified = block;
  else rep.inlineNotModified = block;
  return block;
}

function baseFields(stored: StoredResponse, front: boolean): readonly string[] {
  return front ? (stored.frontFields ?? stored.fields) : stored.fields;
}

function validatorFields(stored: StoredResponse, rep: Representation): string[] {
  const fields = ["ETag", rep.etag];
  if (stored.vary !== "") fields.push("Vary", stored.vary);
  return fields;
}
