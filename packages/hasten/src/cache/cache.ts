import { coarseNow } from "../core/coarse-clock.ts";
import { createAnswer } from "./answers.ts";
import { answerMany } from "./batches.ts";
import { Fence } from "./fence.ts";
import { checkKey, defineKey, type Key, type KeyOptions } from "./keys.ts";
import { createLoads, LOAD_RULES, type LoadParts, type LoadRules } from "./loads.ts";
import { type CacheOptions, type ResolvedOptions, resolveCache } from "./options.ts";
import { passThrough } from "./pass-through.ts";
import { createShelf, refused } from "./shelf.ts";
import { createCounters, summary } from "./stats.ts";
import type { Cache, LoadContext, LoadOptions } from "./types.ts";
import { createWrites } from "./writes.ts";

/**
 * A cache in this process that cannot store a value older than an invalidation.
 * Bounded by entries and by bytes; every entry has a time to live.
 * @throws HastenError HST_CACHE_OPTION and HST_MEMORY_* for options out of bounds
 */
export function createCache(options?: CacheOptions): Cache {
  return assembleCache(options, LOAD_RULES);
}

const MARKS_MAX = 100_000;
const NO_OPTIONS: LoadOptions<never> = {};
const CLOSED = refused("cache is closed");

/** `createCache` with the rules that make it safe as a parameter, for the tests of those rules. */
export function assembleCache(options: CacheOptions | undefined, rules: LoadRules): Cache {
  const resolved = resolveCache(options);
  return resolved.enabled ? open(resolved, rules) : passThrough(resolved);
}

function partsOf(options: ResolvedOptions, rules: LoadRules): LoadParts {
  const fence = new Fence({ fillsMax: options.fillsMax, marksMax: MARKS_MAX });
  const counters = createCounters();
  const now = coarseNow(options.clock);
  const shelf = createShelf(options, { fence, counters, now });
  return { options, fence, shelf, counters, now, rules };
}

function open(options: ResolvedOptions, rules: LoadRules): Cache {
  const parts = partsOf(options, rules);
  const { fence, shelf, counters, now } = parts;
  const { memory } = shelf;
  const loads = createLoads(parts);
  const answer = createAnswer(parts, loads);
  const writes = createWrites(parts);
  const off = passThrough(options);
  let closed = false;

  const peek = <V>(key: Key<V>): V | undefined => {
    const entry = memory.get(key);
    if (entry === undefined) {
      counters.misses += 1;
      return undefined;
    }
    if (entry.checkedSeq === fence.seq && now() < entry.refreshAtMs) {
      counters.hits += 1;
      return (entry.codec === undefined ? entry.stored : entry.value) as V;
    }
    return peekAgain(key);
  };
  const peekAgain = <V>(key: Key<V>): V | undefined => {
    const entry = shelf.find(key);
    const fresh = entry !== undefined && !entry.failure && now() < entry.freshUntilMs;
    if (fresh) counters.hits += 1;
    else counters.misses += 1;
    return fresh ? (entry.value as V) : undefined;
  };
  const getOrSet: Cache["getOrSet"] = <V>(
    key: Key<V>,
    load: (context: LoadContext<V>) => V | Promise<V>,
    call: LoadOptions<V> = NO_OPTIONS as LoadOptions<V>,
  ): V | Promise<V> => {
    const entry = memory.get(key);
    if (entry !== undefined && entry.checkedSeq === fence.seq && now() < entry.refreshAtMs) {
      counters.hits += 1;
      return (entry.codec === undefined ? entry.stored : entry.value) as V;
    }
    checkKey(key);
    if (closed) return off.getOrSet(key, load, call);
    return answer({
      key,
      load: load as (context: LoadContext<never>) => unknown,
      call: call as LoadOptions<never>,
    }) as V | Promise<V>;
  };

  return {
    name: options.name,
    get enabled() {
      return !closed;
    },
    nowMs: now,
    peek,
    get: peek,
    getOrSet,
    key: (name, build) => {
      const definition = defineKey(name, build);
      return {
        of<V>(kind: KeyOptions<V> = {}) {
          shelf.register(name, kind as unknown as KeyOptions<never>);
          return definition.of<V>();
        },
      };
    },
    entry(key) {
      const entry = shelf.find(key);
      return entry !== undefined && !entry.failure && now() < entry.staleUntilMs
        ? (entry as never)
        : undefined;
    },
    getMany: async (keys) => keys.map((key) => peek(key)),
    set: async (key, value, call = {}) => (closed ? CLOSED : writes.set(key, value, call)),
    delete: async (target) => writes.invalidate(target, "deleted"),
    expire: async (target) => writes.invalidate(target, "expired"),
    clear: async () => writes.clear(),
    getOrSetMany(keys, load, call = {}) {
      for (const key of keys) checkKey(key);
      if (closed) return off.getOrSetMany(keys, load, call);
      return answerMany(answer, keys, { load, call: call as LoadOptions<never> }) as never;
    },
    wrap:
      (fn, call) =>
      (...args) =>
        getOrSet(call.key(...args), () => fn(...args), call),
    increment: async (key, by = 1, call = {}) =>
      closed ? off.increment(key, by) : writes.increment(key, by, call),
    begin(key) {
      checkKey(key);
      return closed ? off.begin(key) : fence.begin(key);
    },
    stats: () =>
      summary(options.name, counters, {
        entries: memory.size,
        bytes: memory.bytes,
        runningLoads: loads.running,
        trackedTags: fence.trackedTags,
      }),
    close,
    [Symbol.asyncDispose]: close,
  };

  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    const idle = loads.idle();
    const timer = options.clock.schedule(options.drainMs, () =>
      loads.abandon("the cache was closed"),
    );
    await idle;
    timer.cancel();
    writes.clear();
  }
}
