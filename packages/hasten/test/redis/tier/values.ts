/** Values, and what is asked of a tier; for tests and for their child processes. */
import type { SharedRead, SharedTier, SharedValue } from "../../../src/cache/shared/port.ts";
import type { LoggedInvalidation } from "../../../src/core/invalidation-log.ts";

export function value(text: string, over: Partial<SharedValue> = {}): SharedValue {
  return {
    payload: { form: 1, bytes: Buffer.from(JSON.stringify(text)) },
    tags: [],
    ttlMs: 60_000,
    graceMs: 0,
    loadMs: 1,
    capturedMs: performance.now(),
    capturedWallMs: Date.now(),
    dependency: undefined,
    ...over,
  };
}

/** What was read, or why nothing was. */
export function seen(read: SharedRead): unknown {
  return read.kind === "found" ? JSON.parse(read.entry.payload.bytes.toString()) : read.kind;
}

/** As a load that read the source now would. */
export async function fill(tier: SharedTier, key: string, kept: SharedValue): Promise<string> {
  const read = await tier.read(key);
  if (read.kind === "unavailable") return read.kind;
  const filled = await tier.fill(key, read.capture, kept);
  return filled.kind === "stored" ? filled.kind : `${filled.kind}: ${filled.because}`;
}

export const deleted = (over: Partial<LoggedInvalidation>): LoggedInvalidation => ({
  cache: "ns",
  how: "deleted",
  keys: [],
  tags: [],
  prefixes: [],
  ...over,
});

export const CLEARED: LoggedInvalidation = deleted({ how: "cleared" });
