/**
 * A value on its way to Redis.
 *
 * Invariant: its times are those of Redis's clock, each on the side that makes the value older.
 */

import type { Clock } from "../../../core/clock.ts";
import { type Instant, instant } from "../../../core/trust.ts";
import type { SharedValue } from "../port.ts";
import type { EntryBody } from "../protocol/types.ts";
import type { RedisTime } from "./time.ts";

export interface Kept {
  readonly entry: EntryBody;
  readonly keepMs: number;
}

/** Undefined while the clock of Redis is not known. */
export function kept(value: SharedValue, time: RedisTime, clock: Clock): Kept | undefined {
  const { ttlMs, graceMs, capturedMs, capturedWallMs, payload, tags, loadMs, dependency } = value;
  const now: Instant = instant(clock);
  const nowRedisMs = time.atLeastMs(now);
  if (nowRedisMs === undefined) return undefined;
  const captured: Instant = {
    monotonicMs: Math.min(capturedMs, now.monotonicMs),
    wallMs: Math.min(capturedWallMs, now.wallMs),
  };
  const entry: EntryBody = {
    freshUntilRedisMs: nowRedisMs + ttlMs,
    staleUntilRedisMs: nowRedisMs + ttlMs + graceMs,
    capturedRedisMs: time.atLeastMs(captured) ?? 0,
    ...{ loadMs, payload, tags, dependency },
  };
  return { entry, keepMs: ttlMs + graceMs };
}
