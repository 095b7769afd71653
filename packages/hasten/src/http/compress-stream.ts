/**
 * A response body going through a compressor.
 *
 * Invariants: the writer sees the compressor's back-pressure and the compressor the socket's, so
 * memory is bounded by both buffers; a client that leaves destroys the compressor.
 */
import type { ServerResponse } from "node:http";
import { constants } from "node:zlib";
import { type CompressedCoding, type Compressor, createCompressor } from "./compress.ts";
import type { CompressedStream, CompressionContext } from "./compress-state.ts";
import { claimSent, type OriginalMethods, unclaimSent } from "./original-methods.ts";

export interface StreamTarget {
  readonly res: ServerResponse;
  readonly original: Pick<OriginalMethods, "write" | "end">;
  readonly coding: CompressedCoding;
  /** Flush after every write: events must not wait for the next one. */
  readonly flushEach: boolean;
  readonly context: CompressionContext;
}

export function startCompressedStream(target: StreamTarget): CompressedStream {
  const { res, coding, flushEach, context } = target;
  const compressor = createCompressor(coding, context.compress);
  connect(target, compressor);
  const flush = (): void => flushCompressor(compressor, coding);
  return {
    write(chunk, done) {
      if (compressor.writableEnded || compressor.destroyed) return false;
      const ready = compressor.write(chunk, "utf8", done);
      if (flushEach) flush();
      return ready;
    },
    end(chunk, done) {
      if (done !== undefined) res.once("finish", done);
      if (compressor.writableEnded || compressor.destroyed) return;
      // To the handler the response has ended, though the compressor has not.
      claimSent(res, true);
      if (chunk.byteLength === 0) compressor.end();
      else compressor.end(chunk);
    },
    flush,
  };
}

function connect({ res, original, coding, context }: StreamTarget, compressor: Compressor): void {
  const emit = res.emit;
  let bytesOut = 0;
  let complete = false;
  // `drain` from the socket is for the compressor; the writer waits for the compressor's own.
  res.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event !== "drain" || complete) return emit.call(res, event, ...args);
    compressor.resume();
    return true;
  };
  compressor.on("drain", () => emit.call(res, "drain"));
  compressor.on("data", (chunk: Buffer) => {
    bytesOut += chunk.byteLength;
    if (!original.write(chunk)) compressor.pause();
  });
  compressor.once("end", () => {
    complete = true;
    context.counts.compressed(coding, compressor.bytesWritten, bytesOut);
    unclaimSent(res);
    original.end();
  });
  // The fields are out, so the only honest answer to a failure is to break off.
  compressor.once("error", (error) => res.destroy(error));
  res.once("close", () => {
    if (complete) return;
    context.counts.aborted();
    compressor.destroy();
  });
}

function flushCompressor(compressor: Compressor, coding: CompressedCoding): void {
  if (compressor.writableEnded || compressor.destroyed) return;
  // A sync flush keeps the dictionary, which a full flush would throw away.
  if (coding === "gzip" || coding === "deflate") compressor.flush(constants.Z_SYNC_FLUSH);
  else compressor.flush();
}
