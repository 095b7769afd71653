import { type Clock, systemClock } from "../core/clock.ts";
import type { InvalidationLog } from "../core/invalidation-log.ts";
import { duration, number, TIMER_MAX_MS } from "./bounds.ts";
import { optionInvalid, tierUnknown } from "./errors.ts";
import type { RedisOptions } from "./shared/tier/options.ts";

/** Options of `createCache`. Durations are milliseconds; bounds are checked at creation. */
export interface CacheOptions {
  /** Told in statistics and events. @default "cache" */
  readonly name?: string | undefined;
  /** Bounds of the process's memory, both always. */
  readonly memory?: {
    /** 1 to 8,000,000. @default 1_000 */
    readonly entriesMax?: number | undefined;
    /** Encoded sizes plus 200 bytes an entry and 96 for each of its tags and prefixes. @default 64 MiB */
    readonly bytesMax?: number | undefined;
    /** What is kept here is fresh for at most so long, however long it is in Redis. @default ttlMaxMs */
    readonly ttlMaxMs?: number | undefined;
  };
  /** How long a value is fresh where a call says nothing. @default 300_000 */
  readonly ttlMs?: number | undefined;
  /** Longer times to live are cut to this; at most 30 days. @default 3_600_000 */
  readonly ttlMaxMs?: number | undefined;
  /** Named times to live. @default { short: 60_000, medium: 300_000, long: 1_800_000 } */
  readonly tiers?: Readonly<Record<string, number>> | undefined;
  /** How long a value that is no longer fresh may be served stale; at most 30 days. @default 0 */
  readonly graceMs?: number | undefined;
  /** A load's value lives up to this fraction shorter, at random; 0 to 0.5. @default 0.1 */
  readonly jitter?: number | undefined;
  /** @default none: a caller with a stale value at hand waits for the load all the same */
  readonly softTimeoutMs?: number | undefined;
  /** @default none: a caller waits as long as the load takes, at most loadMaxMs */
  readonly hardTimeoutMs?: number | undefined;
  /** After a load failed, its stale value is served without another try for this long. @default 1_000 */
  readonly retryAfterMs?: number | undefined;
  /** A load that takes longer is aborted and forgotten. @default 60_000 */
  readonly loadMaxMs?: number | undefined;
  /** Waiters that take over, one after the other, when loads of a key fail; 0 to 100. @default 1 */
  readonly handoversMax?: number | undefined;
  /** Loads and open fills at once; more loads run uncoalesced and unstored. @default 10_000 */
  readonly fillsMax?: number | undefined;
  /**
   * Loads at once; more wait for their turn in the order in which they were asked for, at most
   * `fillsMax`. A load within a load does not wait. @default unbounded
   */
  readonly loadsMax?: number | undefined;
  /**
   * Hits reload in the background before the end, at random: the sooner the longer the load takes
   * (XFetch); 1 is usual, 0 to 100. @default none
   */
  readonly earlyRefresh?: { readonly beta: number } | undefined;
  /** How long close() waits for running loads. @default 5_000 */
  readonly drainMs?: number | undefined;
  /** False turns every call into a pass-through. @default true */
  readonly enabled?: boolean | undefined;
  /**
   * Loads are watched: what they read through watched connections drops what they brought when it
   * changes. What read something else lives by its time to live. @default false
   */
  readonly tracked?: boolean | undefined;
  /** Carries invalidations to the other processes and back. @default none: this process only */
  readonly log?: InvalidationLog | undefined;
  /**
   * The Redis (or Valkey) that caches of this name share: a URL, an address, a client of `redis` or
   * `ioredis`, or settings around one. It is the `log` as well. @default none: this process only
   */
  readonly redis?: RedisOptions | undefined;
  /**
   * What hits do while the log is silent, so that another process's invalidation may have been
   * missed: `"validate"` loads again, `"serve"` goes on and counts them as `unconfirmedServed`.
   * What hangs on a source of changes is never served as fresh then. @default "validate"
   */
  readonly whenUnreachable?: "validate" | "serve" | undefined;
  /** @default the system's */
  readonly clock?: Clock | undefined;
  /** Uniform in [0, 1): the source of jitter. @default Math.random */
  readonly random?: (() => number) | undefined;
}

