import type { Dependency, Trace } from "../core/trace/index.ts";
import type { CoherencePromise } from "../core/trust.ts";
import type { Codec } from "./codec.ts";
import type { FillToken } from "./fill.ts";
import type { Matching } from "./groups/matching-types.ts";
import type { Watching } from "./hot/types.ts";
import type { Key, KeyDefinition, Segment } from "./keys.ts";
import type { SharedTier } from "./shared/port.ts";
import type { CacheStats } from "./stats.ts";

/**
 * What became of a write. `queued`: it is done here, and the other processes are told later,
 * because the log of invalidations did not take it in time.
 */
export type Outcome =
  | { readonly kind: "applied" }
  | { readonly kind: "queued"; readonly depth: number }
  | { readonly kind: "refused"; readonly because: RefusedBecause };

/** Why a value was not stored. The value itself is fine and may be used by its caller. */
export type RefusedBecause =
  | "invalidated while loading"
  | "larger than the cache"
  | "not admitted"
  | "too many tags"
  | "ttl is zero"
  | "made from a value that is no longer fresh"
  | "read while its source was not ready"
  | "token is used or released"
  | "cache is off"
  | "cache is closed";

/** What to delete or expire. Everything named is done in one step. */
export interface Targets {
  readonly keys?: readonly Key<unknown>[];
  readonly tags?: readonly string[];
  /** Whole leading segments, at most four: `user:7:` takes `user:7:orders`, not `user:71:orders`. */
  readonly prefixes?: readonly string[];
}

/** How a value is kept. All durations in milliseconds. */
export interface StoreOptions {
  /** How long it is fresh; above the cache's `ttlMaxMs` it is cut to that. @default the cache's ttlMs */
  readonly ttlMs?: number | undefined;
  /** A named time to live of the cache's `tiers`, instead of `ttlMs`. */
  readonly tier?: string | undefined;
  /** How long after that it may still be served stale. @default the cache's graceMs */
  readonly graceMs?: number | undefined;
  /** What it depends on: 1 to 512 characters each, at most 64. @default none */
  readonly tags?: readonly string[] | undefined;
  /** Kept and given back by this codec. @default the codec of its key, else by its shape */
  readonly codec?: Codec<never> | undefined;
  /** Bytes it counts for. @default measured */
  readonly sizeOf?: ((value: never) => number) | undefined;
  /** `"process"` keeps it out of Redis. @default "everywhere" */
  readonly reach?: "process" | "everywhere" | undefined;
}

/** How a value is loaded and kept. All durations in milliseconds. */
export interface LoadOptions<V> extends Omit<StoreOptions, "ttlMs" | "tags"> {
  /** A number, or a function of the loaded value. 0 stores nothing. */
  readonly ttlMs?: number | ((value: V) => number) | undefined;
  /** A list, or a function of the loaded value. A list seals a running load earlier. */
  readonly tags?: readonly string[] | ((value: V) => readonly string[]) | undefined;
  /** Where a stale value exists, the wait before it is served instead. 0 serves it at once. */
  readonly softTimeoutMs?: number | undefined;
  /** The wait before the caller gets the stale value or HST_CACHE_TIMEOUT. The load goes on. */
  readonly hardTimeoutMs?: number | undefined;
  /** Fraction of the time to live (0 to 1) after which a hit reloads in the background. */
  readonly eagerRefresh?: number | undefined;
  /** Time to live of `null` and `undefined`; 0 does not store them. @default like other values */
  readonly negativeTtlMs?: number | undefined;
  /** How long a load's error is given to later callers without loading. @default 0, never */
  readonly errorTtlMs?: number | undefined;
}

/** What a load is told, and what it can say about its result. */
export interface LoadContext<V> {
  readonly key: Key<V>;
  /** Aborted when the load took longer than the cache's `loadMaxMs`, or the cache was closed. */
  readonly signal: AbortSignal;
  /** The previous value where one is still there: for conditional requests. Frozen. */
  readonly stale: V | undefined;
  /** The result is given to the callers and not stored. */
  skip(): void;
  /** Overrides how the result is kept; tags are added to those of the options. */
  store(options: {
    readonly ttlMs?: number;
    readonly graceMs?: number;
    readonly tags?: readonly string[];
  }): void;
}

