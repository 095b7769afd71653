/**
 * Reads the structured form.
 *
 * Invariants, whatever the bytes are:
 * - It ends, after work in proportion to their number, and throws a WireError or returns a value.
 * - Nothing is read beyond their end; nesting is bounded; sizes add up to no more than there are
 *   bytes, so that memory stays within about forty times their number.
 * - What every object inherits is defined, never assigned: no prototype is reached and no code of
 *   the value's runs.
 * - A reference to an object names one that has begun: it may be within it, as in a cycle.
 */
import { binaryType } from "../binary.ts";
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

/** Bytes are not what they should be. Never leaves the cache. */
export class WireError extends Error {
  override readonly name: string = "WireError";
}

/** @throws WireError, or a RangeError of the runtime, for bytes that `writeStructured` did not make */
export function readStructured(bytes: Buffer): unknown {
  return new Reader(bytes).whole();
}

/** A number of 2 ** 30 bits is as large as they get; reading hexadecimal takes linear time. */
const HEX = /^[0-9a-f]+$/;
const OWN = { configurable: true, enumerable: true, writable: true };

/** Names that an assignment could not give every object: a setter, or frozen with the prototype. */
const INHERITED: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));
/** Up to this length strings of ASCII are put together here: longer ones would not be flat. */
const SHORT_MAX = 12;
const ASCII_MAX = 0x7f;
const ASCII = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  #depth = 0;
  /** Elements that containers said to have. Each takes a byte at least. */
  #claimed = 0;
  readonly #seen: object[] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  whole(): unknown {
    const value = this.#value();
    if (this.#at !== this.#bytes.length) throw new WireError("bytes follow the value");
    return value;
  }

  #value(): unknown {
    const tag = this.#byte();
    if (tag < CONSTANTS.length) return CONSTANTS[tag];
    switch (tag) {
      case INT:
        return this.#size();
      case DOUBLE:
        return this.#double();
      case UTF8:
      case UTF16:
        return this.#text(tag);
      case BIGINT:
        return this.#bigint();
      case NEGATIVE_BIGINT:
        return -this.#bigint();
      case DATE:
        return this.#keep(new Date(this.#double()));
      case SEEN:
        return this.#before();
      case BINARY:
        return this.#keep(this.#binary());
      default:
        return this.#container(tag);
    }
  }

  #container(tag: number): object {
    if (++this.#depth > DEPTH_MAX) throw new WireError("it is nested too deep");
    const object = this.#filled(tag);
    this.#depth -= 1;
    return object;
  }

  #filled(tag: number): object {
    switch (tag) {
      case ARRAY:
        return this.#array(this.#claim(this.#size()));
      case MAP:
        return this.#map(this.#claim(this.#wide()));
      case SET: {
        const size = this.#claim(this.#wide());
        const set = this.#keep(new Set());
        for (let n = 0; n < size; n++) set.add(this.#value());
        return set;
      }
      case OBJECT:
        return this.#fields(this.#keep({}), this.#claim(this.#size()));
      case BARE_OBJECT:
        return this.#fields(this.#keep(Object.create(null)), this.#claim(this.#size()));
      default:
        throw new WireError(`tag ${tag} is unknown`);
    }
  }

  #map(size: number): Map<unknown, unknown> {
    const map = this.#keep(new Map());
    for (let n = 0; n < size; n++) {
      const key = this.#value();
      map.set(key, this.#value());
    }
    return map;
  }

  #array(size: number): unknown[] {
    const array = this.#keep<unknown[]>([]);
    for (let index = 0; index < size; index++) {
      if (this.#bytes[this.#at] === HOLE) this.#at += 1;
      // Behind a hole: defined, since an index on Array.prototype could be a setter.
      else if (index === array.length) array.push(this.#value());
      else Object.defineProperty(array, index, { value: this.#value(), ...OWN });
    }
    array.length = size;
    return array;
  }

  #fields(object: Record<string, unknown>, size: number): object {
    for (let n = 0; n < size; n++) {
      const tag = this.#byte();
      if (tag !== UTF8 && tag !== UTF16) throw new WireError("a field has no name");
      const key = this.#text(tag);
      const value = this.#value();
      if (!INHERITED.has(key)) object[key] = value;
      else Object.defineProperty(object, key, { value, ...OWN });
    }
    return object;
  }

  #binary(): object {
    const size = this.#wide();
    const type = binaryType(this.#byte());
    if (type === undefined) throw new WireError("a binary type is unknown");
    const start = this.#advance(size);
    const copy = new ArrayBuffer(size);
    new Uint8Array(copy).set(this.#bytes.subarray(start, start + size));
    return type.over(copy);
  }

  #bigint(): bigint {
    const tag = this.#byte();
    const digits = tag === UTF8 ? this.#text(tag) : "";
    if (!HEX.test(digits)) throw new WireError("a number has no digits");
    return BigInt(`0x${digits}`);
  }

  #before(): object {
    const object = this.#seen[this.#size()];
    if (object === undefined) throw new WireError("a reference leads nowhere");
    return object;
  }

  #keep<T extends object>(object: T): T {
    this.#seen.push(object);
    return object;
  }

  #text(tag: number): string {
    const size = this.#size();
    const start = this.#advance(size);
    if (tag === UTF8)
      return size <= SHORT_MAX
        ? this.#short(start, start + size)
        : this.#bytes.toString("utf8", start, start + size);
    if (size % 2 !== 0) throw new WireError("a text is cut short");
    return this.#bytes.toString("utf16le", start, start + size);
  }

  /** Where it is ASCII, without the call to the runtime, which costs more. */
  #short(start: number, end: number): string {
    const bytes = this.#bytes;
    let text = "";
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte > ASCII_MAX) return bytes.toString("utf8", start, end);
      text += ASCII[byte]!;
    }
    return text;
  }

  #double(): number {
    return this.#bytes.readDoubleLE(this.#advance(DOUBLE_BYTES));
  }

  #size(): number {
    let size = 0;
    for (let n = 0; n < VARINT_BYTES_MAX; n++) {
      const byte = this.#byte();
      size += (byte & 0x7f) * 2 ** (7 * n);
      if (byte <= 0x7f) return size;
    }
    throw new WireError("a size is too long");
  }

  #wide(): number {
    const start = this.#advance(WIDE_BYTES);
    if (this.#bytes.readUInt32LE(start + 4) !== 0) throw new WireError("a size is too large");
    return this.#bytes.readUInt32LE(start);
  }

  #claim(size: number): number {
    this.#claimed += size;
    if (this.#claimed > this.#bytes.length) throw new WireError("a size is more than there is");
    return size;
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) throw new WireError("the bytes are cut short");
    return this.#bytes[this.#at++]!;
  }

  /** Steps over so many bytes, which are there, and returns where they begin. */
  #advance(size: number): number {
    const start = this.#at;
    if (size > this.#bytes.length - start) throw new WireError("the bytes are cut short");
    this.#at = start + size;
    return start;
  }
}
