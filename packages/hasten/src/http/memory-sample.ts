import type { Clock } from "../core/clock.ts";

/** Asking the system for it costs some 20 µs, too much for every request. */
const MEMORY_SAMPLE_EVERY_MS = 1_000;

/**
 * The resident memory of this process in bytes, measured at most once a second.
 * `measure` replaces the measurement in tests.
 */
export function sampledMemory(
  clock: Clock,
  measure: () => number = () => process.memoryUsage.rss(),
): () => number {
  let bytes = 0;
  let dueMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.nowMs();
    if (nowMs >= dueMs) {
      bytes = measure();
      dueMs = nowMs + MEMORY_SAMPLE_EVERY_MS;
    }
    return bytes;
  };
}
