/**
 * Compression of responses as they are sent, for those no cache holds.
 *
 * Invariants:
 * - Decided once per response, when its fields are final: at the first write, end or flush.
 * - A body given whole to `end` (or written and ended within one turn) goes out with an exact
 *   Content-Length; up to `syncBytesMax` at once, above that compressed off this thread.
 * - Bytes the handler coded itself are never touched.
 * - When compressing fails or too much is pending, the body goes out as it is.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type CompressedCoding, type CompressOptions, SYNC_BYTES_MAX } from "./compress.ts";
import { createCompressionDecision, resolveCodings } from "./compress-decision.ts";
import { resolveCompress } from "./compress-options.ts";
import { patchResponse } from "./compress-patch.ts";
import type { CompressionContext } from "./compress-state.ts";
import { type CompressionStats, createCompressionCounts } from "./compress-stats.ts";
import { wholeNumber } from "./errors.ts";

export interface CompressionOptions extends CompressOptions {
  /** Server's order of preference. @default ["zstd", "br", "gzip", "deflate"], where available */
  readonly codings?: readonly CompressedCoding[] | undefined;
  /** Smaller bodies go out as they are. Bytes, 0 to 1048576. @default 1024 */
  readonly thresholdBytes?: number | undefined;
  /**
   * Paths left alone, compared with the request's path; `/files/*` means everything below.
   * @default ["/health", "/metrics"]
   */
  readonly excludePaths?: readonly string[] | undefined;
  /**
   * Asked once per response; false leaves it alone. Say no where a secret and the client's own
   * input meet in one body (BREACH). @default () => true
   */
  readonly when?: ((req: IncomingMessage, res: ServerResponse) => boolean) | undefined;
  /** Compress `text/event-stream`, flushing after every write. @default false */
  readonly eventStreams?: boolean | undefined;
  /**
   * Bodies compressed off this thread at one time; further ones go out uncompressed.
   * 1 to 10000. @default 256
   */
  readonly pendingMax?: number | undefined;
}

export interface ResponseCompression {
  /** Makes `res` compress what is written to it. Call it before the handler, once per response. */
  attach(req: IncomingMessage, res: ServerResponse): void;
  stats(): CompressionStats;
}

/**
 * Creates a compression middleware for `node:http` and what is built on it.
 * @throws HastenError when an option is out of bounds.
 */
export function createResponseCompression(options: CompressionOptions = {}): ResponseCompression {
  const {
    excludePaths = ["/health", "/metrics"],
    when = () => true,
    eventStreams = false,
  } = options;
  const thresholdBytes = wholeNumber("thresholdBytes", options.thresholdBytes, {
    min: 0,
    max: 1_048_576,
    fallback: 1024,
  });
  const pendingMax = wholeNumber("pendingMax", options.pendingMax, {
    min: 1,
    max: 10_000,
    fallback: 256,
  });
  const counts = createCompressionCounts();
  const isExcludedPath = pathMatcher(excludePaths);
  const context: CompressionContext = {
    decide: createCompressionDecision({
      codings: resolveCodings(options.codings),
      thresholdBytes,
      eventStreams,
    }),
    isExcluded: (req, res) => isExcludedPath(pathOf(req)) || !when(req, res),
    counts,
    compress: options,
    syncBytesMax: resolveCompress(options, SYNC_BYTES_MAX).syncBytesMax,
    thresholdBytes,
    pendingMax,
    pending: 0,
  };
  return { attach: (req, res) => patchResponse(context, req, res), stats: () => counts.stats() };
}

function pathMatcher(patterns: readonly string[]): (path: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith("/*")));
  const below = patterns.filter((pattern) => pattern.endsWith("/*")).map((p) => p.slice(0, -1));
  return (path) => exact.has(path) || below.some((prefix) => path.startsWith(prefix));
}

/** Routers rewrite `url` and keep the whole in `originalUrl`. */
function pathOf(req: IncomingMessage & { readonly originalUrl?: unknown }): string {
  const url = typeof req.originalUrl === "string" ? req.originalUrl : (req.url ?? "/");
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}
