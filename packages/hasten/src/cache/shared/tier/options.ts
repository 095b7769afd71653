/** What a cache is told about its Redis, and the bounds of it. */

import type { RedisDriver } from "../../../redis/index.ts";
import { type LinkOptions, type RedisSource, redisDriver } from "../../../redis/index.ts";
import { number } from "../../bounds.ts";

/** Durations are milliseconds. */
export interface RedisSettings {
  /** A URL, an address, a client of `redis` or `ioredis`, or a driver. */
  readonly source: RedisSource;
  /** Before the name of everything in Redis: tells applications apart. @default "hasten:" */
  readonly keyPrefix?: string | undefined;
  /** Parts, each in a hash slot of its own: more than one for Redis Cluster. 1 to 64. @default 1 */
  readonly shards?: number | undefined;
  /**
   * How old a confirmation that no invalidation was missed may be: the bound for what other
   * processes hold in memory. 50 to 10_000. @default 500
   */
  readonly boundMs?: number | undefined;
  /** A command that is not answered by then is given up. @default 250 */
  readonly timeoutMs?: number | undefined;
  /** @default 10_000 */
  readonly connectTimeoutMs?: number | undefined;
  /** The longest wait between two attempts to connect. @default 2_000 */
  readonly retryDelayMaxMs?: number | undefined;
  /** How long others wait for the load of a process that may have died. @default 3_000 */
  readonly leaseMs?: number | undefined;
  /** Invalidations that Redis keeps for processes that lag, about. @default 10_000 */
  readonly logMax?: number | undefined;
  /** Names of late invalidations that Redis keeps to judge fills by, about. @default 100_000 */
  readonly marksMax?: number | undefined;
  /**
   * Values that take more, as they travel, stay in the process that has them: one that takes longer
   * than `timeoutMs` on the way would hold up all others. Up to 64 MiB. @default 8 MiB
   */
  readonly valueBytesMax?: number | undefined;
  /** Values from this size on travel compressed, where it helps. Up to 64 MiB. @default 100 KiB */
  readonly compressAboveBytes?: number | undefined;
  /** Names that wait while Redis cannot be told; beyond it is told "everything". @default 10_000 */
  readonly queueMax?: number | undefined;
  /**
   * An invalidation is `applied` only once so many replicas have it, `queued` after 100 ms without.
   * What this process asks of Redis in between waits as long. 0 to 16. @default 0
   */
  readonly waitReplicas?: number | undefined;
}

/** `createCache({ redis })`. */
export type RedisOptions = RedisSource | RedisSettings;

export interface ResolvedTier {
  readonly driver: RedisDriver;
  readonly link: LinkOptions;
  readonly keyPrefix: string;
  readonly shards: number;
  readonly boundMs: number;
  readonly leaseMs: number;
  readonly logMax: number;
  readonly marksMax: number;
  readonly valueBytesMax: number;
  readonly compressAboveBytes: number;
  readonly queueMax: number;
  readonly waitReplicas: number;
}

const MINUTE_MS = 60_000;

export function resolveTier(options: RedisOptions): ResolvedTier {
  const settings: RedisSettings = isSettings(options) ? options : { source: options };
  const whole = (name: keyof RedisSettings, fallback: number, min: number, max: number): number =>
    Math.floor(number(`redis.${name}`, settings[name] ?? fallback, min, max));
  return {
    driver: redisDriver(settings.source),
    link: {
      timeoutMs: whole("timeoutMs", 250, 1, MINUTE_MS),
      connectTimeoutMs: whole("connectTimeoutMs", 10_000, 10, 10 * MINUTE_MS),
      retryDelayMaxMs: whole("retryDelayMaxMs", 2_000, 1, 10 * MINUTE_MS),
    },
    keyPrefix: settings.keyPrefix ?? "hasten:",
    shards: whole("shards", 1, 1, 64),
    boundMs: whole("boundMs", 500, 50, 10_000),
    leaseMs: whole("leaseMs", 3_000, 100, MINUTE_MS),
    logMax: whole("logMax", 10_000, 100, 1_000_000),
    marksMax: whole("marksMax", 100_000, 1_000, 10_000_000),
    valueBytesMax: whole("valueBytesMax", 8 << 20, 1, 64 << 20),
    compressAboveBytes: whole("compressAboveBytes", 100 << 10, 1, 64 << 20),
    queueMax: whole("queueMax", 10_000, 1, 1_000_000),
    waitReplicas: whole("waitReplicas", 0, 0, 16),
  };
}

function isSettings(options: RedisOptions): options is RedisSettings {
  return typeof options === "object" && options !== null && "source" in options;
}
