/**
 * Numbers in PostgreSQL's binary form (source: the types' receive functions, utils/adt).
 * Each writes its length and its bytes and says true, or writes nothing and says false: the value
 * then goes as text, which refuses it or knows it.
 */
import type { Sink } from "./sink.ts";

/** Writes one value that is neither null nor undefined. */
export type WriteCell = (value: unknown, sink: Sink) => boolean;

export function int32(sink: Sink, value: number): void {
  const { bytes, at } = sink;
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
  sink.at = at + 4;
}

export function int16(sink: Sink, value: number): void {
  const { bytes, at } = sink;
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
  sink.at = at + 2;
}

const INTEGER = /^-?\d{1,15}$/;

/** A safe integer, of a number or of its plain text; undefined for all else. */
function integerOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : undefined;
  if (typeof value === "string") return INTEGER.test(value) ? Number(value) : undefined;
  return undefined;
}

export function int4(value: unknown, sink: Sink): boolean {
  const n = integerOf(value);
  if (n === undefined || n !== (n | 0)) return false;
  sink.room(8);
  int32(sink, 4);
  int32(sink, n);
  return true;
}

export function int2(value: unknown, sink: Sink): boolean {
  const n = integerOf(value);
  if (n === undefined || n !== (n << 16) >> 16) return false;
  sink.room(6);
  int32(sink, 2);
  int16(sink, n);
  return true;
}

const INT8_MAX = 2n ** 63n - 1n;
const INT8_MIN = -(2n ** 63n);

export function int8(value: unknown, sink: Sink): boolean {
  const n = integerOf(value);
  if (n === undefined) {
    if (typeof value !== "bigint" || value > INT8_MAX || value < INT8_MIN) return false;
    sink.room(12);
    int32(sink, 8);
    sink.at = sink.bytes.writeBigInt64BE(value, sink.at);
    return true;
  }
  sink.room(12);
  int32(sink, 8);
  int64(sink, n);
  return true;
}

const TWO_32 = 2 ** 32;

/** `value` is a safe integer. */
export function int64(sink: Sink, value: number): void {
  const high = Math.floor(value / TWO_32);
  int32(sink, high);
  int32(sink, value - high * TWO_32);
}

const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);
const LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

export function float8(value: unknown, sink: Sink): boolean {
  if (typeof value !== "number") return false;
  sink.room(12);
  int32(sink, 8);
  const { bytes, at } = sink;
  double[0] = value;
  for (let i = 0; i < 8; i++) bytes[at + i] = doubleBytes[LITTLE ? 7 - i : i]!;
  sink.at = at + 8;
  return true;
}

export function bool(value: unknown, sink: Sink): boolean {
  if (value !== true && value !== false) return false;
  sink.room(5);
  int32(sink, 1);
  sink.bytes[sink.at++] = value ? 1 : 0;
  return true;
}

const ZERO = 48;
const POINT = 46;
const MINUS = 45;
/** More digits than these go as text. */
const DIGITS_MAX = 300;

/** Int16 groups, weight, sign, scale; then groups of four decimal digits. */
export function numeric(value: unknown, sink: Sink): boolean {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint")
    return false;
  const text = typeof value === "string" ? value : `${value}`;
  const { length } = text;
  if (length > DIGITS_MAX) return false;
  const negative = text.charCodeAt(0) === MINUS;
  const from = negative ? 1 : 0;
  let point = length;
  for (let at = from; at < length; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit >= 0 && digit <= 9) continue;
    if (digit !== POINT - ZERO || point !== length) return false;
    point = at;
  }
  const scale = point === length ? 0 : length - point - 1;
  const whole = point - from;
  // A point without digits beside it is rare enough to go as text.
  if (whole === 0 || (point !== length && scale === 0)) return false;
  const wholeGroups = (whole + 3) >> 2;
  const groups = wholeGroups + ((scale + 3) >> 2);
  sink.room(12 + groups * 2);
  int32(sink, 8 + groups * 2);
  int16(sink, groups);
  int16(sink, wholeGroups - 1);
  int16(sink, negative ? 0x4000 : 0);
  int16(sink, scale);
  let at = from;
  for (let group = 0; group < groups; group++) {
    const inWhole = group < wholeGroups;
    const end = inWhole ? point : length;
    // The first group may have fewer digits, the last one ends in zeros.
    const missing = group === 0 ? wholeGroups * 4 - whole : 0;
    if (group === wholeGroups) at = point + 1;
    let digits = 0;
    for (let i = missing; i < 4; i++) {
      digits = digits * 10 + (at < end ? text.charCodeAt(at) - ZERO : 0);
      at++;
    }
    int16(sink, digits);
  }
  return true;
}
