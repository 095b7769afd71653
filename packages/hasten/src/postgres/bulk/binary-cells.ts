/**
 * Values in PostgreSQL's binary form, for the types that have a cheap and exact one.
 *
 * Invariants (source: PostgreSQL documentation, COPY, "Binary Format", and the types' receive
 * functions):
 * - what is written means exactly what the value's text means (value-text.ts);
 * - a value that has no plain form here is not written at all: its row goes as text.
 */

import {
  bool,
  float8,
  int2,
  int4,
  int8,
  int32,
  int64,
  numeric,
  type WriteCell,
} from "./binary-numbers.ts";
import type { Column } from "./catalog.ts";
import type { Sink } from "./sink.ts";
import { OID } from "./value-text.ts";

/** How a column is written; undefined where its type is sent as text. */
export function binaryOf(column: Column): WriteCell | undefined {
  const element = ELEMENTS.get(column.oid);
  if (element !== undefined) return arrayOf(element, SCALARS.get(element)!);
  return column.element === undefined ? SCALARS.get(column.oid) : undefined;
}

/** Whether it is worth it: whole numbers and text are as short as text, and read as fast. */
export const binaryPays = (columns: readonly Column[]): boolean =>
  columns.some(({ oid }) => !PLAIN.has(oid));

/** Characters that are written one by one: shorter than a call into the runtime. */
const SHORT = 40;
const LONG = 4_096;

function text(value: unknown, sink: Sink): boolean {
  if (typeof value !== "string") return typeof value === "number" && text(`${value}`, sink);
  sink.room(4 + bytesMax(value));
  const at = sink.at;
  sink.at = at + 4;
  if (!characters(value, sink)) {
    sink.at = at;
    return false;
  }
  setLength(sink, at);
  return true;
}

/** What is long is counted, not guessed at. */
const bytesMax = (value: string): number =>
  value.length <= LONG ? value.length * 3 : Buffer.byteLength(value);

function setLength(sink: Sink, at: number): void {
  const end = sink.at;
  sink.at = at;
  int32(sink, end - at - 4);
  sink.at = end;
}

/** There is room for them. */
function characters(value: string, sink: Sink): boolean {
  const { bytes, at } = sink;
  const { length } = value;
  if (length <= SHORT) {
    let index = 0;
    for (; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code === 0 || code > 127) break;
      bytes[at + index] = code;
    }
    if (index === length) {
      sink.at = at + length;
      return true;
    }
  }
  if (value.includes("\0") || !value.isWellFormed()) return false;
  sink.at = at + bytes.write(value, at, "utf8");
  return true;
}

const jsonWith =
  (version: boolean): WriteCell =>
  (value, sink) => {
    let written: string | undefined;
    try {
      written = JSON.stringify(value);
    } catch {
      return false;
    }
    if (written === undefined) return false;
    sink.room(5 + bytesMax(written));
    const at = sink.at;
    sink.at = at + 4;
    if (version) sink.bytes[sink.at++] = 1;
    if (!characters(written, sink)) {
      sink.at = at;
      return false;
    }
    setLength(sink, at);
    return true;
  };