export interface ResolvedOptions {
  readonly name: string;
  readonly entriesMax: number;
  readonly bytesMax: number;
  readonly ttlMs: number;
  readonly ttlMaxMs: number;
  readonly memoryTtlMaxMs: number;
  readonly tiers: Readonly<Record<string, number>>;
  readonly graceMs: number;
  readonly jitter: number;
  readonly softTimeoutMs: number | undefined;
  readonly hardTimeoutMs: number | undefined;
  readonly retryAfterMs: number;
  readonly loadMaxMs: number;
  readonly handoversMax: number;
  readonly fillsMax: number;
  /** Infinity: as many as are asked for. */
  readonly loadsMax: number;
  /** Of early refresh; 0: none. */
  readonly beta: number;
  readonly drainMs: number;
  readonly enabled: boolean;
  readonly tracked: boolean;
  readonly log: InvalidationLog | undefined;
  readonly serveUnconfirmed: boolean;
  readonly clock: Clock;
  readonly random: () => number;
}

const DAY_MS = 86_400_000;
const KEEP_MAX_MS = 30 * DAY_MS;
const MIB = 2 ** 20;
const UNBOUNDED = Number.POSITIVE_INFINITY;

export function resolveCache(options: CacheOptions = {}): ResolvedOptions {
  const ttlMaxMs = number("ttlMaxMs", options.ttlMaxMs ?? 3_600_000, 1, KEEP_MAX_MS);
  const tiers = options.tiers ?? { short: 60_000, medium: 300_000, long: 1_800_000 };
  for (const [tier, ms] of Object.entries(tiers)) number(`tiers.${tier}`, ms, 1, KEEP_MAX_MS);
  if (options.redis !== undefined && options.log !== undefined)
    throw optionInvalid("log", "left out where there is redis, which is the log", options.log);
  return {
    name: options.name ?? "cache",
    entriesMax: options.memory?.entriesMax ?? 1_000,
    bytesMax: options.memory?.bytesMax ?? 64 * MIB,
    ttlMs: number("ttlMs", options.ttlMs ?? 300_000, 1, KEEP_MAX_MS),
    ttlMaxMs,
    memoryTtlMaxMs: number("memory.ttlMaxMs", options.memory?.ttlMaxMs ?? ttlMaxMs, 1, KEEP_MAX_MS),
    tiers,
    graceMs: number("graceMs", options.graceMs ?? 0, 0, KEEP_MAX_MS),
    jitter: number("jitter", options.jitter ?? 0.1, 0, 0.5),
    softTimeoutMs: duration("softTimeoutMs", options.softTimeoutMs),
    hardTimeoutMs: duration("hardTimeoutMs", options.hardTimeoutMs),
    retryAfterMs: number("retryAfterMs", options.retryAfterMs ?? 1_000, 0, KEEP_MAX_MS),
    loadMaxMs: number("loadMaxMs", options.loadMaxMs ?? 60_000, 1, TIMER_MAX_MS),
    handoversMax: number("handoversMax", options.handoversMax ?? 1, 0, 100),
    fillsMax: number("fillsMax", options.fillsMax ?? 10_000, 1, 1_000_000),
    loadsMax: number("loadsMax", options.loadsMax ?? UNBOUNDED, 1, UNBOUNDED),
    beta: number("earlyRefresh.beta", options.earlyRefresh?.beta ?? 0, 0, 100),
    drainMs: number("drainMs", options.drainMs ?? 5_000, 0, TIMER_MAX_MS),
    enabled: options.enabled ?? true,
    tracked: options.tracked ?? false,
    log: options.log,
    serveUnconfirmed: whenUnreachable(options.whenUnreachable ?? "validate") === "serve",
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}

function whenUnreachable(value: unknown): unknown {
  if (value === "validate" || value === "serve") return value;
  throw optionInvalid("whenUnreachable", '"validate" or "serve"', value);
}

/** Whether a value may leave this process. */
export function reachOf(value: "process" | "everywhere" | undefined): "process" | "everywhere" {
  if (value === undefined || value === "everywhere") return "everywhere";
  if (value === "process") return value;
  throw optionInvalid("reach", '"process" or "everywhere"', value);
}

/** The fresh time of one call: its own, its tier's, or the cache's, never above the cap. */
export function ttlOf(
  cache: ResolvedOptions,
  call: { readonly ttlMs?: unknown; readonly tier?: string | undefined },
): number {
  const ttlMs = call.ttlMs ?? (call.tier === undefined ? cache.ttlMs : tierOf(cache, call.tier));
  return Math.min(number("ttlMs", ttlMs, 0, Number.POSITIVE_INFINITY), cache.ttlMaxMs);
}

export function graceOf(cache: ResolvedOptions, graceMs: number | undefined): number {
  return graceMs === undefined ? cache.graceMs : number("graceMs", graceMs, 0, KEEP_MAX_MS);
}

function tierOf(cache: ResolvedOptions, tier: string): number {
  const ttlMs = Object.hasOwn(cache.tiers, tier) ? cache.tiers[tier] : undefined;
  if (ttlMs === undefined) throw tierUnknown(tier, Object.keys(cache.tiers));
  return ttlMs;
}
