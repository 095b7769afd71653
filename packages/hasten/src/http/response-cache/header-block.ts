/**
 * A response header kept as the flat array that `writeHead` takes as it is, and as text.
 *
 * The three values that change with time (Age, X-Cache, Cache-Status) sit at its end and are
 * rewritten in place, at most once a second per block: Node serialises the array before it
 * returns, so nobody else sees the change.
 */
import type { ServerResponse } from "node:http";
import { fieldText, splitHeader, takesText, writeHeadWithText } from "./header-text.ts";

/** How a stored response came to be used, as `X-Cache` says it. */
export type CacheMark = "HIT" | "STALE" | "MISS";

export interface HeaderBlock {
  /** What earlier middleware had set, by lower-case name, where the handler put its own instead. */
  readonly overridden: ReadonlyMap<string, string>;
  readonly flat: string[];
  /** The fixed fields that Node must see itself. */
  readonly forNode: readonly string[];
  /** The other fixed fields as they go over the wire. */
  readonly fixedText: string;
  /** Those and the three that change: for a response on which nothing else is set. */
  text: string;
  ageSeconds: number;
  ttlSeconds: number;
  mark: CacheMark;
  detail: string;
}

const NOTHING: ReadonlyMap<string, string> = new Map();

/** Names and values that never change, followed by the three that do. */
export function createHeaderBlock(
  fixed: readonly string[],
  overridden: ReadonlyMap<string, string> = NOTHING,
): HeaderBlock {
  const { forNode, text } = splitHeader(fixed);
  return {
    overridden,
    flat: [...fixed, "Age", "0", "X-Cache", "HIT", "Cache-Status", "hasten; hit"],
    forNode,
    fixedText: text,
    text,
    ageSeconds: -1,
    ttlSeconds: 0,
    mark: "HIT",
    detail: "",
  };
}

/** Brings the changing values up to date. Allocates only when one of them differs. */
export function stamp(
  block: HeaderBlock,
  ageSeconds: number,
  ttlSeconds: number,
  use: { readonly mark: CacheMark; readonly detail: string },
): void {
  if (
    block.ageSeconds === ageSeconds &&
    block.ttlSeconds === ttlSeconds &&
    block.mark === use.mark &&
    block.detail === use.detail
  ) {
    return;
  }
  block.ageSeconds = ageSeconds;
  block.ttlSeconds = ttlSeconds;
  block.mark = use.mark;
  block.detail = use.detail;
  const { flat } = block;
  const age = String(ageSeconds);
  const status = cacheStatus(ttlSeconds, use.detail);
  flat[flat.length - 5] = age;
  flat[flat.length - 3] = use.mark;
  flat[flat.length - 1] = status;
  const changing =
    fieldText("Age", age) + fieldText("X-Cache", use.mark) + fieldText("Cache-Status", status);
  block.text = block.fixedText + changing;
}

/** RFC 9211: a hit, or with `fwd=` in the detail a response that was waited for. */
function cacheStatus(ttlSeconds: number, detail: string): string {
  if (detail.startsWith("fwd=")) return `hasten; ${detail}; ttl=${ttlSeconds}`;
  return detail === ""
    ? `hasten; hit; ttl=${ttlSeconds}`
    : `hasten; hit; ttl=${ttlSeconds}; detail=${detail}`;
}

/**
 * Sends the header. With nothing set so far and `writeHead` as Node made it, the text (or the flat
 * array) goes straight to the wire. Otherwise values that live middleware has set win over stored ones, unless
 * the handler had put its own in the place of that very value, and each field goes through
 * `setHeader`, which hooks on `writeHead` can see.
 */
export function writeBlock(
  res: ServerResponse,
  status: number,
  block: HeaderBlock,
  plain: boolean,
): void {
  if (plain && takesText) {
    writeHeadWithText(res, status, block.forNode, block.text);
    return;
  }
  if (plain) {
    res.writeHead(status, block.flat);
    return;
  }
  const { flat } = block;
  for (const [name, value] of block.overridden) {
    if (String(res.getHeader(name)) === value) res.removeHeader(name);
  }
  const live = new Set(res.getHeaderNames());
  for (let at = 0; at < flat.length; at += 2) {
    const name = flat[at]!;
    const value = flat[at + 1]!;
    const lower = name.toLowerCase();
    if (lower === "vary" && live.has("vary")) res.setHeader(name, mergeVary(res, value));
    else if (OWN.has(lower)) res.setHeader(name, value);
    else if (!live.has(lower)) appendField(res, name, value);
  }
  res.writeHead(status);
}

/** Fields that describe the stored bytes: a live value would be wrong for them. */
const OWN: ReadonlySet<string> = new Set([
  "content-length",
  "content-encoding",
  "content-type",
  "content-range",
  "etag",
  "age",
  "x-cache",
  "cache-status",
  "date",
]);

function appendField(res: ServerResponse, name: string, value: string): void {
  if (res.hasHeader(name)) res.appendHeader(name, value);
  else res.setHeader(name, value);
}

function mergeVary(res: ServerResponse, stored: string): string {
  const live = String(res.getHeader("vary"));
  const present = live
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  if (present.includes("*")) return live;
  const missing = stored.split(",").map((name) => name.trim());
  return [live, ...missing.filter((name) => !present.includes(name.toLowerCase()))].join(", ");
}
