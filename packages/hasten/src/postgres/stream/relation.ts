/** A table's columns, as the stream tells them before its first change. */
import type { ColumnKind, TableInterest } from "../statements/interest.ts";

export interface Relation {
  readonly oid: number;
  /** The message as it came, to tell whether another one says the same. */
  readonly told: Buffer;
  readonly columns: readonly RelationColumn[];
}

interface RelationColumn {
  readonly name: string;
  /** Part of the replica identity: known of both the old and the new row. */
  readonly identity: boolean;
}

/** Where in a row a value stands that a tag is made of. */
export interface WantedColumn {
  readonly index: number;
  readonly tableTag: string;
  readonly name: string;
  readonly kind: ColumnKind;
}

const REPLICA_IDENTITY_FLAG = 1;

/** Of a message `R`, from its relation's oid on. */
export function readRelation(bytes: Buffer, from: number): Relation {
  let at = skipText(bytes, skipText(bytes, from + 4)) + 1;
  const count = bytes.readUInt16BE(at);
  at += 2;
  const columns: RelationColumn[] = [];
  for (let index = 0; index < count; index++) {
    const end = bytes.indexOf(0, at + 1);
    const identity = (bytes[at]! & REPLICA_IDENTITY_FLAG) !== 0;
    columns.push({ name: bytes.toString("utf8", at + 1, end), identity });
    at = end + 1 + 4 + 4;
  }
  // The message lies in a buffer of the socket that is used again.
  return { oid: bytes.readUInt32BE(from), told: Buffer.from(bytes.subarray(from, at)), columns };
}

function skipText(bytes: Buffer, at: number): number {
  return bytes.indexOf(0, at) + 1;
}

/**
 * The columns that tags are made of, in the order of the row; undefined where one of them is not
 * told of both the old and the new row.
 */
export function wantedColumns(
  relation: Relation,
  interests: readonly TableInterest[],
): readonly WantedColumn[] | undefined {
  const wanted: WantedColumn[] = [];
  for (const { tableTag, columns } of interests)
    for (const [name, kind] of columns) {
      const index = relation.columns.findIndex((column) => column.name === name);
      if (index === -1 || !relation.columns[index]!.identity) return undefined;
      wanted.push({ index, tableTag, name, kind });
    }
  return wanted.sort((one, other) => one.index - other.index);
}
