import { createCache as createDedupe, type Cache as DedupeCache } from "async-cache-dedupe";
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { createCache as createManager } from "cache-manager";
import { createCache, type Key } from "hasten/cache";
import { Loader } from "layered-loader/core";

/** What all of them cache: a small row. */
export interface Row {
  readonly id: string;
  readonly name: string;
}

export interface Subject {
  /** Answers from the cache or loads, single flight. */
  get(id: string): Row | Promise<Row>;
  /** The cached value without a promise, where the library documents a way to it. */
  take?(id: string): Row | undefined;
}

export const TTL_MS = 600_000;
export const ENTRIES_MAX = 200_000;

/** Counts what the source is asked, so that a bench can tell sharing from loading. */
export const source = { loads: 0 };

async function load(id: string): Promise<Row> {
  source.loads += 1;
  return { id, name: "row" };
}

/**
 * Get-or-compute in memory, each as its documentation shows it for speed: with a time to live and
 * a bound on entries, and values by reference where serializing them can be switched off.
 * cache-manager's default store has no bound, which is to its advantage here.
 */
export const subjects = {
  "Map.get": (): Subject => {
    const map = new Map<string, Row>();
    return {
      get: (id) => {
        const known = map.get(id);
        if (known !== undefined) return known;
        const row = { id, name: "row" };
        map.set(id, row);
        return row;
      },
    };
  },
  hasten: (): Subject => {
    const cache = createCache({ ttlMs: TTL_MS, memory: { entriesMax: ENTRIES_MAX } });
    const get = (id: string): Row | Promise<Row> => cache.getOrSet(id as Key<Row>, () => load(id));
    // A hit is the value itself; a promise has no id, and the measurement would fail.
    return { get, take: (id) => get(id) as Row };
  },
  "async-cache-dedupe": (): Subject => {
    const cache = createDedupe({
      ttl: TTL_MS / 1_000,
      storage: { type: "memory", options: { size: ENTRIES_MAX } },
    }).define("row", load) as DedupeCache & { row(id: string): Promise<Row> };
    return { get: (id) => cache.row(id) };
  },
  "layered-loader": (): Subject => {
    const loader = new Loader<Row>({
      inMemoryCache: { ttlInMsecs: TTL_MS, maxItems: ENTRIES_MAX },
      dataSourceGetOneFn: load,
    });
    return {
      get: (id) => loader.get(id) as Promise<Row>,
      // "Synchronous short-circuit" in its README; a miss goes on with getAsyncOnly.
      take: (id) => loader.getInMemoryOnly(id) ?? undefined,
    };
  },
  "cache-manager": (): Subject => {
    const cache = createManager({ ttl: TTL_MS });
    for (const store of cache.stores) {
      store.serialize = undefined;
      store.deserialize = undefined;
    }
    return { get: (id) => cache.wrap(id, () => load(id)) };
  },
  bentocache: (): Subject => {
    const cache = new BentoCache({
      default: "memory",
      ttl: TTL_MS,
      stores: {
        memory: bentostore().useL1Layer(memoryDriver({ maxItems: ENTRIES_MAX, serialize: false })),
      },
    });
    return { get: (id) => cache.getOrSet({ key: id, factory: () => load(id) }) };
  },
} satisfies Record<string, () => Subject>;

export type SubjectName = keyof typeof subjects;
/** Those that can answer a hit without a promise. */
export const takers: readonly SubjectName[] = ["hasten", "layered-loader"];
export const peers: readonly SubjectName[] = [
  "async-cache-dedupe",
  "layered-loader",
  "cache-manager",
  "bentocache",
];
