import type { Key } from "../keys.ts";
import type { BatchLoad, Cache, LoadContext, LoadOptions } from "../types.ts";
import type { Gate } from "./gate.ts";
import type { WarmContext } from "./types.ts";
import { unless } from "./unless.ts";

/** Values counted by the contexts of a run. */
export interface Tally {
  loaded: number;
  there: number;
  changed(): void;
}

interface Surroundings {
  readonly cache: Cache;
  readonly gate: Gate;
  readonly tally: Tally;
  /** Where a task says nothing. */
  readonly ttlMs: number | undefined;
}

/**
 * Past this share of its time a warmed value is loaded again by whoever asks next, while others get
 * what is there: a round finds it still there and leaves it younger.
 */
const REFRESH_AFTER = 0.5;
const BATCH = 100;

export function warmContext(
  { cache, gate, tally, ttlMs }: Surroundings,
  told: Pick<WarmContext, "signal" | "strategy" | "attempt">,
): WarmContext {
  const { signal } = told;

  const one = async <V>(
    key: Key<V>,
    load: (context: LoadContext<V>) => V | Promise<V>,
    options?: LoadOptions<V>,
  ): Promise<V> => {
    signal.throwIfAborted();
    let loading: Promise<V> | undefined;
    const watched = (context: LoadContext<V>): Promise<V> => {
      loading = (async () => load(context))();
      return loading;
    };
    const value = await unless(signal, cache.getOrSet(key, watched, kept(options, ttlMs)));
    if (loading === undefined) tally.there += 1;
    else {
      // A stale value may have stood in for an error, and a refresh may run behind the answer.
      await unless(signal, loading);
      tally.loaded += 1;
    }
    tally.changed();
    return value;
  };

  const batch = async <V>(
    keys: readonly Key<V>[],
    load: BatchLoad<V>,
    options: LoadOptions<V>,
  ): Promise<void> => {
    signal.throwIfAborted();
    let missing = 0;
    const watched: BatchLoad<V> = (wanted, context) => {
      missing += wanted.length;
      return load(wanted, context);
    };
    await unless(signal, cache.getOrSetMany(keys, watched, options));
    tally.loaded += missing;
    tally.there += keys.length - missing;
    tally.changed();
  };

  const many = async <V>(
    keys: Iterable<Key<V>> | AsyncIterable<Key<V>>,
    load: BatchLoad<V>,
    options: LoadOptions<V> & { readonly batchSize?: number } = {},
  ): Promise<void> => {
    const { batchSize = BATCH, ...rest } = options;
    const how = kept<V>(rest, ttlMs);
    let part: Key<V>[] = [];
    const flush = (): Promise<void> => {
      const full = part;
      part = [];
      return gate.through(() => batch(full, load, how));
    };
    for await (const key of keys) {
      part.push(key);
      if (part.length >= batchSize) await flush();
    }
    if (part.length > 0) await flush();
  };

  return {
    ...told,
    one: (key, load, options) => gate.through(() => one(key, load, options)),
    many,
  };
}

function kept<V>(options: LoadOptions<V> | undefined, ttlMs: number | undefined): LoadOptions<V> {
  const common = ttlMs === undefined || options?.tier !== undefined ? {} : { ttlMs };
  return { eagerRefresh: REFRESH_AFTER, ...common, ...options };
}
