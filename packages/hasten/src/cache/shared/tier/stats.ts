/** Counts of one tier since it was made. Invariant: constant memory. */
import { createHistogram, type Histogram } from "../../../core/histogram.ts";
import type { RedisErrorCode } from "../../../redis/index.ts";
import type { SharedStats } from "../port.ts";

const TIMEOUT: RedisErrorCode = "HST_REDIS_TIMEOUT";

export class TierCounts {
  hits = 0;
  misses = 0;
  unavailable = 0;
  fills = 0;
  refusedFills = 0;
  undecodable = 0;
  invalidations = 0;
  queued = 0;
  gaps = 0;
  leaseWaits = 0;
  errors = 0;
  timeouts = 0;
  bytesRead = 0;
  bytesWritten = 0;
  readonly readMs: Histogram = createHistogram();
  readonly writeMs: Histogram = createHistogram();

  /** Counts it, and says what it is. */
  failed(error: unknown): string {
    this.errors += 1;
    if ((error as { readonly code?: unknown } | undefined)?.code === TIMEOUT) this.timeouts += 1;
    return error instanceof Error ? error.message : String(error);
  }

  snapshot(): SharedStats {
    const { hits, misses, unavailable, fills, refusedFills, undecodable, invalidations } = this;
    const { queued, gaps, leaseWaits, errors, timeouts, bytesRead, bytesWritten } = this;
    return {
      hits,
      misses,
      unavailable,
      fills,
      refusedFills,
      undecodable,
      invalidations,
      queued,
      gaps,
      leaseWaits,
      errors,
      timeouts,
      bytesRead,
      bytesWritten,
      readMs: this.readMs.distribution(),
      writeMs: this.writeMs.distribution(),
    };
  }
}
