import { batchMismatch, notNumber } from "./errors.ts";
import { matchingOff } from "./groups/matching.ts";
import { watchingOff } from "./hot/watching.ts";
import { defineKey } from "./keys.ts";
import { LoadNotes } from "./load-context.ts";
import type { ResolvedOptions } from "./options.ts";
import { refused } from "./shelf.ts";
import { type CacheStats, createCounters, summary } from "./stats.ts";
import type { Cache, Explanation, LoadContext, Outcome } from "./types.ts";

const OFF: Outcome = refused("cache is off");
const OFF_EXPLAINED: Explanation = {
  state: "absent",
  because: "the cache is off or closed",
  promise: "ttl",
  tags: [],
  untracked: [],
  ageMs: undefined,
};
const DONE: Outcome = { kind: "applied" };

/** A cache that is switched off: every read loads, nothing is kept, nothing is shared. */
export function passThrough(options: ResolvedOptions): Cache {
  const counters = createCounters();
  const direct = <V>(
    key: string,
    load: (context: LoadContext<V>) => V | Promise<V>,
  ): V | Promise<V> => {
    counters.loads += 1;
    try {
      return load(new LoadNotes(key, undefined, undefined) as unknown as LoadContext<V>);
    } catch (error) {
      return Promise.reject(error);
    }
  };
  const close = async (): Promise<void> => {};
  return {
    name: options.name,
    enabled: false,
    tracked: options.tracked,
    shared: undefined,
    nowMs: () => options.clock.nowMs(),
    key: defineKey,
    peek: () => undefined,
    entry: () => undefined,
    get: () => undefined,
    getMany: async (keys) => keys.map(() => undefined),
    promote: () => undefined,
    hold: () => undefined,
    set: async () => OFF,
    delete: async () => DONE,
    expire: async () => DONE,
    clear: async () => DONE,
    dropLocal: () => {},
    getOrSet: direct,
    async getOrSetMany(keys, load) {
      if (keys.length === 0) return [];
      counters.loads += 1;
      const values = await load(keys, { signal: new AbortController().signal });
      if (values.length !== keys.length) throw batchMismatch(keys.length, values.length);
      return [...values];
    },
    wrap:
      (fn, call) =>
      (...args) =>
        direct(call.key(...args), () => fn(...args)),
    async increment(key, by = 1) {
      if (!Number.isFinite(by)) throw notNumber(key);
      return by;
    },
    begin: (key) => ({ key, voided: () => true, release() {} }),
    why: () => OFF_EXPLAINED,
    whyShared: async () => ({ here: OFF_EXPLAINED, shared: undefined }),
    ...watchingOff(options, counters),
    deleteMatching: matchingOff,
    stats: (): CacheStats => summary(options.name, counters),
    close,
    [Symbol.asyncDispose]: close,
  };
}
