/**
 * The body of an entry, which its writer makes; the script that stores it puts the head before it.
 *
 * ```
 *  0  double  fresh until      8  double  stale until     (ms of the server's clock, big endian)
 * 16  double  captured        24  double  load, ms
 * 32  byte    form            33  byte    0 no dependency, 1 one, 2 one with `personal`
 * 34  uint32  length of the payload
 * 38  uint16  count of tags   40  tags: uint16 length, name (`t:…`, `T:…`)
 *     with a dependency: sources, untracked and, with 2, personal: uint16 count, uint16 length, text
 *     payload                     uint32 CRC-32 of everything before it
 * ```
 * Invariant: what cannot be told in this form is not encoded at all (`undefined`).
 */
import { crc32 } from "node:zlib";
import type { SharedDependency } from "../port.ts";
import { tagName } from "./names.ts";
import type { EntryBody } from "./types.ts";

export const BODY = {
  staleUntil: 8,
  captured: 16,
  load: 24,
  form: 32,
  dependency: 33,
  payloadLength: 34,
  tagCount: 38,
  tags: 40,
} as const;
export const ENTRY_TAGS_MAX = 256;
export const CHECKSUM_BYTES = 4;
const UINT16_MAX = 0xffff;

export const DEPENDENCY_NONE = 0;
export const DEPENDENCY_PLAIN = 1;
export const DEPENDENCY_PERSONAL = 2;

export function encodeBody(entry: EntryBody): Buffer | undefined {
  const { payload, tags, dependency } = entry;
  const names = tags.map(tagName);
  const lists = listsOf(dependency);
  if (names.length > ENTRY_TAGS_MAX) return undefined;
  let length = BODY.tags + payload.bytes.length + CHECKSUM_BYTES;
  for (const list of [names, ...lists]) {
    if (list.length > UINT16_MAX) return undefined;
    for (const text of list) {
      const bytes = Buffer.byteLength(text);
      if (bytes > UINT16_MAX) return undefined;
      length += 2 + bytes;
    }
  }
  length += 2 * lists.length;
  const body = Buffer.allocUnsafe(length);
  writeFixed(body, entry);
  body.writeUInt16BE(names.length, BODY.tagCount);
  let at = writeTexts(body, BODY.tags, names);
  for (const list of lists) {
    body.writeUInt16BE(list.length, at);
    at = writeTexts(body, at + 2, list);
  }
  at += payload.bytes.copy(body, at);
  body.writeUInt32BE(crc32(body.subarray(0, at)), at);
  return body;
}

function writeFixed(body: Buffer, entry: EntryBody): void {
  body.writeDoubleBE(entry.freshUntilRedisMs, 0);
  body.writeDoubleBE(entry.staleUntilRedisMs, BODY.staleUntil);
  body.writeDoubleBE(entry.capturedRedisMs, BODY.captured);
  body.writeDoubleBE(entry.loadMs, BODY.load);
  body.writeUInt8(entry.payload.form, BODY.form);
  body.writeUInt8(dependencyByte(entry.dependency), BODY.dependency);
  body.writeUInt32BE(entry.payload.bytes.length, BODY.payloadLength);
}

function dependencyByte(dependency: SharedDependency | undefined): number {
  if (dependency === undefined) return DEPENDENCY_NONE;
  return dependency.personal === undefined ? DEPENDENCY_PLAIN : DEPENDENCY_PERSONAL;
}

function listsOf(dependency: SharedDependency | undefined): readonly (readonly string[])[] {
  if (dependency === undefined) return [];
  const { sources, untracked, personal } = dependency;
  return personal === undefined ? [sources, untracked] : [sources, untracked, personal];
}

function writeTexts(body: Buffer, start: number, texts: readonly string[]): number {
  let at = start;
  for (const text of texts) {
    const bytes = body.write(text, at + 2);
    body.writeUInt16BE(bytes, at);
    at += 2 + bytes;
  }
  return at;
}