/** Loads the values of several keys at once: one value per key, in their order. */
export type BatchLoad<V> = (
  keys: readonly Key<V>[],
  context: { readonly signal: AbortSignal },
) => readonly V[] | Promise<readonly V[]>;

/** A stored entry. Times are `cache.nowMs()` times. The live entry: read, do not keep. */
export interface EntryView<V> {
  readonly key: string;
  readonly value: V;
  readonly bytes: number;
  readonly storedAtMs: number;
  readonly freshUntilMs: number;
  readonly staleUntilMs: number;
  /** By `expire`, not by time. */
  readonly expired: boolean;
  readonly tags: readonly string[];
  /**
   * Whether the sources that it hangs on are known to have told of every change. What is not may
   * only stand in for an error. True where it hangs on none.
   */
  readonly confirmed: boolean;
  /** How changes of what it was made from are learnt; `ttl`: they are not. */
  readonly promise: CoherencePromise;
  /** Why its reads are not known to be complete; empty means tracked. */
  readonly untracked: readonly string[];
  /** Why it depends on who asks by something no key tells; empty where it does not. */
  readonly personal: readonly string[];
}

/** What a reader of a key would be given now, and why. For people: the texts may change. */
export interface Explanation {
  /**
   * `fresh`: a hit. `stale`: its time is over, it may stand in within its grace. `unconfirmed`: a
   * source of changes is silent, so that it may be untrue. `invalid`: dropped. `absent`: not there.
   */
  readonly state: "fresh" | "stale" | "unconfirmed" | "invalid" | "absent";
  readonly because: string;
  /** How changes of what it was made from are (or were) learnt. */
  readonly promise: CoherencePromise;
  readonly tags: readonly string[];
  /** Why its reads are not known to be complete; empty means tracked. */
  readonly untracked: readonly string[];
  /** Milliseconds since it was stored, or since it went. Undefined where neither is known. */
  readonly ageMs: number | undefined;
}

/** What stands in Redis beside what stands here. */
export interface SharedExplanation {
  readonly here: Explanation;
  /** Undefined without Redis. */
  readonly shared: Awaited<ReturnType<SharedTier["why"]>> | undefined;
}

/** Who may fill a key. */
export type Hold<V> =
  /** Whoever asked. */
  | { readonly kind: "mine" }
  /** Nobody needs to: another process has, since it was asked for last. */
  | { readonly kind: "found"; readonly entry: EntryView<V> }
  /** Another process. `over` resolves when it has ended: then ask again. */
  | { readonly kind: "theirs"; readonly over: Promise<void>; leave(): void }
  | { readonly kind: "unavailable"; readonly because: string };

/** How a value is set. */
export interface SetOptions extends StoreOptions {
  readonly token?: FillToken | undefined;
  /** What its reads depend on, from the trace they ran in: dropped and trusted accordingly. */
  readonly dependency?: Dependency | undefined;
}

/** How sure an invalidation must be. */
export interface InvalidateOptions {
  /** Rejects with HST_CACHE_QUEUED where the outcome would be `queued`. */
  readonly require?: "applied" | undefined;
  /** Resolves when no live process serves what was there as fresh any more: after at most B. */
  readonly everywhere?: boolean | undefined;
}

/** Options of `wrap`. */
export interface WrapOptions<A extends readonly unknown[], V> extends LoadOptions<V> {
  readonly key: (...args: A) => Key<V>;
}

