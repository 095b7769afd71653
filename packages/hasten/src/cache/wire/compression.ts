/**
 * Compression of large payloads, off the thread of the loop.
 *
 * Invariants:
 * - What is below the threshold, or would not save a tenth, stays as it is.
 * - Never more is made of compressed bytes than they say themselves, and that only up to a bound:
 *   the stream is cut there by zlib, before the memory is taken.
 */
import * as zlib from "node:zlib";
import type { Payload } from "../shared/port.ts";
import { DEFLATE, FORM_MASK, ZSTD } from "./form.ts";
import type { Decompressed, WireLimits } from "./types.ts";

export const COMPRESS_FROM_BYTES = 102_400;
export const PAYLOAD_BYTES_MAX = 67_108_864;
const WORTH_PER_CENT = 90;
const LENGTH_BYTES = 4;

type Done = (error: Error | null, bytes: Buffer) => void;

/** Older releases of Node have no zstd. */
const hasZstd = typeof (zlib as { zstdCompress?: unknown }).zstdCompress === "function";

/** Compresses what is large. Resolves to the same payload where that is not worth it or fails. */
export function compressPayload(
  payload: Payload,
  limits: WireLimits = {},
): Payload | Promise<Payload> {
  const { bytes, form } = payload;
  if (bytes.length < (limits.compressFromBytes ?? COMPRESS_FROM_BYTES)) return payload;
  if (form > FORM_MASK) return payload;
  return new Promise((resolve) => {
    const done: Done = (error, compressed) => {
      const length = compressed?.length ?? 0;
      const worth = (length + LENGTH_BYTES) * 100 <= bytes.length * WORTH_PER_CENT;
      if (error !== null || !worth) {
        resolve(payload);
        return;
      }
      const framed = Buffer.allocUnsafe(LENGTH_BYTES + length);
      framed.writeUInt32LE(bytes.length);
      compressed.copy(framed, LENGTH_BYTES);
      resolve({ form: form + (hasZstd ? ZSTD : DEFLATE), bytes: framed });
    };
    if (hasZstd) zlib.zstdCompress(bytes, ZSTD_FAST, done);
    else zlib.deflate(bytes, { level: 1 }, done);
  });
}

const ZSTD_FAST = hasZstd ? { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } } : {};

/** The payload that was compressed; the same one where none was. Never rejects. */
export function decompressPayload(
  payload: Payload,
  limits: WireLimits = {},
): Decompressed | Promise<Decompressed> {
  const { bytes, form } = payload;
  const bytesMax = limits.bytesMax ?? PAYLOAD_BYTES_MAX;
  if (bytes.length > bytesMax) return undecodable(`${bytes.length} bytes are too many`);
  if (form <= FORM_MASK) return { kind: "payload", payload };
  const by = form - (form & FORM_MASK);
  if (by !== DEFLATE && by !== ZSTD) return undecodable(`form ${form} is unknown`);
  if (by === ZSTD && !hasZstd) return undecodable("this Node has no zstd");
  if (bytes.length <= LENGTH_BYTES) return undecodable("the compressed bytes are cut short");
  const length = bytes.readUInt32LE();
  if (length === 0 || length > bytesMax) return undecodable(`${length} bytes are too many`);
  return new Promise((resolve) => {
    const done: Done = (error, plain) => {
      if (error !== null) resolve(undecodable(error.message));
      else if (plain.length !== length) resolve(undecodable("the length is another"));
      else resolve({ kind: "payload", payload: { form: form & FORM_MASK, bytes: plain } });
    };
    const stream = bytes.subarray(LENGTH_BYTES);
    const bounded = { maxOutputLength: length };
    if (by === ZSTD) zlib.zstdDecompress(stream, bounded, done);
    else zlib.inflate(stream, bounded, done);
  });
}

function undecodable(because: string): Decompressed {
  return { kind: "undecodable", because };
}
