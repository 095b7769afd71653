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
}

export const TTL_MS = 600_000;
export const ENTRIES_MAX = 200_000;

/** Counts what the source is asked, so that a bench can tell sharing from loading. */
export const source = { loads: 0 };

async function load(id: string): Promise<Row> {
  source.loads += 1;
  return { id, name: "row" };
}

/** Get-or-compute in memory, each as its documentation shows it, with a time to live and a bound. */
export const subjects = {
  "Map.get": (): Subject => {
    const map = new Map<string, Row>();
    return {
      get: (id) => {
        const row = map.get(id) ?? { id, name: "row" };
        map.set(id, row);
        return row;
      },
    };
  },
  hasten: (): Subject => {
    const cache = createCache({ ttlMs: TTL_MS, memory: { entriesMax: ENTRIES_MAX } });
    return { get: (id) => cache.getOrSet(id as Key<Row>, () => load(id)) };
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
    return { get: (id) => loader.get(id) as Promise<Row> };
  },
  "cache-manager": (): Subject => {
    const cache = createManager({ ttl: TTL_MS });
    return { get: (id) => cache.wrap(id, () => load(id)) };
  },
  bentocache: (): Subject => {
    const cache = new BentoCache({
      default: "memory",
      ttl: TTL_MS,
      stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: ENTRIES_MAX })) },
    });
    return { get: (id) => cache.getOrSet({ key: id, factory: () => load(id) }) };
  },
} satisfies Record<string, () => Subject>;

export type SubjectName = keyof typeof subjects;
export const peers: readonly SubjectName[] = [
  "async-cache-dedupe",
  "layered-loader",
  "cache-manager",
  "bentocache",
];
