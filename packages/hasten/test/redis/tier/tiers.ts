import type { RedisServer } from "hasten-tools/redis";
import { expect } from "vitest";
import type { SharedTier } from "../../../src/cache/shared/port.ts";
import { openSharedTier, type RedisSettings } from "../../../src/cache/shared/tier/index.ts";
import type { LoggedInvalidation } from "../../../src/core/invalidation-log.ts";

/** A tier, and what its log told. */
export interface Heard {
  readonly tier: SharedTier;
  readonly told: LoggedInvalidation[];
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