export interface Cache extends AsyncDisposable, Watching, Matching {
  readonly name: string;
  /** False when created with `enabled: false`, or closed: every call passes through. */
  readonly enabled: boolean;
  /** Whether its loads are watched. */
  readonly tracked: boolean;
  /** What it shares with other processes; undefined without `redis`. For adapters. */
  readonly shared: SharedTier | undefined;
  /** The cache's monotonic clock in milliseconds, coarse: see docs/cache.md for its error. */
  nowMs(): number;
  /** Defines keys of one kind, whose values have one type. */
  key<A extends readonly unknown[]>(
    name: string,
    build: (...args: A) => readonly Segment[],
  ): KeyDefinition<A>;
  /** The fresh value, or undefined. Synchronous, never does I/O, allocates nothing. */
  peek<V>(key: Key<V>): V | undefined;
  /**
   * The entry, also a stale or unconfirmed one within its grace. Synchronous, never does I/O.
   * @param options `aside: true`: looked at only, the current trace does not depend on it
   */
  entry<V>(key: Key<V>, options?: { readonly aside?: boolean }): EntryView<V> | undefined;
  /** The fresh value, or undefined. A promise only where a second tier must be asked. */
  get<V>(key: Key<V>): V | undefined | Promise<V | undefined>;
  getMany<V>(keys: readonly Key<V>[]): Promise<(V | undefined)[]>;
  /**
   * For adapters: brings what Redis has of a key into this process. Undefined where there is nothing
   * to ask for: a fresh value is here, or there is no Redis to be asked now. Never rejects; what is
   * found may be stale, and may be more than memory admits; the current trace does not depend on it.
   */
  promote<V>(key: Key<V>): Promise<EntryView<V> | undefined> | undefined;
  /**
   * For adapters: the right to fill a key while other processes wait. Ends with the token: by `set`
   * or `release`. Undefined where there is no Redis to be asked now. Never rejects.
   */
  hold<V>(token: FillToken): Promise<Hold<V>> | undefined;
  /**
   * Stores a value. Without a token the last to arrive wins, so delete after a write instead.
   * With a token from `begin` it is refused if anything it depends on was invalidated since.
   */
  set<V>(key: Key<V>, value: V, options?: SetOptions): Promise<Outcome>;
  /** From now on nobody is given what was there, nor what a load that runs now will bring. */
  delete(target: Key<unknown> | Targets, options?: InvalidateOptions): Promise<Outcome>;
  /** Like delete, but the old value may be served as stale within its grace. */
  expire(target: Key<unknown> | Targets, options?: InvalidateOptions): Promise<Outcome>;
  /**
   * For sources of changes: like `delete`, in this process only and told to nobody, any number of
   * tags in one step. `"everything"` also voids what was read before and is not stored yet.
   * @param because told by `why`
   */
  dropLocal(what: readonly string[] | "everything", because: string): void;
  /** Deletes everything, in constant time. */
  clear(): Promise<Outcome>;
  /** The fresh value, or what `load` brings. One load per key at a time; a hit is no promise. */
  getOrSet<V>(
    key: Key<V>,
    load: (context: LoadContext<V>) => V | Promise<V>,
    options?: LoadOptions<V>,
  ): V | Promise<V>;
  /** One batch load for all keys that are neither there nor being loaded. Keeps the order. */
  getOrSetMany<V>(
    keys: readonly Key<V>[],
    load: BatchLoad<V>,
    options?: LoadOptions<V>,
  ): Promise<V[]>;
  /** The same function, answered from the cache. */
  wrap<A extends readonly unknown[], V>(
    fn: (...args: A) => V | Promise<V>,
    options: WrapOptions<A, V>,
  ): (...args: A) => V | Promise<V>;
  /** Adds to a number (absent counts as 0) and returns the sum. Keeps the expiry it has. */
  increment(key: Key<number>, by?: number, options?: StoreOptions): Promise<number>;
  /**
   * Opens a fill outside getOrSet: read the source only after it. Release it if nothing is
   * stored. The oldest of more than `fillsMax` open fills is voided.
   * @param options `trace`: what is read in it counts from its start
   */
  begin<V>(key: Key<V>, options?: { readonly trace?: Trace | undefined }): FillToken;
  /** What a reader of the key would be given now and why; also for the last 1,000 that went. */
  why<V>(key: Key<V>): Explanation;
  /** The same of this process and of Redis, which is asked now. Never rejects. */
  whyShared<V>(key: Key<V>): Promise<SharedExplanation>;
  stats(): CacheStats;
  /** Waits for running loads (at most `drainMs`), aborts the rest, and forgets everything. */
  close(): Promise<void>;
}
