/**
 * A block of CopyData that rows are written into, byte by byte.
 *
 * Invariants:
 * - at most one block and what the socket still holds is in memory: what it has taken is used again;
 * - a block is larger than usual only where a single row is.
 */
import { BUFFER_BYTES } from "./copy-text.ts";

export interface Sink {
  bytes: Buffer;
  /** Where the next byte goes. */
  at: number;
  /** Makes sure that `more` bytes fit. */
  room(more: number): void;
}

export interface Sinks {
  /** An empty one: the first five bytes are for the message's head. */
  open(): Sink;
  /** Gives memory back that the socket has taken. */
  release(bytes: Buffer): void;
}

/** Byte1 'd', Int32 length with itself. */
export const HEAD_BYTES = 5;

export function sinks(): Sinks {
  const spare: Buffer[] = [];
  return {
    open: () => ({
      bytes: spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES),
      at: HEAD_BYTES,
      room(more) {
        const wanted = this.at + more;
        if (wanted <= this.bytes.length) return;
        const larger = Buffer.allocUnsafeSlow(Math.max(wanted, this.bytes.length * 2));
        this.bytes.copy(larger, 0, 0, this.at);
        this.bytes = larger;
      },
    }),
    release(bytes) {
      if (bytes.length === BUFFER_BYTES) spare.push(bytes);
    },
  };
}

/** The message of what was written: `CopyData`. */
export function sealed({ bytes, at }: Sink): Buffer {
  bytes[0] = 0x64;
  bytes.writeUInt32BE(at - 1, 1);
  return bytes.subarray(0, at);
}
