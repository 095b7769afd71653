/**
 * Reads entries as they lie in Redis.
 *
 * ```
 *  0 `H1`   2 live byte: `0`, or `x` for expired   3 epoch (16)
 * 19 seq   35 seq again, or the number at which it was expired (16 digits each)
 * 51 body (`entry-body.ts`)
 * ```
 * Invariants: whatever the bytes are, nothing is thrown and nothing beyond their end is read; what
 * is not exactly an entry is `undefined`. The checksum covers the body; the head, which scripts
 * write, says its number twice. The payload is a view of the bytes given.
 */
import { crc32 } from "node:zlib";
import type { SharedDependency } from "../port.ts";
import {
  BODY,
  CHECKSUM_BYTES,
  DEPENDENCY_NONE,
  DEPENDENCY_PERSONAL,
  ENTRY_TAGS_MAX,
} from "./entry-body.ts";
import { textOf } from "./names.ts";
import type { DecodedEntry } from "./types.ts";

const AT_LIVE = 2;
export const AT_EPOCH = 3;
const AT_SEQ = 19;
const AT_SEQ_AGAIN = 35;
export const AT_BODY = 51;
const DIGITS = 16;
const ZERO = 0x30;
const EXPIRED = 0x78;
const H = 0x48;
const ONE = 0x31;
const SMALL_T = 0x74;

/** What the head says; NaN where it is none of ours. */
export function seqOf(bytes: Buffer): number {
  if (bytes.length < AT_BODY + BODY.tags + CHECKSUM_BYTES) return Number.NaN;
  if (bytes[0] !== H || bytes[1] !== ONE) return Number.NaN;
  const live = bytes[AT_LIVE];
  if (live !== ZERO && live !== EXPIRED) return Number.NaN;
  const seq = digitsAt(bytes, AT_SEQ);
  const again = digitsAt(bytes, AT_SEQ_AGAIN);
  return again === seq || (again > seq && live === EXPIRED) ? seq : Number.NaN;
}

/** 16 decimal digits; NaN where something else is among them. */
export function digitsAt(bytes: Buffer, at: number): number {
  let number = 0;
  for (let index = at; index < at + DIGITS; index++) {
    const digit = bytes[index]! - ZERO;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

/** Whether 16 bytes are the same. */
export function sameEpoch(bytes: Buffer, at: number, clock: Buffer): boolean {
  for (let index = 0; index < DIGITS; index++) {
    if (bytes[at + index] !== clock[index]) return false;
  }
  return true;
}

/** @param seq what `seqOf` gave, no NaN */
export function decodeEntry(bytes: Buffer, seq: number): DecodedEntry | undefined {
  const end = bytes.length - CHECKSUM_BYTES;
  if (crc32(bytes.subarray(AT_BODY, end)) !== bytes.readUInt32BE(end)) return undefined;
  const payloadAt = end - bytes.readUInt32BE(AT_BODY + BODY.payloadLength);
  const tagCount = bytes.readUInt16BE(AT_BODY + BODY.tagCount);
  if (tagCount > ENTRY_TAGS_MAX) return undefined;
  const texts = new Texts(bytes, AT_BODY + BODY.tags, payloadAt);
  const tags = texts.names(tagCount);
  const kind = bytes[AT_BODY + BODY.dependency]!;
  const dependency = kind === DEPENDENCY_NONE ? undefined : texts.dependency(kind);
  if (texts.at !== payloadAt || kind > DEPENDENCY_PERSONAL) return undefined;
  return {
    seq,
    expiredSeq: bytes[AT_LIVE] === EXPIRED ? digitsAt(bytes, AT_SEQ_AGAIN) : undefined,
    freshUntilRedisMs: bytes.readDoubleBE(AT_BODY),
    staleUntilRedisMs: bytes.readDoubleBE(AT_BODY + BODY.staleUntil),
    capturedRedisMs: bytes.readDoubleBE(AT_BODY + BODY.captured),
    loadMs: bytes.readDoubleBE(AT_BODY + BODY.load),
    payload: { form: bytes[AT_BODY + BODY.form]!, bytes: bytes.subarray(payloadAt, end) },
    tags,
    dependency,
  };
}

const NONE: readonly string[] = [];

/** Length-prefixed texts up to an end; past it `at` becomes NaN, and nothing more is read. */
class Texts {
  at: number;
  readonly #bytes: Buffer;
  readonly #end: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.#bytes = bytes;
    this.at = at;
    this.#end = end;
  }

  names(count: number): readonly string[] {
    if (count === 0) return NONE;
    const names: string[] = [];
    for (let index = 0; index < count; index++) names.push(this.#name());
    return names;
  }

  dependency(kind: number): SharedDependency {
    const sources = this.#list();
    const untracked = this.#list();
    const personal = kind === DEPENDENCY_PERSONAL ? this.#list() : undefined;
    return { sources, untracked, personal };
  }

  #list(): readonly string[] {
    const count = this.#number();
    const texts: string[] = [];
    for (let index = 0; index < count && !Number.isNaN(this.at); index++) texts.push(this.#text());
    return texts;
  }

  #number(): number {
    const number = this.at + 2 <= this.#end ? this.#bytes.readUInt16BE(this.at) : Number.NaN;
    this.at += Number.isNaN(number) ? Number.NaN : 2;
    return number;
  }

  /** Mostly `t:…`, whose text stands as it is. */
  #name(): string {
    const start = this.at + 2;
    if (this.#bytes[start] !== SMALL_T) return textOf(this.#text());
    const length = this.#number();
    this.at = length >= 2 && start + length <= this.#end ? start + length : Number.NaN;
    return Number.isNaN(this.at) ? "" : this.#bytes.toString("utf8", start + 2, this.at);
  }

  #text(): string {
    const length = this.#number();
    const from = this.at;
    this.at = from + length <= this.#end ? from + length : Number.NaN;
    return Number.isNaN(this.at) ? "" : this.#bytes.toString("utf8", from, this.at);
  }
}