function bytea(value: unknown, sink: Sink): boolean {
  if (!ArrayBuffer.isView(value)) return false;
  const { buffer, byteOffset, byteLength } = value;
  sink.room(4 + byteLength);
  int32(sink, byteLength);
  sink.bytes.set(new Uint8Array(buffer, byteOffset, byteLength), sink.at);
  sink.at += byteLength;
  return true;
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

const nibble = (code: number): number => (code & 15) + (code > 57 ? 9 : 0);

function uuid(value: unknown, sink: Sink): boolean {
  if (typeof value !== "string" || !UUID.test(value)) return false;
  sink.room(20);
  int32(sink, 16);
  const { bytes } = sink;
  for (let at = 0; at < 36; at += 2) {
    if (at === 8 || at === 13 || at === 18 || at === 23) at++;
    bytes[sink.at++] = (nibble(value.charCodeAt(at)) << 4) | nibble(value.charCodeAt(at + 1));
  }
  return true;
}

/** PostgreSQL's days and instants count from 2000-01-01. */
const EPOCH_MS = Date.UTC(2000, 0, 1);
const DAY_MS = 86_400_000;
const FIRST_MS = Date.UTC(1800, 0, 1);
const LAST_MS = Date.UTC(2200, 0, 1);
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/;

/** Milliseconds between 1800 and 2200, whose microseconds are safe integers; others go as text. */
const isNear = (ms: number): boolean => ms >= FIRST_MS && ms < LAST_MS;

function instant(ms: number, sink: Sink): boolean {
  if (!isNear(ms)) return false;
  sink.room(12);
  int32(sink, 8);
  int64(sink, (ms - EPOCH_MS) * 1_000);
  return true;
}

function timestamptz(value: unknown, sink: Sink): boolean {
  if (value instanceof Date) return instant(value.getTime(), sink);
  if (typeof value !== "string" || !INSTANT.test(value)) return false;
  return isNear(dayMs(value)) && instant(Date.parse(value), sink);
}

/** The wall clock of this process, as the driver has it. */
const wallMs = (value: Date): number =>
  isNear(value.getTime())
    ? Date.UTC(
        value.getFullYear(),
        value.getMonth(),
        value.getDate(),
        value.getHours(),
        value.getMinutes(),
        value.getSeconds(),
        value.getMilliseconds(),
      )
    : Number.NaN;

const timestamp: WriteCell = (value, sink) => value instanceof Date && instant(wallMs(value), sink);

const DAY = /^\d{4}-\d\d-\d\d$/;

function date(value: unknown, sink: Sink): boolean {
  let ms = Number.NaN;
  if (value instanceof Date) ms = wallMs(value);
  else if (typeof value === "string" && DAY.test(value)) ms = dayMs(value);
  if (!isNear(ms)) return false;
  sink.room(8);
  int32(sink, 4);
  int32(sink, Math.floor((ms - EPOCH_MS) / DAY_MS));
  return true;
}

/** NaN for a day that is none, such as February 30th, which JavaScript takes for March 2nd. */
function dayMs(value: string): number {
  const two = (at: number): number =>
    value.charCodeAt(at) * 10 + value.charCodeAt(at + 1) - 11 * 48;
  const year = two(0) * 100 + two(2);
  const ms = Date.UTC(year, two(5) - 1, two(8));
  const back = new Date(ms);
  // Years below 100 are others to JavaScript.
  if (year < 100) return Number.NaN;
  return back.getUTCDate() === two(8) && back.getUTCMonth() === two(5) - 1 ? ms : Number.NaN;
}

const TEXT_OID = 25;
const VARCHAR_OID = 1043;
const BPCHAR_OID = 1042;
const UUID_OID = 2950;

const SCALARS: ReadonlyMap<number, WriteCell> = new Map([
  [OID.bool, bool],
  [OID.bytea, bytea],
  [OID.int8, int8],
  [OID.int2, int2],
  [OID.int4, int4],
  [OID.float8, float8],
  [OID.numeric, numeric],
  [OID.json, jsonWith(false)],
  [OID.jsonb, jsonWith(true)],
  [OID.timestamptz, timestamptz],
  [OID.timestamp, timestamp],
  [OID.date, date],
  [TEXT_OID, text],
  [VARCHAR_OID, text],
  [BPCHAR_OID, text],
  [UUID_OID, uuid],
]);

const PLAIN: ReadonlySet<number> = new Set([
  OID.bool,
  OID.int2,
  OID.int4,
  OID.int8,
  OID.json,
  OID.jsonb,
  TEXT_OID,
  VARCHAR_OID,
  BPCHAR_OID,
]);

/** PostgreSQL's own array types, and their elements. */
const ELEMENTS: ReadonlyMap<number, number> = new Map([
  [1000, OID.bool],
  [1001, OID.bytea],
  [1005, OID.int2],
  [1007, OID.int4],
  [1009, TEXT_OID],
  [1014, BPCHAR_OID],
  [1015, VARCHAR_OID],
  [1016, OID.int8],
  [1022, OID.float8],
  [1115, OID.timestamp],
  [1182, OID.date],
  [1185, OID.timestamptz],
  [1231, OID.numeric],
  [2951, UUID_OID],
  [3807, OID.jsonb],
  [199, OID.json],
]);

/** Int32 dimensions, flags, element type; then size and lower bound; then the elements. */
const arrayOf =
  (oid: number, write: WriteCell): WriteCell =>
  (value, sink) => {
    if (!Array.isArray(value)) return false;
    const from = sink.at;
    sink.room(24);
    sink.at = from + 4;
    int32(sink, value.length === 0 ? 0 : 1);
    int32(sink, value.includes(null) ? 1 : 0);
    int32(sink, oid);
    if (value.length > 0) {
      int32(sink, value.length);
      int32(sink, 1);
    }
    for (const one of value) {
      if (one === null) {
        sink.room(4);
        int32(sink, -1);
      } else if (one === undefined || !write(one, sink)) {
        sink.at = from;
        return false;
      }
    }
    setLength(sink, from);
    return true;
  };
