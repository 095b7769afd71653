import { binaryNumber, binaryType } from "../binary.ts";
import { valueUncacheable } from "../errors.ts";
import {
  ARRAY,
  BARE_OBJECT,
  BIGINT,
  BINARY,
  CONSTANTS,
  DATE,
  DEPTH_MAX,
  DOUBLE,
  DOUBLE_BYTES,
  HOLE,
  INT,
  INT_MAX,
  MAP,
  NEGATIVE_BIGINT,
  OBJECT,
  SEEN,
  SET,
  UTF8,
  UTF16,
  VARINT_BYTES_MAX,
  WIDE_BYTES,
} from "./tags.ts";

const FIRST_BYTES = 256;
/** Up to this length strings of ASCII are written here: the call to the runtime costs more. */
const SHORT_MAX = 32;
const ASCII_MAX = 0x7f;

/** The structured form of a value that was looked through before: plain data and what binary.ts has. */
export function writeStructured(value: unknown): Buffer {
  const writer = new Writer();
  writer.value(value, 0);
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

class Writer {
  bytes = Buffer.allocUnsafe(FIRST_BYTES);
  length = 0;
  readonly #seen = new Map<object, number>();

  value(value: unknown, depth: number): void {
    if (depth > DEPTH_MAX) throw valueUncacheable(`data nested deeper than ${DEPTH_MAX}`);
    if (typeof value === "number") this.#number(value);
    else if (typeof value === "string") this.#text(value);
    else if (typeof value === "bigint") {
      this.#tag(value < 0n ? NEGATIVE_BIGINT : BIGINT);
      this.#text((value < 0n ? -value : value).toString(16));
    } else if (typeof value === "object" && value !== null) this.#object(value, depth + 1);
    else this.#tag(CONSTANTS.indexOf(value));
  }

  #object(object: object, depth: number): void {
    const seen = this.#seen.get(object);
    if (seen !== undefined) {
      this.#sized(SEEN, seen);
      return;
    }
    this.#seen.set(object, this.#seen.size);
    const binary = binaryNumber(object);
    if (binary !== undefined) this.#binary(binary, object);
    else if (Array.isArray(object)) this.#array(object, depth);
    else if (object instanceof Date) this.#double(DATE, object.getTime());
    else if (object instanceof Map) this.#map(object, depth);
    else if (object instanceof Set) {
      this.#wide(SET, object.size);
      for (const value of object) this.value(value, depth);
    } else this.#fields(object as Record<string, unknown>, depth);
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): void {
    this.#wide(MAP, map.size);
    for (const [key, value] of map) {
      this.value(key, depth);
      this.value(value, depth);
    }
  }

  #array(array: readonly unknown[], depth: number): void {
    this.#sized(ARRAY, array.length);
    for (let index = 0; index < array.length; index++) {
      const value = array[index];
      if (value !== undefined || index in array) this.value(value, depth);
      else this.#tag(HOLE);
    }
  }

  #fields(object: Record<string, unknown>, depth: number): void {
    const keys = Object.keys(object);
    this.#sized(Object.getPrototypeOf(object) === null ? BARE_OBJECT : OBJECT, keys.length);
    for (const key of keys) {
      this.#text(key);
      this.value(object[key], depth);
    }
  }

  #binary(number: number, object: object): void {
    const bytes = binaryType(number)!.bytesOf(object);
    this.#wide(BINARY, bytes.byteLength);
    this.#tag(number);
    this.#reserve(bytes.byteLength);
    this.bytes.set(bytes, this.length);
    this.length += bytes.byteLength;
  }

  #number(value: number): void {
    const whole = value >>> 0;
    if (whole === value && whole <= INT_MAX && !Object.is(value, -0)) this.#sized(INT, whole);
    else this.#double(DOUBLE, value);
  }

  /** UTF-8, unless that would lose a lone surrogate. */
  #text(text: string): void {
    if (text.length <= SHORT_MAX && this.#shortAscii(text)) return;
    const encoding = text.isWellFormed() ? "utf8" : "utf16le";
    const size = Buffer.byteLength(text, encoding);
    this.#sized(encoding === "utf8" ? UTF8 : UTF16, size);
    this.#reserve(size);
    this.length += this.bytes.write(text, this.length, encoding);
  }

  /** False, with nothing written, where it is not ASCII. */
  #shortAscii(text: string): boolean {
    const { length } = text;
    this.#reserve(length + 2);
    const start = this.length + 2;
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code > ASCII_MAX) return false;
      this.bytes[start + at] = code;
    }
    this.bytes[start - 2] = UTF8;
    this.bytes[start - 1] = length;
    this.length = start + length;
    return true;
  }

  #double(tag: number, value: number): void {
    this.#tag(tag);
    this.#reserve(DOUBLE_BYTES);
    this.length = this.bytes.writeDoubleLE(value, this.length);
  }

  #sized(tag: number, size: number): void {
    this.#reserve(1 + VARINT_BYTES_MAX);
    this.bytes[this.length++] = tag;
    let rest = size;
    for (; rest > 0x7f; rest >>>= 7) this.bytes[this.length++] = (rest & 0x7f) | 0x80;
    this.bytes[this.length++] = rest;
  }

  #wide(tag: number, size: number): void {
    this.#reserve(1 + WIDE_BYTES);
    this.bytes[this.length++] = tag;
    this.length = this.bytes.writeUInt32LE(size, this.length);
    this.length = this.bytes.writeUInt32LE(0, this.length);
  }

  #tag(tag: number): void {
    this.#reserve(1);
    this.bytes[this.length++] = tag;
  }

  #reserve(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + size));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
