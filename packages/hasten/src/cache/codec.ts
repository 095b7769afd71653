/**
 * How values of one kind are kept and given back. What `encode` returns is private to the cache;
 * `decode` is called for each reader, so what it returns is the reader's own.
 */
export interface Codec<V> {
  /** Tells codecs apart in messages. */
  readonly name: string;
  encode(value: V): { readonly stored: unknown; readonly bytes: number };
  decode(stored: never): V;
  /** True if every reader may be given the stored object itself: decode is then not called. */
  readonly shared?: boolean;
}

/**
 * Keeps an object as it is, whatever it is, and gives every reader the same one. The caller
 * promises that nobody changes it.
 * @param sizeOf bytes it counts for against the cache's bytesMax
 */
export function byReference<V>(sizeOf: (value: V) => number): Codec<V> {
  return {
    name: "by reference",
    shared: true,
    encode: (value) => ({ stored: value, bytes: sizeOf(value) }),
    decode: (stored) => stored as V,
  };
}
