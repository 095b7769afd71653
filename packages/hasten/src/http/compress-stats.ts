/** What a compression middleware did so far. */
import type { CompressedCoding } from "./compress.ts";
import type { CompressionSkip } from "./compress-decision.ts";

export interface CodingStats {
  readonly responses: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface CompressionStats {
  /** Responses sent with a coding. */
  readonly compressed: number;
  /** Responses sent as they were. */
  readonly untouched: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** `bytesIn - bytesOut`. */
  readonly bytesSaved: number;
  /** Share saved, 0 to 1: 0.8 means 80 % smaller. 0 before the first. */
  readonly savedRatio: number;
  /** Clients that left before their compressed response was complete. */
  readonly aborted: number;
  /** Bodies sent uncompressed because the compressor failed. */
  readonly failed: number;
  readonly byCoding: Readonly<Partial<Record<CompressedCoding, CodingStats>>>;
  readonly bySkip: Readonly<Partial<Record<CompressionSkip, number>>>;
}

export interface CompressionCounts {
  compressed(coding: CompressedCoding, bytesIn: number, bytesOut: number): void;
  skipped(because: CompressionSkip): void;
  aborted(): void;
  failed(): void;
  stats(): CompressionStats;
}

export function createCompressionCounts(): CompressionCounts {
  const codings = new Map<
    CompressedCoding,
    { responses: number; bytesIn: number; bytesOut: number }
  >();
  const skips = new Map<CompressionSkip, number>();
  let aborted = 0;
  let failed = 0;
  return {
    compressed(coding, bytesIn, bytesOut) {
      const counts = codings.get(coding) ?? { responses: 0, bytesIn: 0, bytesOut: 0 };
      counts.responses += 1;
      counts.bytesIn += bytesIn;
      counts.bytesOut += bytesOut;
      codings.set(coding, counts);
    },
    skipped: (because) => void skips.set(because, (skips.get(because) ?? 0) + 1),
    aborted() {
      aborted += 1;
    },
    failed() {
      failed += 1;
    },
    stats() {
      const all = [...codings.values()];
      const bytesIn = all.reduce((sum, one) => sum + one.bytesIn, 0);
      const bytesOut = all.reduce((sum, one) => sum + one.bytesOut, 0);
      return {
        compressed: all.reduce((sum, one) => sum + one.responses, 0),
        untouched: [...skips.values()].reduce((sum, count) => sum + count, 0),
        bytesIn,
        bytesOut,
        bytesSaved: bytesIn - bytesOut,
        savedRatio: bytesIn === 0 ? 0 : 1 - bytesOut / bytesIn,
        aborted,
        failed,
        byCoding: Object.fromEntries([...codings].map(([coding, one]) => [coding, { ...one }])),
        bySkip: Object.fromEntries(skips),
      };
    },
  };
}
