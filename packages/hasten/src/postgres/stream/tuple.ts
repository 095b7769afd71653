/** Reads single values out of the rows of the stream, in the text format. */
import type { WantedColumn } from "./relation.ts";

/** `null` is SQL's; undefined: large and unchanged, so it was not sent. */
export type Value = string | null | undefined;

const NULL = 0x6e;
const UNCHANGED = 0x75;
const TEXT = 0x74;

/** The wanted columns' values; fewer than wanted if the row is not as the relation was told. */
export function readValues(
  bytes: Buffer,
  from: number,
  wanted: readonly WantedColumn[],
): readonly Value[] {
  const count = bytes.readUInt16BE(from);
  const values: Value[] = [];
  let at = from + 2;
  let next = 0;
  for (let index = 0; index < count && next < wanted.length; index++) {
    const kind = bytes[at]!;
    at += 1;
    let length = 0;
    if (kind !== NULL && kind !== UNCHANGED) {
      length = bytes.readUInt32BE(at);
      at += 4;
    }
    for (; next < wanted.length && wanted[next]!.index === index; next++) {
      if (kind === NULL) values.push(null);
      else values.push(kind === TEXT ? bytes.toString("utf8", at, at + length) : undefined);
    }
    at += length;
  }
  return values;
}

/** Where what follows the row begins. */
export function skipRow(bytes: Buffer, from: number): number {
  const count = bytes.readUInt16BE(from);
  let at = from + 2;
  for (let index = 0; index < count; index++) {
    const kind = bytes[at]!;
    at += 1;
    if (kind !== NULL && kind !== UNCHANGED) at += 4 + bytes.readUInt32BE(at);
  }
  return at;
}
