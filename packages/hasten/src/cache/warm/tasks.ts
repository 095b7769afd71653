import type { Key } from "../keys.ts";
import type { BatchLoad, LoadContext, LoadOptions } from "../types.ts";
import type { WarmTask } from "./types.ts";

interface Named {
  readonly name: string;
  readonly priority?: number | undefined;
}

/** Warms one value. */
export function warmOne<V>(
  task: Named & {
    readonly key: Key<V>;
    readonly load: (context: LoadContext<V>) => V | Promise<V>;
    readonly options?: LoadOptions<V> | undefined;
  },
): WarmTask {
  const { name, priority, key, load, options } = task;
  return { name, priority, run: (warm) => warm.one(key, load, options) };
}

/** Warms many values, with one load for each batch of those that are not there. */
export function warmMany<V>(
  task: Named & {
    /** Asked at each run. */
    readonly keys: () => Iterable<Key<V>> | AsyncIterable<Key<V>> | Promise<Iterable<Key<V>>>;
    readonly load: BatchLoad<V>;
    readonly options?: (LoadOptions<V> & { readonly batchSize?: number }) | undefined;
  },
): WarmTask {
  const { name, priority, keys, load, options } = task;
  return { name, priority, run: async (warm) => warm.many(await keys(), load, options) };
}
