import { expect, test } from "vitest";
import { manualClock } from "../core/clock.ts";
import { type Cache, createCache, type LoadOptions } from "./index.ts";

const keyed = (cache: Cache) => cache.key("thing", (id: number) => ["of", id]).of<string>();

/** A source whose reads are held until they are let go, so that they straddle an invalidation. */
function heldSource() {
  const held: (() => void)[] = [];
  let current = "v1";
  let reads = 0;
  return {
    write: (value: string) => {
      current = value;
    },
    get reads() {
      return reads;
    },
    read(): Promise<string> {
      reads += 1;
      const seen = current;
      return new Promise((resolve) => held.push(() => resolve(seen)));
    },
    letGo(): void {
      for (const go of held.splice(0)) go();
    },
  };
}

type Scene = {
  cache: Cache;
  key: ReturnType<ReturnType<typeof keyed>>;
  clock: ReturnType<typeof manualClock>;
  source: ReturnType<typeof heldSource>;
  /** The answer of the caller that was first, if it got one. */
  early: Promise<unknown>;
};

const invalidations: Record<string, (scene: Scene) => Promise<unknown>> = {
  "delete of the key": ({ cache, key }) => cache.delete(key),
  "delete of a tag": ({ cache }) => cache.delete({ tags: ["group"] }),
  "delete of a prefix": ({ cache }) => cache.delete({ prefixes: ["thing:of:"] }),
  clear: ({ cache }) => cache.clear(),
  "set of the key": ({ cache, key }) => cache.set(key, "v2", { tags: ["group"] }),
};

/** Each starts a load that has read v1 and is not back yet. */
const loads: Record<
  string,
  (scene: Omit<Scene, "early">, o: LoadOptions<string>) => Promise<unknown>
> = {
  "a foreground load": async ({ cache, key, source }, options) =>
    cache.getOrSet(key, source.read, options),
  "a background refresh": async ({ cache, key, source, clock }, options) => {
    await cache.set(key, "v0", { ttlMs: 100, graceMs: 10_000, tags: ["group"] });
    await clock.advance(200);
    return cache.getOrSet(key, source.read, { ...options, softTimeoutMs: 0 });
  },
  "an eager refresh": async ({ cache, key, source, clock }, options) => {
    const eager = { ...options, ttlMs: 100, eagerRefresh: 0.5 };
    await cache.getOrSet(key, () => "v0", eager);
    await clock.advance(60);
    return cache.getOrSet(key, source.read, eager);
  },
  "a load that timed out": async ({ cache, key, source, clock }, options) => {
    const answer = Promise.resolve(
      cache.getOrSet(key, source.read, { ...options, hardTimeoutMs: 50 }),
    ).catch((error: { code: string }) => error.code);
    await clock.advance(60);
    expect(await answer).toBe("HST_CACHE_TIMEOUT");
    return answer;
  },
  "a batch load": async ({ cache, key, source }, options) =>
    cache.getOrSetMany([key], async () => [await source.read()], options),
};

const tagSources: Record<string, LoadOptions<string>> = {
  "tags declared": { tags: ["group"] },
  "tags learnt from the result": { tags: () => ["group"] },
};

for (const [invalidationName, invalidate] of Object.entries(invalidations)) {
  for (const [loadName, load] of Object.entries(loads)) {
    for (const [tagsName, options] of Object.entries(tagSources)) {
      test(`${loadName} is not stored nor shared after a ${invalidationName} (${tagsName})`, async () => {
        const clock = manualClock();
        const cache = createCache({ clock, jitter: 0 });
        const key = keyed(cache)(7);
        const source = heldSource();
        const early = load({ cache, key, clock, source }, options);
        for (let turn = 0; source.reads === 0 && turn < 10; turn++) await clock.advance(0);
        expect(source.reads).toBe(1);

        source.write("v2");
        await invalidate({ cache, key, clock, source, early });

        const late = cache.getOrSet(key, source.read, options);
        const later = cache.getOrSetMany([key], async () => [await source.read()], options);
        await clock.advance(0);
        for (let turn = 0; turn < 4; turn++) {
          source.letGo();
          await clock.advance(0);
        }
        expect(await late).toBe("v2");
        expect(await later).toEqual(["v2"]);
        expect(cache.peek(key)).toBe("v2");
        expect(source.reads).toBe(invalidationName === "set of the key" ? 1 : 2);
        await early;
        await cache.close();
      });
    }
  }
}
