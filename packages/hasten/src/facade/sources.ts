/**
 * Opens the cache and what tells it of changes, in the order in which they need each other.
 *
 * Invariants:
 * - Without Redis the cache hears from coherence; with it coherence speaks through the cache's tier,
 *   so the cache is there first, and is closed after.
 * - When one cannot be opened, the other is closed again.
 */
import { type Cache, type CacheOptions, createCache } from "../cache/index.ts";
import type { Coherence, CoherenceOptions } from "../postgres/index.ts";
import type { HastenOptions } from "./options.ts";

export interface Sources {
  readonly cache: Cache;
  readonly coherence: Coherence;
  /**
   * Leaves nothing of both.
   * @param drainDatabase called when nothing loads any more
   */
  close(drainDatabase: () => Promise<void>): Promise<void>;
}

/** How long a start waits for Redis before it goes on without. */
const REDIS_START_MS = 1_000;
const ENTRIES_MAX = 10_000;

export async function openSources(
  options: HastenOptions,
  coherenceOptions: CoherenceOptions,
): Promise<Sources> {
  const redis = redisOf(options);
  return redis === undefined
    ? openAlone(options, coherenceOptions)
    : openShared({ ...options.cache, redis }, coherenceOptions);
}

/** A variable that is not set means no Redis, and so does an empty one. */
export function redisOf({ redis, cache }: HastenOptions): CacheOptions["redis"] {
  const given = redis ?? cache?.redis;
  return given === "" ? undefined : given;
}

async function openAlone(options: HastenOptions, told: CoherenceOptions): Promise<Sources> {
  const { openCoherence } = await import("../postgres/index.ts");
  const coherence = await openCoherence(told);
  const { redis: _none, ...given } = options.cache ?? {};
  const cache = await orClose(coherence, () =>
    createCache({
      name: "hasten",
      tracked: true,
      log: coherence.log,
      memory: { entriesMax: ENTRIES_MAX },
      ...given,
    }),
  );
  coherence.attach(cache);
  return {
    cache,
    coherence,
    async close(drainDatabase) {
      await cache.close();
      await drainDatabase();
      await coherence.close();
    },
  };
}

async function openShared(given: CacheOptions, told: CoherenceOptions): Promise<Sources> {
  const { openCoherence } = await import("../postgres/index.ts");
  const cache = createCache({
    name: nameOf(told.url),
    tracked: true,
    memory: { entriesMax: ENTRIES_MAX },
    ...given,
  });
  await cache.shared?.ready(REDIS_START_MS);
  const coherence = await orClose(cache, () => openCoherence({ ...told, shared: cache.shared }));
  coherence.attach(cache);
  return {
    cache,
    coherence,
    async close(drainDatabase) {
      // It hands over to another process by way of the tier, which the cache closes.
      await coherence.close();
      await cache.close();
      await drainDatabase();
    },
  };
}

/**
 * Services of different databases do not share, even if nobody named their caches: neither those of
 * one server nor those of one name on two, such as staging and production.
 */
export function nameOf(url: string): string {
  if (!URL.canParse(url)) return "hasten";
  const { pathname, hostname, port } = new URL(url);
  const own = port === "" || port === "5432" ? "" : `:${port}`;
  const at = hostname === "" ? "" : `@${hostname.toLowerCase()}${own}`;
  return `hasten${pathname.length < 2 ? "" : "-"}${pathname.slice(1)}${at}`;
}

async function orClose<V>(first: { close(): Promise<void> }, open: () => V): Promise<Awaited<V>> {
  try {
    return await open();
  } catch (error) {
    await first.close();
    throw error;
  }
}
