/**
 * One entry of a memory store. Callers extend it with their own fields, so that an entry is one
 * object of one shape. A node belongs to one store at a time; fields that start with `_` are the
 * store's own.
 */
export class MemoryNode {
  readonly key: string;
  /** What the entry counts against `bytesMax`: rounded up to a whole number when stored. */
  readonly bytes: number;
  /** Row of the store's tables that describes this node. Meaningless outside the store. */
  _slot = -1;

  constructor(key: string, bytes: number) {
    this.key = key;
    this.bytes = bytes;
  }
}
