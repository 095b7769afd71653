/**
 * Sends a stored response.
 *
 * Invariants:
 * - One `writeHead`, one `end`; nothing is allocated that a plain 200 does not need.
 * - HEAD gets the header of GET. A condition is evaluated against the tag of the coding that would
 *   be sent. A range is cut from the identity bytes.
 */
import { type IncomingMessage, ServerResponse } from "node:http";
import { ifNoneMatchMatches } from "../etag.ts";
import { parseHttpDate } from "../http-date.ts";
import { evaluateRange } from "../range.ts";
import type { TrackedAs } from "./dependency.ts";
import { type CacheMark, createHeaderBlock, stamp, writeBlock } from "./header-block.ts";
import { removePatch } from "./removable.ts";
import type { RequestFacts } from "./request-facts.ts";
import {
  fullBlock,
  notModifiedBlock,
  type Representation,
  type StoredResponse,
} from "./stored-response.ts";

/** How the stored response is being used. One frozen object per kind of use. */
export interface Use {
  readonly mark: CacheMark;
  /** Goes to Cache-Status: empty, a detail, or a text that starts with `fwd=`. */
  readonly detail: string;
  readonly front: boolean;
}

/** A fresh answer, by how its changes are learnt. */
export interface FreshUses {
  readonly inline: Use;
  readonly front: Use;
}

const FRESH_USES = new Map<TrackedAs, FreshUses>();

export function freshUses(detail: TrackedAs): FreshUses {
  const known = FRESH_USES.get(detail);
  if (known !== undefined) return known;
  const use = { mark: "HIT", detail } as const;
  const uses = { inline: { ...use, front: false }, front: { ...use, front: true } };
  FRESH_USES.set(detail, uses);
  return uses;
}

export const MAX_STALE_HIT: Use = { mark: "HIT", detail: "max-stale", front: false };
export const STALE_WHILE_REVALIDATE: Use = {
  mark: "STALE",
  detail: "stale-while-revalidate",
  front: false,
};
export const FRONT_STALE: Use = { mark: "STALE", detail: "stale-while-revalidate", front: true };
export const STALE_IF_ERROR: Use = { mark: "STALE", detail: "stale-if-error", front: false };
export const COLLAPSED: Use = { mark: "MISS", detail: "fwd=uri-miss; collapsed", front: false };

const plainWriteHead = ServerResponse.prototype.writeHead;

export interface HitRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly facts: RequestFacts;
  readonly nowMs: number;
}

export function sendStored(
  request: HitRequest,
  stored: StoredResponse,
  rep: Representation,
  use: Use,
): void {
  const { req, res, facts } = request;
  if (res.writeHead !== plainWriteHead) removePatch(res);
  if (facts.range !== undefined && sendRange(request, stored, use)) return;
  const notModified = isNotModified(facts, stored, rep);
  const block = notModified
    ? notModifiedBlock(stored, rep, use.front)
    : fullBlock(stored, rep, use.front);
  stamp(block, ageSeconds(stored, request.nowMs), ttlSeconds(stored, request.nowMs), use);
  writeBlock(res, notModified ? 304 : stored.status, block, isPlain(res));
  if (notModified || req.method === "HEAD") res.end();
  else res.end(rep.body);
}

/** Nothing was set on it and nobody hooks into its header: a flat array goes straight through. */
function isPlain(res: ServerResponse): boolean {
  return isUnhooked(res) && res.getHeaderNames().length === 0;
}

/** `writeHead` is Node's own: nothing changes the header on its way out. */
export function isUnhooked(res: ServerResponse): boolean {
  return res.writeHead === plainWriteHead;
}

export function ageSeconds(stored: StoredResponse, nowMs: number): number {
  const ageMs = stored.freshness.initialAgeMs + nowMs - stored.storedAtMs;
  return ageMs <= 0 ? 0 : Math.floor(ageMs / 1000);
}

function ttlSeconds(stored: StoredResponse, nowMs: number): number {
  return Math.floor((stored.freshUntilMs - nowMs) / 1000);
}

/** RFC 9110 §13.2.2: If-None-Match wins over If-Modified-Since. */
function isNotModified(facts: RequestFacts, stored: StoredResponse, rep: Representation): boolean {
  if (stored.status !== 200) return false;
  if (facts.ifNoneMatch !== undefined) {
    if (ifNoneMatchMatches(facts.ifNoneMatch, rep.etag)) return true;
    return rep.etagBefore !== undefined && ifNoneMatchMatches(facts.ifNoneMatch, rep.etagBefore);
  }
  if (facts.ifModifiedSince === undefined || stored.lastModified === undefined) return false;
  const sinceMs = parseHttpDate(facts.ifModifiedSince);
  const modifiedMs = parseHttpDate(stored.lastModified);
  return sinceMs !== undefined && modifiedMs !== undefined && modifiedMs <= sinceMs;
}

/** One range of the identity bytes; false when the whole is the answer (RFC 9110 §14.2). */
function sendRange(request: HitRequest, stored: StoredResponse, use: Use): boolean {
  const { req, res, facts } = request;
  if (stored.status !== 200 || isNotModified(facts, stored, stored.identity)) return false;
  const { body, etag } = stored.identity;
  const fields = { range: facts.range, "if-range": facts.ifRange };
  const outcome = evaluateRange(req.method ?? "GET", fields, {
    bytes: body.length,
    etag,
    lastModified: stored.lastModified,
  });
  if (outcome.kind === "whole") return false;
  const part =
    outcome.kind === "part" ? body.subarray(outcome.start, outcome.end + 1) : body.subarray(0, 0);
  const { flat, overridden } = fullBlock(stored, stored.identity, use.front);
  const length = ["Content-Length", String(part.length), "Content-Range", outcome.contentRange];
  const block = createHeaderBlock([...withoutLength(flat.slice(0, -6)), ...length], overridden);
  stamp(block, ageSeconds(stored, request.nowMs), ttlSeconds(stored, request.nowMs), use);
  writeBlock(res, outcome.kind === "part" ? 206 : 416, block, isPlain(res));
  res.end(part);
  return true;
}

function withoutLength(flat: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < flat.length; at += 2) {
    if (flat[at] !== "Content-Length") kept.push(flat[at]!, flat[at + 1]!);
  }
  return kept;
}
