import type { RedisServer } from "hasten-tools/redis";
import { expect } from "vitest";
import type { SharedRead, SharedTier, SharedValue } from "../../../src/cache/shared/port.ts";
import { openSharedTier, type RedisSettings } from "../../../src/cache/shared/tier/index.ts";
import type { LoggedInvalidation } from "../../../src/core/invalidation-log.ts";

/** A tier, and what its log told. */
export interface Heard {
  readonly tier: SharedTier;
  readonly told: LoggedInvalidation[];
}

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

export function open(redis: RedisServer, settings: Partial<RedisSettings>, name = "ns"): Heard {
  const tier = openSharedTier({ source: redis.url, ...settings }, { namespace: name });
  const told: LoggedInvalidation[] = [];
  tier.log.subscribe((one) => told.push(one));
  return { tier, told };
}

export async function opened(
  redis: RedisServer,
  settings: Partial<RedisSettings> = {},
  name = "ns",
): Promise<Heard> {
  const one = open(redis, settings, name);
  expect(await one.tier.ready(5_000)).toBe(true);
  one.told.length = 0;
  return one;
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
