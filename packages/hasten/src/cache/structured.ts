/**
 * The encoded form of values that freezing does not protect.
 *
 * Invariants:
 * - A value and its decoded copy are alike in type and content: also undefined, NaN, -0, holes,
 *   objects without a prototype, own properties named `__proto__`, shared and cyclic references.
 * - Decoding defines properties and runs no code of the value's: nothing it holds can reach a
 *   prototype.
 * - Bytes only ever come from `encode` in this process; there is no version and no checksum.
 */
import { binaryNumber, binaryType } from "./binary.ts";
import type { Codec } from "./codec.ts";
import { valueUncacheable } from "./errors.ts";

const DEPTH_MAX = 1_000;
const FIRST_BYTES = 256;
const DOUBLE_BYTES = 8;
const INDEX_BYTES = 4;

const CONSTANTS: readonly unknown[] = [undefined, null, true, false];
const HOLE = 4;
const DOUBLE = 5;
const UTF8 = 6;
const UTF16 = 7;
const BIGINT = 8;
const DATE = 9;
const ARRAY = 10;
const OBJECT = 11;
const BARE_OBJECT = 12;
const MAP = 13;
const SET = 14;
const BINARY = 15;
const SEEN = 16;

class Writer {
  bytes = Buffer.allocUnsafe(FIRST_BYTES);
  length = 0;
  readonly #seen = new Map<object, number>();

  value(value: unknown, depth: number): void {
    if (depth > DEPTH_MAX) throw valueUncacheable(`data nested deeper than ${DEPTH_MAX}`);
    if (typeof value === "number") this.#double(DOUBLE, value);
    else if (typeof value === "string") this.#text(value);
    else if (typeof value === "bigint") {
      this.#tag(BIGINT);
      this.#text(value.toString());
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
      this.#sized(SET, object.size);
      for (const value of object) this.value(value, depth);
    } else this.#fields(object as Record<string, unknown>, depth);
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): void {
    this.#sized(MAP, map.size);
    for (const [key, value] of map) {
      this.value(key, depth);
      this.value(value, depth);
    }
  }

  #array(array: readonly unknown[], depth: number): void {
    this.#sized(ARRAY, array.length);
    for (let index = 0; index < array.length; index++) {
      if (index in array) this.value(array[index], depth);
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
    const bytes = binaryType(number).bytesOf(object);
    this.#tag(BINARY);
    this.#sized(number, bytes.byteLength);
    this.#reserve(bytes.byteLength);
    this.bytes.set(bytes, this.length);
    this.length += bytes.byteLength;
  }

  /** UTF-8, unless that would lose a lone surrogate. */
  #text(text: string): void {
    const encoding = text.isWellFormed() ? "utf8" : "utf16le";
    const size = Buffer.byteLength(text, encoding);
    this.#sized(encoding === "utf8" ? UTF8 : UTF16, size);
    this.#reserve(size);
    this.length += this.bytes.write(text, this.length, encoding);
  }

  #double(tag: number, value: number): void {
    this.#tag(tag);
    this.#reserve(DOUBLE_BYTES);
    this.length = this.bytes.writeDoubleLE(value, this.length);
  }

  #sized(tag: number, size: number): void {
    this.#tag(tag);
    this.#reserve(INDEX_BYTES);
    this.length = this.bytes.writeUInt32LE(size, this.length);
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

class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  readonly #seen: object[] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(): unknown {
    const tag = this.#bytes[this.#at++]!;
    if (tag < CONSTANTS.length) return CONSTANTS[tag];
    switch (tag) {
      case DOUBLE:
        return this.#double();
      case UTF8:
        return this.#text("utf8");
      case UTF16:
        return this.#text("utf16le");
      case BIGINT:
        return BigInt(this.value() as string);
      case DATE:
        return this.#keep(new Date(this.#double()));
      case SEEN:
        return this.#seen[this.#size()];
      case BINARY:
        return this.#keep(this.#binary());
      default:
        return this.#container(tag);
    }
  }

  #container(tag: number): object {
    const size = this.#size();
    if (tag === ARRAY) return this.#array(size);
    if (tag === MAP) {
      const map = this.#keep(new Map());
      for (let n = 0; n < size; n++) map.set(this.value(), this.value());
      return map;
    }
    if (tag === SET) {
      const set = this.#keep(new Set());
      for (let n = 0; n < size; n++) set.add(this.value());
      return set;
    }
    return this.#fields(this.#keep(tag === BARE_OBJECT ? Object.create(null) : {}), size);
  }

  #array(size: number): unknown[] {
    const array = this.#keep(new Array<unknown>(size));
    for (let index = 0; index < size; index++) {
      if (this.#bytes[this.#at] === HOLE) this.#at += 1;
      else array[index] = this.value();
    }
    return array;
  }

  #fields(object: Record<string, unknown>, size: number): object {
    for (let n = 0; n < size; n++) {
      const key = this.value() as string;
      const value = this.value();
      if (key !== "__proto__") object[key] = value;
      else Object.defineProperty(object, key, { value, ...OWN });
    }
    return object;
  }

  #binary(): object {
    const type = binaryType(this.#bytes[this.#at++]!);
    const size = this.#size();
    const copy = new ArrayBuffer(size);
    new Uint8Array(copy).set(this.#bytes.subarray(this.#at, this.#at + size));
    this.#at += size;
    return type.over(copy);
  }

  #keep<T extends object>(object: T): T {
    this.#seen.push(object);
    return object;
  }

  #text(encoding: "utf8" | "utf16le"): string {
    const size = this.#size();
    const text = this.#bytes.toString(encoding, this.#at, this.#at + size);
    this.#at += size;
    return text;
  }

  #double(): number {
    this.#at += DOUBLE_BYTES;
    return this.#bytes.readDoubleLE(this.#at - DOUBLE_BYTES);
  }

  #size(): number {
    this.#at += INDEX_BYTES;
    return this.#bytes.readUInt32LE(this.#at - INDEX_BYTES);
  }
}

const OWN = { configurable: true, enumerable: true, writable: true };

/** Keeps a value in bytes; each reader gets a copy of its own. */
export const structured: Codec<unknown> = {
  name: "structured",
  encode(value) {
    const writer = new Writer();
    writer.value(value, 0);
    const stored = Buffer.from(writer.bytes.subarray(0, writer.length));
    return { stored, bytes: stored.byteLength };
  },
  decode: (stored) => new Reader(stored).value(),
};
