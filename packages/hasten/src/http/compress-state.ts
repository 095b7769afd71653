import type { IncomingMessage, ServerResponse } from "node:http";
import type { CompressedCoding, CompressOptions } from "./compress.ts";
import type { CompressionCandidate, CompressionDecision } from "./compress-decision.ts";
import type { CompressionCounts } from "./compress-stats.ts";
import type { Done, OriginalMethods } from "./original-methods.ts";

/** What the patched methods need to know; shared by all responses of one middleware. */
export interface CompressionContext {
  readonly decide: (candidate: CompressionCandidate) => CompressionDecision;
  readonly isExcluded: (req: IncomingMessage, res: ServerResponse) => boolean;
  readonly counts: CompressionCounts;
  readonly compress: CompressOptions;
  readonly syncBytesMax: number;
  readonly thresholdBytes: number;
  readonly pendingMax: number;
  pending: number;
}

interface Held {
  readonly chunk: Uint8Array;
  readonly done: Done | undefined;
}

/** A body going through a compressor. */
export interface CompressedStream {
  /** False when the writer should wait for the response's `drain`. */
  write(chunk: Uint8Array, done: ((error?: Error | null) => void) | undefined): boolean;
  end(chunk: Uint8Array, done: (() => void) | undefined): void;
  /** Sends what was written so far. */
  flush(): void;
}

/** One response on its way through. */
export interface Patched {
  readonly context: CompressionContext;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly original: OriginalMethods;
  state: "open" | "held" | "streaming" | "pending" | "through";
  /** The handler called `writeHead` and so ran whatever others hung on it: it runs once. */
  headGiven: boolean;
  coding: CompressedCoding | undefined;
  held: Held[];
  heldBytes: number;
  stream: CompressedStream | undefined;
}
