import type { Dependency } from "../core/trace/index.ts";

/**
 * How values of one kind are kept and given back. What `encode` returns is private to the cache;
 * `decode` is called for each reader, so what it returns is the reader's own.
 */
export interface Codec<V> {
  /** Tells codecs apart in messages, and in what is shared: another wire form needs another name. */
  readonly name: string;
  encode(value: V): { readonly stored: unknown; readonly bytes: number };
  decode(stored: never): V;
  /** True if every reader may be given the stored object itself: decode is then not called. */
  readonly shared?: boolean;
  /** The form in which values travel to other processes; without one they stay in this process. */
  readonly wire?: WireForm<V> | undefined;
}

/** Bytes of values of one kind. They come back from other processes, of other releases too. */
export interface WireForm<V> {
  /** Undefined for a value that is to stay in this process. */
  encode(value: V): Uint8Array | undefined;
  /** Whatever the bytes are, it returns a right value or throws. */
  decode(bytes: Uint8Array, origin: WireOrigin): V;
}

/** What the shared tier knows of a value whose bytes it kept. */
export interface WireOrigin {
  /** When its time is over, by the monotonic clock of this process. */
  readonly freshUntilMs: number;
  /** What it depends on, by the sources of this process. Undefined where nobody looked. */
  readonly dependency: Dependency | undefined;
}

/**
 * Keeps an object as it is, whatever it is, and gives every reader the same one. The caller
 * promises that nobody changes it.
 * @param sizeOf bytes it counts for against the cache's bytesMax
 * @param wire how it travels to other processes, if it does
 */
export function byReference<V>(sizeOf: (value: V) => number, wire?: WireForm<V>): Codec<V> {
  return {
    name: "by reference",
    shared: true,
    encode: (value) => ({ stored: value, bytes: sizeOf(value) }),
    decode: (stored) => stored as V,
    wire,
  };
}
