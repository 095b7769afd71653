/** Content codings (RFC 9110 §8.4.1, RFC 7932, RFC 8878) of whole bodies and of streams. */
import { availableParallelism } from "node:os";
import type { Transform } from "node:stream";
import { promisify } from "node:util";
import zlib from "node:zlib";
import {
  type CompressOptions,
  type ResolvedCompress,
  resolveCompress,
} from "./compress-options.ts";
import type { Coding } from "./negotiate.ts";

export type { CompressOptions } from "./compress-options.ts";

/** A coding that changes the bytes. */
export type CompressedCoding = Exclude<Coding, "identity">;

/** Codings this Node can produce, in the server's order of preference. */
export const SUPPORTED_CODINGS: readonly CompressedCoding[] = [
  // zstd came with Node 22.15.
  ...(typeof zlib.zstdCompressSync === "function" ? (["zstd"] as const) : []),
  "br",
  "gzip",
  "deflate",
];

/**
 * Up to here compressing at once costs less than a trip to the thread pool; with more cores the
 * trip is cheaper, since the pool's work really runs beside ours.
 */
export const SYNC_BYTES_MAX: number = syncBytesMax(availableParallelism());

/**
 * Compresses a whole body. Small bodies are compressed at once, larger ones, and all at effort
 * "best", on the thread pool.
 * `identity` gives the same bytes back.
 * @throws HastenError when an option is out of bounds; rejects when zlib fails.
 */
export async function compress(
  bytes: Uint8Array,
  coding: Coding,
  options: CompressOptions = {},
): Promise<Uint8Array> {
  if (coding === "identity") return bytes;
  const resolved = resolveCompress(options, SYNC_BYTES_MAX);
  // The best levels are up to a hundred times slower: never on this thread.
  const small = bytes.byteLength <= resolved.syncBytesMax && resolved.effort === "fast";
  if (small) return ENCODERS[coding].now(bytes, resolved);
  return ENCODERS[coding].later(bytes, resolved);
}

/** As `compress`, on this thread whatever the size: for what is small, or where nothing waits. */
export function compressSync(
  bytes: Uint8Array,
  coding: Coding,
  options: CompressOptions = {},
): Uint8Array {
  if (coding === "identity") return bytes;
  return ENCODERS[coding].now(bytes, resolveCompress(options, SYNC_BYTES_MAX));
}

/** A stream that compresses and can be flushed. Destroy it when it is not read to its end. */
export type Compressor = Transform & zlib.Zlib;

/** Creates a streaming compressor; it works on the thread pool. */
export function createCompressor(
  coding: CompressedCoding,
  options: CompressOptions = {},
): Compressor {
  return ENCODERS[coding].stream(resolveCompress(options, SYNC_BYTES_MAX)) as Compressor;
}

interface Encoder {
  now(bytes: Uint8Array, options: ResolvedCompress): Uint8Array;
  later(bytes: Uint8Array, options: ResolvedCompress): Promise<Uint8Array>;
  stream(options: ResolvedCompress): Transform;
}

const gzipLater = promisify<Uint8Array, zlib.ZlibOptions, Uint8Array>(zlib.gzip);
const deflateLater = promisify<Uint8Array, zlib.ZlibOptions, Uint8Array>(zlib.deflate);
const brotliLater = promisify<Uint8Array, zlib.BrotliOptions, Uint8Array>(zlib.brotliCompress);
const zstdLater =
  typeof zlib.zstdCompress === "function"
    ? promisify<Uint8Array, zlib.ZstdOptions, Uint8Array>(zlib.zstdCompress)
    : undefined;

const ENCODERS: Readonly<Record<CompressedCoding, Encoder>> = {
  zstd: {
    now: (bytes, options) => zlib.zstdCompressSync(bytes, zstdOptions(options, bytes.byteLength)),
    later: (bytes, options) => zstdLater!(bytes, zstdOptions(options, bytes.byteLength)),
    stream: (options) => zlib.createZstdCompress(zstdOptions(options, undefined)),
  },
  br: {
    now: (bytes, options) => zlib.brotliCompressSync(bytes, brotli(options, bytes.byteLength)),
    later: (bytes, options) => brotliLater(bytes, brotli(options, bytes.byteLength)),
    stream: (options) => zlib.createBrotliCompress(brotli(options, undefined)),
  },
  gzip: {
    now: (bytes, options) => zlib.gzipSync(bytes, deflateOptions(options, "gzip")),
    later: (bytes, options) => gzipLater(bytes, deflateOptions(options, "gzip")),
    stream: (options) => zlib.createGzip(deflateOptions(options, "gzip")),
  },
  // RFC 9110 §8.4.1.2: "deflate" is the zlib format, not a raw deflate stream.
  deflate: {
    now: (bytes, options) => zlib.deflateSync(bytes, deflateOptions(options, "deflate")),
    later: (bytes, options) => deflateLater(bytes, deflateOptions(options, "deflate")),
    stream: (options) => zlib.createDeflate(deflateOptions(options, "deflate")),
  },
};

function deflateOptions(options: ResolvedCompress, coding: "gzip" | "deflate"): zlib.ZlibOptions {
  return { level: options[coding].level ?? (options.effort === "best" ? 9 : 6) };
}

const BROTLI_QUALITY_FAST = 4;

function brotli(options: ResolvedCompress, bytes: number | undefined): zlib.BrotliOptions {
  const best = options.effort === "best" && bytes !== undefined;
  const quality = options.br.quality ?? (best ? brotliQualityBest(bytes) : BROTLI_QUALITY_FAST);
  const { constants } = zlib;
  return {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      ...(bytes === undefined ? {} : { [constants.BROTLI_PARAM_SIZE_HINT]: bytes }),
    },
  };
}

/** Quality 11 runs at about 1 MB/s: bounded to what one background job may take. */
function brotliQualityBest(bytes: number): number {
  if (bytes <= 64 * 1024) return 11;
  return bytes <= 512 * 1024 ? 10 : 9;
}

const ZSTD_LEVEL_FAST = 3;
const ZSTD_LEVEL_BEST = 19;
const ZSTD_LEVEL_BEST_LARGE = 12;
const ZSTD_LARGE_BYTES = 1024 * 1024;

function zstdOptions(options: ResolvedCompress, bytes: number | undefined): zlib.ZstdOptions {
  const large = bytes !== undefined && bytes > ZSTD_LARGE_BYTES;
  const best = large ? ZSTD_LEVEL_BEST_LARGE : ZSTD_LEVEL_BEST;
  const level = options.zstd.level ?? (options.effort === "best" ? best : ZSTD_LEVEL_FAST);
  return {
    params: { [zlib.constants.ZSTD_c_compressionLevel]: level },
    // Told the size, zstd makes its tables to measure: at level 19 many times faster when small.
    ...(bytes === undefined ? {} : { pledgedSrcSize: bytes }),
  };
}

/** Node's own cost of a thread-pool trip, against what compressing that much takes here. */
function syncBytesMax(cores: number): number {
  if (cores <= 1) return 64 * 1024;
  return cores === 2 ? 8 * 1024 : 4 * 1024;
}
