import type { Payload } from "../shared/port.ts";

/** What bytes turned out to be. What cannot be read is no error: it is a miss, counted. */
export type Decoded =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "undecodable"; readonly because: string };

/** Bytes out of their compression. */
export type Decompressed =
  | { readonly kind: "payload"; readonly payload: Payload }
  | { readonly kind: "undecodable"; readonly because: string };

/** Bounds of what travels. */
export interface WireLimits {
  /** Payloads from this size on are compressed where that saves a tenth. @default 102_400 */
  readonly compressFromBytes?: number | undefined;
  /** Larger ones are undecodable, and so is what would decompress to more. @default 67_108_864 */
  readonly bytesMax?: number | undefined;
}
