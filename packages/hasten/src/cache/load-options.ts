import { duration, number } from "./bounds.ts";
import type { Codec } from "./codec.ts";
import type { Lifetime } from "./entry.ts";
import { graceOf, type ResolvedOptions, reachOf, ttlOf } from "./options.ts";
import { checkOwnTags } from "./tags.ts";
import type { LoadOptions } from "./types.ts";

/** The options of one load, checked, with the cache's defaults. Made on a miss only. */
export interface ResolvedLoad {
  readonly call: LoadOptions<unknown>;
  /** Tags known before the load; undefined where they come from the result. */
  readonly tags: readonly string[];
  readonly graceMs: number;
  readonly softTimeoutMs: number | undefined;
  readonly hardTimeoutMs: number | undefined;
  readonly eagerRefresh: number;
  /** Kept in this process only. */
  readonly alone: boolean;
  readonly errorTtlMs: number;
  readonly codec: Codec<unknown> | undefined;
  readonly sizeOf: ((value: unknown) => number) | undefined;
}

/** What the load itself said about its result. */
export interface LoadRemarks {
  readonly ttlMs?: number | undefined;
  readonly graceMs?: number | undefined;
}

const NONE: readonly string[] = [];

export function resolveLoad(cache: ResolvedOptions, call: LoadOptions<unknown>): ResolvedLoad {
  return {
    call,
    tags: typeof call.tags === "object" ? checkOwnTags(call.tags) : NONE,
    graceMs: graceOf(cache, call.graceMs),
    softTimeoutMs: duration("softTimeoutMs", call.softTimeoutMs) ?? cache.softTimeoutMs,
    hardTimeoutMs: duration("hardTimeoutMs", call.hardTimeoutMs) ?? cache.hardTimeoutMs,
    eagerRefresh: number("eagerRefresh", call.eagerRefresh ?? 1, 0, 1),
    alone: reachOf(call.reach) === "process",
    errorTtlMs: number("errorTtlMs", call.errorTtlMs ?? 0, 0, cache.ttlMaxMs),
    codec: call.codec as Codec<unknown> | undefined,
    sizeOf: call.sizeOf as ((value: unknown) => number) | undefined,
  };
}

/** How long a loaded value is kept: its own remarks, then the options, less the jitter. */
export function lifetimeOf(
  cache: ResolvedOptions,
  load: ResolvedLoad,
  value: unknown,
  { remarks, loadMs }: { readonly remarks: LoadRemarks; readonly loadMs: number },
): Lifetime {
  const ttlMs = jittered(
    cache,
    ttlOf(cache, { ttlMs: ttlWanted(load, value, remarks), tier: load.call.tier }),
  );
  return {
    ttlMs,
    graceMs: remarks.graceMs === undefined ? load.graceMs : graceOf(cache, remarks.graceMs),
    refreshAfterMs: Math.min(ttlMs * load.eagerRefresh, ttlMs - earlyMs(cache, loadMs)),
  };
}

/** XFetch: how long before its end a value that took so long to load is refreshed, drawn once. */
export function earlyMs({ beta, random }: ResolvedOptions, loadMs: number): number {
  return beta === 0 ? 0 : -beta * loadMs * Math.log(Math.max(random(), Number.MIN_VALUE));
}

function ttlWanted(load: ResolvedLoad, value: unknown, remarks: LoadRemarks): number | undefined {
  if (remarks.ttlMs !== undefined) return remarks.ttlMs;
  if (value === undefined || value === null) {
    if (load.call.negativeTtlMs !== undefined) return load.call.negativeTtlMs;
  }
  const { ttlMs } = load.call;
  return typeof ttlMs === "function" ? ttlMs(value) : ttlMs;
}

/** Only ever shorter: the time to live stays an upper bound. */
function jittered(cache: ResolvedOptions, ttlMs: number): number {
  return cache.jitter === 0 ? ttlMs : ttlMs * (1 - cache.jitter * cache.random());
}

/** The tags of a result: those declared, those it has by itself, those its load added. */
export function tagsOf(
  load: ResolvedLoad,
  value: unknown,
  added: readonly string[],
): readonly string[] {
  const { tags } = load.call;
  const own = typeof tags === "function" ? checkOwnTags(tags(value)) : load.tags;
  if (added.length === 0) return own;
  return [...new Set([...own, ...added])];
}
