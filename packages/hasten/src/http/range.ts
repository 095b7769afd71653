/**
 * Byte ranges (RFC 9110 §14): one range of a complete body. Several ranges, other units and
 * malformed fields are answered with the whole, which §14.2 allows a server to do.
 */
import { strongEquals } from "./etag.ts";
import { type FieldRecord, fieldValue } from "./field-record.ts";
import { parseHttpDate } from "./http-date.ts";

export type RangeOutcome =
  | { readonly kind: "whole" }
  /** 206. `end` is inclusive, as in Content-Range. */
  | {
      readonly kind: "part";
      readonly start: number;
      readonly end: number;
      readonly contentRange: string;
    }
  /** 416 with this Content-Range. */
  | { readonly kind: "unsatisfiable"; readonly contentRange: string };

/** What is sent: its length and validators. */
export interface Representation {
  readonly bytes: number;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

const WHOLE: RangeOutcome = { kind: "whole" };
const SINGLE_RANGE = /^bytes=[ \t]*(\d{1,15})?-(\d{1,15})?[ \t]*$/i;

/** Decides what a GET gets of a representation. Never throws. */
export function evaluateRange(
  method: string,
  requestFields: FieldRecord,
  representation: Representation,
): RangeOutcome {
  const field = fieldValue(requestFields, "range");
  // §14.2: Range is defined for GET only.
  if (field === undefined || method !== "GET") return WHOLE;
  if (!ifRangeHolds(fieldValue(requestFields, "if-range"), representation)) return WHOLE;
  const matched = SINGLE_RANGE.exec(field);
  if (matched === null) return WHOLE;
  return slice(matched[1], matched[2], representation.bytes);
}

function slice(first: string | undefined, last: string | undefined, bytes: number): RangeOutcome {
  if (first === undefined && last === undefined) return WHOLE;
  // §14.1.1: an int-range whose last is before its first is invalid.
  if (first !== undefined && last !== undefined && Number(last) < Number(first)) return WHOLE;
  const start = first === undefined ? Math.max(0, bytes - Number(last)) : Number(first);
  const end = first === undefined || last === undefined ? bytes - 1 : Number(last);
  // §14.1.2: beyond the end, or the last zero bytes.
  if (start >= bytes) return { kind: "unsatisfiable", contentRange: `bytes */${bytes}` };
  const lastByte = Math.min(end, bytes - 1);
  return {
    kind: "part",
    start,
    end: lastByte,
    contentRange: `bytes ${start}-${lastByte}/${bytes}`,
  };
}

/** §13.1.5: an entity tag must match strongly; a date must be the very Last-Modified. */
function ifRangeHolds(ifRange: string | undefined, representation: Representation): boolean {
  if (ifRange === undefined) return true;
  const { etag, lastModified } = representation;
  if (ifRange.includes('"')) return etag !== undefined && strongEquals(ifRange.trim(), etag);
  if (lastModified === undefined) return false;
  const ifRangeMs = parseHttpDate(ifRange);
  return ifRangeMs !== undefined && ifRangeMs === parseHttpDate(lastModified);
}
