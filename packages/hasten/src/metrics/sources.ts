import type { Cache, CacheReport } from "../cache/index.ts";
import { HastenError } from "../core/errors.ts";

/** Caches to be told about: a list, or a function where they come and go. */
export type Caches = readonly Cache[] | (() => readonly Cache[]);

/** More would make as many time series; the first ones are told. */
export const CACHES_MAX = 100;

/**
 * The reports of all caches, made once for everything that is asked in one turn.
 * @throws HastenError HST_METRICS_CACHES for a list with two caches of one name
 */
export function reportsOf(caches: Caches): () => readonly CacheReport[] {
  if (typeof caches !== "function") distinct(caches);
  let made: readonly CacheReport[] | undefined;
  return () => {
    if (made !== undefined) return made;
    const named = new Map<string, Cache>();
    for (const cache of typeof caches === "function" ? caches() : caches)
      if (named.size < CACHES_MAX && !named.has(cache.name)) named.set(cache.name, cache);
    made = [...named.values()].map((cache) => cache.report());
    queueMicrotask(() => {
      made = undefined;
    });
    return made;
  };
}

function distinct(caches: readonly Cache[]): void {
  const names = new Set(caches.map(({ name }) => name));
  if (names.size === caches.length && names.size <= CACHES_MAX) return;
  throw new HastenError(
    "HST_METRICS_CACHES",
    `Metrics tell caches apart by their names, at most ${CACHES_MAX}; got ${caches.length} caches and ${names.size} names.`,
    'Give each a name of its own: createCache({ name: "orders" }).',
  );
}
