import { expect, test } from "vitest";
import { manualClock } from "../core/clock.ts";
import { type CacheOptions, createCache, defineKey } from "./index.ts";

const key = defineKey("thing", (...segments: (number | string)[]) => segments).of<unknown>();

function open(options: CacheOptions = {}) {
  const clock = manualClock();
  const cache = createCache({ clock, jitter: 0, ttlMs: 1_000, ...options });
  let loads = 0;
  const counted = (value: unknown) => () => {
    loads += 1;
    return value;
  };
  const failing = () => {
    loads += 1;
    return Promise.reject(new Error("source down"));
  };
  const held = Promise.withResolvers<unknown>();
  const slow = () => {
    loads += 1;
    return held.promise;
  };
  return { clock, cache, counted, failing, slow, held, loads: () => loads };
}

test("a hit returns the value itself, without a promise and without loading", async () => {
  const { cache, counted, loads } = open();
  await cache.getOrSet(key(1), counted("v"));
  expect(cache.getOrSet(key(1), counted("w"))).toBe("v");
  expect(cache.get(key(1))).toBe("v");
  expect(cache.peek(key(1))).toBe("v");
  expect(loads()).toBe(1);
});

test("an entry is fresh up to its time to live and gone after it", async () => {
  const { cache, clock } = open();
  await cache.set(key(1), "v");
  await clock.advance(999);
  expect(cache.peek(key(1))).toBe("v");
  await clock.advance(1);
  expect(cache.peek(key(1))).toBeUndefined();
  expect(cache.entry(key(1))).toBeUndefined();
});

test("times to live come from the call, its tier or the cache, and are cut to ttlMaxMs", async () => {
  const { cache, clock } = open({ ttlMaxMs: 5_000, tiers: { short: 200, long: 60_000 } });
  await cache.set(key("tier"), "v", { tier: "short" });
  await cache.set(key("cut"), "v", { tier: "long" });
  await cache.set(key("own"), "v", { ttlMs: 100 });
  const left = (id: string) => cache.entry(key(id))!.freshUntilMs - clock.nowMs();
  expect([left("tier"), left("cut"), left("own")]).toEqual([200, 5_000, 100]);
  await expect(cache.set(key(1), "v", { tier: "no" })).rejects.toThrow("HST_CACHE_TIER");
});

test("jitter only ever shortens a loaded value's time to live", async () => {
  for (const random of [0, 0.5, 0.999]) {
    const { cache } = open({ jitter: 0.2, random: () => random });
    await cache.getOrSet(key(1), () => "v");
    expect(cache.entry(key(1))!.freshUntilMs).toBeCloseTo(1_000 * (1 - 0.2 * random));
    await cache.set(key(2), "v");
    expect(cache.entry(key(2))!.freshUntilMs).toBe(1_000);
  }
});

test("within its grace a stale value is served when the load fails, and not after", async () => {
  const { cache, clock, failing, loads } = open({ graceMs: 10_000, retryAfterMs: 500 });
  await cache.set(key(1), "old");
  await clock.advance(2_000);
  expect(await cache.getOrSet(key(1), failing)).toBe("old");
  expect(cache.getOrSet(key(1), failing)).toBe("old");
  expect(loads()).toBe(1);
  await clock.advance(500);
  expect(await cache.getOrSet(key(1), failing)).toBe("old");
  expect(loads()).toBe(2);
  expect(cache.stats().staleServed).toBe(3);
  await clock.advance(10_000);
  await expect(cache.getOrSet(key(1), failing)).rejects.toThrow("source down");
});

test("after softTimeoutMs a stale value is better than waiting, and the load goes on", async () => {
  const { cache, clock, slow, held } = open({ graceMs: 10_000, softTimeoutMs: 50 });
  await cache.set(key(1), "old");
  await clock.advance(2_000);
  const answer = cache.getOrSet(key(1), slow);
  await clock.advance(50);
  expect(await answer).toBe("old");
  held.resolve("new");
  await clock.advance(0);
  expect(cache.peek(key(1))).toBe("new");
});

test("a stale value is not served by a time-out that falls after its grace", async () => {
  const { cache, clock, slow, held } = open({ graceMs: 100, softTimeoutMs: 50 });
  await cache.set(key(1), "old");
  await clock.advance(1_080);
  const patient = cache.getOrSet(key(1), slow);
  const hurried = Promise.resolve(cache.getOrSet(key(1), slow, { hardTimeoutMs: 60 })).catch(
    (error) => error.code,
  );
  await clock.advance(70);
  expect(await hurried).toBe("HST_CACHE_TIMEOUT");
  held.resolve("new");
  expect(await patient).toBe("new");
});

test("softTimeoutMs 0 serves stale at once while one caller's load revalidates", async () => {
  const { cache, clock, slow, held, loads } = open({ graceMs: 10_000, softTimeoutMs: 0 });
  await cache.set(key(1), "old");
  await clock.advance(2_000);
  expect(cache.getOrSet(key(1), slow)).toBe("old");
  expect(cache.getOrSet(key(1), slow)).toBe("old");
  expect(loads()).toBe(1);
  held.resolve("new");
  await clock.advance(0);
  expect(cache.getOrSet(key(1), slow)).toBe("new");
});

test("after hardTimeoutMs the caller gets an error and the load still fills the cache", async () => {
  const { cache, clock, slow, held } = open({ hardTimeoutMs: 100 });
  const answer = Promise.resolve(cache.getOrSet(key(1), slow)).catch((error) => error.code);
  await clock.advance(100);
  expect(await answer).toBe("HST_CACHE_TIMEOUT");
  expect(cache.stats().timeouts).toBe(1);
  held.resolve("late");
  await clock.advance(0);
  expect(cache.peek(key(1))).toBe("late");
});

test("an eager refresh is started by one hit, which does not wait", async () => {
  const { cache, clock, counted, slow, held, loads } = open();
  const options = { eagerRefresh: 0.5 };
  await cache.getOrSet(key(1), counted("old"), options);
  await clock.advance(600);
  expect(cache.getOrSet(key(1), slow, options)).toBe("old");
  expect(cache.getOrSet(key(1), slow, options)).toBe("old");
  expect(loads()).toBe(2);
  held.resolve("new");
  await clock.advance(0);
  expect(cache.getOrSet(key(1), slow, options)).toBe("new");
});

test("a failed eager refresh is tried again after retryAfterMs, not with every hit", async () => {
  const { cache, clock, counted, failing, loads } = open({ retryAfterMs: 100 });
  const options = { eagerRefresh: 0.5 };
  await cache.getOrSet(key(1), counted("old"), options);
  await clock.advance(600);
  expect(cache.getOrSet(key(1), failing, options)).toBe("old");
  await clock.advance(0);
  await clock.advance(50);
  expect(cache.getOrSet(key(1), failing, options)).toBe("old");
  expect(loads()).toBe(2);
  await clock.advance(60);
  expect(cache.getOrSet(key(1), failing, options)).toBe("old");
  expect(loads()).toBe(3);
});

test("null and undefined are cached like other values unless negativeTtlMs says otherwise", async () => {
  const { cache, counted, clock, loads } = open();
  await cache.getOrSet(key(1), counted(undefined));
  expect(cache.getOrSet(key(1), counted("v"))).toBeUndefined();
  await cache.getOrSet(key(2), counted(null), { negativeTtlMs: 100 });
  expect(cache.getOrSet(key(2), counted("v"))).toBeNull();
  await clock.advance(100);
  expect(await cache.getOrSet(key(2), counted("v"), { negativeTtlMs: 100 })).toBe("v");
  await cache.getOrSet(key(3), counted(null), { negativeTtlMs: 0 });
  expect(await cache.getOrSet(key(3), counted("v"))).toBe("v");
  expect(loads()).toBe(5);
});

test("skip gives the value to the callers and keeps nothing", async () => {
  const { cache } = open();
  const load = (context: { skip(): void }) => {
    context.skip();
    return "v";
  };
  expect(await Promise.all([cache.getOrSet(key(1), load), cache.getOrSet(key(1), load)])).toEqual([
    "v",
    "v",
  ]);
  expect(cache.peek(key(1))).toBeUndefined();
});

test("the result decides its time to live, grace and tags", async () => {
  const { cache, clock } = open();
  await cache.getOrSet(key(1), () => ({ maxAge: 5 }), {
    ttlMs: (value) => (value as { maxAge: number }).maxAge * 100,
    tags: () => ["a"],
  });
  expect(cache.entry(key(1))).toMatchObject({ freshUntilMs: 500, tags: ["a"] });
  await cache.getOrSet(
    key(2),
    (context) => {
      context.store({ ttlMs: 300, graceMs: 50, tags: ["b", "c"] });
      return "v";
    },
    { tags: ["a", "b"] },
  );
  const entry = cache.entry(key(2))!;
  expect([entry.freshUntilMs, entry.staleUntilMs]).toEqual([300, 350]);
  expect(entry.tags).toEqual(["a", "b", "c"]);
  await clock.advance(1);
  await cache.delete({ tags: ["c"] });
  expect(cache.entry(key(2))).toBeUndefined();
  expect(cache.peek(key(1))).toBeDefined();
});

test("a load sees the previous value, for conditional requests", async () => {
  const { cache, clock } = open({ graceMs: 10_000 });
  await cache.set(key(1), { etag: 1 });
  await clock.advance(2_000);
  const same = await cache.getOrSet(key(1), (context) => context.stale);
  expect(same).toEqual({ etag: 1 });
  expect(cache.peek(key(1))).toBe(same);
});

test("a load's error is not cached unless errorTtlMs asks for it", async () => {
  const { cache, clock, failing, loads, counted } = open();
  await expect(cache.getOrSet(key(1), failing)).rejects.toThrow("source down");
  await expect(cache.getOrSet(key(1), failing)).rejects.toThrow("source down");
  expect(loads()).toBe(2);
  await expect(cache.getOrSet(key(2), failing, { errorTtlMs: 100 })).rejects.toThrow();
  await expect(cache.getOrSet(key(2), failing)).rejects.toThrow("source down");
  expect(loads()).toBe(3);
  expect(cache.peek(key(2))).toBeUndefined();
  expect(cache.entry(key(2))).toBeUndefined();
  await clock.advance(100);
  await expect(cache.getOrSet(key(2), failing, { errorTtlMs: 100 })).rejects.toThrow();
  await expect(cache.getOrSet(key(2), failing)).rejects.toThrow("source down");
  expect(loads()).toBe(4);
  await cache.delete(key(2));
  expect(await cache.getOrSet(key(2), counted("v"))).toBe("v");
});

test("delete by tag, by prefix and clear take exactly what they name", async () => {
  const { cache } = open();
  const fill = async () => {
    await cache.set(key(7, "orders"), 1, { tags: ["orders"] });
    await cache.set(key(71, "orders"), 2, { tags: ["orders", "vip"] });
    await cache.set(key(7), 3);
  };
  const there = () =>
    [key(7, "orders"), key(71, "orders"), key(7)].map((one) => cache.peek(one) !== undefined);
  await fill();
  await cache.delete({ tags: ["vip"] });
  expect(there()).toEqual([true, false, true]);
  await fill();
  await cache.delete({ prefixes: [key.prefix(7)] });
  expect(there()).toEqual([false, true, true]);
  await fill();
  await cache.delete({ keys: [key(7)], tags: ["none"] });
  expect(there()).toEqual([true, true, false]);
  await cache.clear();
  expect(there()).toEqual([false, false, false]);
  expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0, trackedTags: 0 });
});

test("an expired value is never fresh but may be served within its grace", async () => {
  for (const target of [key(1), { tags: ["t"] }, { prefixes: [key.prefix()] }]) {
    const { cache, clock, failing } = open({ graceMs: 500 });
    await cache.set(key(1), "old", { tags: ["t"] });
    expect(await cache.expire(target)).toEqual({ kind: "applied" });
    expect(cache.peek(key(1))).toBeUndefined();
    expect(cache.entry(key(1))).toMatchObject({ expired: true, value: "old" });
    expect(await cache.getOrSet(key(1), failing)).toBe("old");
    await clock.advance(500);
    await expect(cache.getOrSet(key(1), failing)).rejects.toThrow();
  }
});

test("a token stores only while nothing it depends on was invalidated", async () => {
  const { cache } = open();
  const store = (token: ReturnType<typeof cache.begin>) =>
    cache.set(key(1), "v", { token, tags: ["t"] });
  expect(await store(cache.begin(key(1)))).toEqual({ kind: "applied" });
  const invalidations = [
    () => cache.delete(key(1)),
    () => cache.expire({ tags: ["t"] }),
    () => cache.delete({ prefixes: ["thing:"] }),
    () => cache.clear(),
    () => cache.set(key(1), "other"),
  ];
  for (const invalidate of invalidations) {
    const token = cache.begin(key(1));
    await invalidate();
    expect(await store(token)).toEqual({ kind: "refused", because: "invalidated while loading" });
    expect(await store(token)).toMatchObject({ because: "token is used or released" });
  }
  const unrelated = cache.begin(key(1));
  await cache.delete({ tags: ["other"], keys: [key(2)] });
  expect(await store(unrelated)).toEqual({ kind: "applied" });
  await expect(cache.set(key(2), "v", { token: cache.begin(key(1)) })).rejects.toThrow(
    "HST_CACHE_TOKEN",
  );
});

test("an invalidation from within sizeOf or a codec still voids the fill", async () => {
  const { cache } = open();
  const sizeOf = () => {
    void cache.delete(key(1));
    return 1;
  };
  const token = cache.begin(key(1));
  expect(await cache.set(key(1), "v", { token, sizeOf })).toMatchObject({ kind: "refused" });
  await cache.getOrSet(key(1), () => "v", { sizeOf });
  expect(cache.peek(key(1))).toBeUndefined();
});

test("getOrSetMany loads what is missing in one batch and keeps the order", async () => {
  const { cache, slow, held } = open();
  await cache.set(key(1), "one");
  const running = cache.getOrSet(key(2), slow);
  const batches: string[][] = [];
  const answer = cache.getOrSetMany([key(1), key(2), key(3), key(4), key(3)], async (keys) => {
    batches.push([...keys]);
    return keys.map((one) => `loaded ${one}`);
  });
  held.resolve("two");
  expect(await answer).toEqual([
    "one",
    "two",
    "loaded thing:3",
    "loaded thing:4",
    "loaded thing:3",
  ]);
  expect(batches).toEqual([["thing:3", "thing:4"]]);
  expect(await running).toBe("two");
  expect(await cache.getMany([key(3), key(9)])).toEqual(["loaded thing:3", undefined]);
});

test("a batch load that brings the wrong number of values is an error", async () => {
  const { cache } = open();
  await expect(cache.getOrSetMany([key(1), key(2)], () => ["one"])).rejects.toThrow(
    "HST_CACHE_BATCH",
  );
  expect(cache.stats().entries).toBe(0);
});

test("wrap answers the same function from the cache", async () => {
  const { cache } = open();
  let calls = 0;
  const square = cache.wrap(
    async (n: number) => {
      calls += 1;
      return n * n;
    },
    { key: defineKey("square", (n: number) => [n]).of<number>() },
  );
  expect([await square(3), await square(3), await square(4)]).toEqual([9, 9, 16]);
  expect(calls).toBe(2);
});

test("increment counts, keeps the expiry and refuses what is no number", async () => {
  const { cache, clock } = open();
  const counter = defineKey("count", () => []).of<number>()();
  expect(await cache.increment(counter)).toBe(1);
  await clock.advance(600);
  expect(await cache.increment(counter, 5)).toBe(6);
  expect(cache.peek(counter)).toBe(6);
  await clock.advance(400);
  expect(await cache.increment(counter, -1)).toBe(-1);
  await cache.set(counter, "text" as never);
  await expect(cache.increment(counter)).rejects.toThrow("HST_CACHE_NUMBER");
});

test("a cache that is off passes every call through", async () => {
  const { cache, counted, loads } = open({ enabled: false });
  expect(cache.enabled).toBe(false);
  for (let n = 0; n < 2; n++) expect(await cache.getOrSet(key(1), counted("v"))).toBe("v");
  expect(loads()).toBe(2);
  expect(await cache.set(key(1), "v")).toEqual({ kind: "refused", because: "cache is off" });
  expect(cache.peek(key(1))).toBeUndefined();
  expect(await cache.getOrSetMany([key(1)], () => ["v"])).toEqual(["v"]);
  expect(await cache.delete(key(1))).toEqual({ kind: "applied" });
  const thrown = cache.getOrSet(key(1), () => {
    throw new Error("at once");
  });
  await expect(thrown).rejects.toThrow("at once");
  await cache.close();
});

test("a value larger than the cache is given to its caller and not kept", async () => {
  const { cache } = open({ memory: { bytesMax: 1_000 } });
  expect(await cache.getOrSet(key(1), () => "x".repeat(2_000))).toHaveLength(2_000);
  expect(cache.stats()).toMatchObject({ entries: 0, refusedFills: 1 });
});

test("tags that no entry uses any more are forgotten", async () => {
  const { cache } = open({ memory: { entriesMax: 10 } });
  for (let n = 0; n < 1_000; n++) await cache.set(key(n), n, { tags: [`tag ${n}`] });
  expect(cache.stats().trackedTags).toBeLessThanOrEqual(10);
  expect(cache.stats().trackedTags).toBe(cache.stats().entries);
});

test("tags count against bytesMax, so that entries cannot hold unbounded memory by them", async () => {
  const { cache } = open({ memory: { entriesMax: 100_000, bytesMax: 1_000_000 } });
  for (let n = 0; n < 1_000; n++) {
    const tags = Array.from({ length: 64 }, (_, at) => `${n}:${at}:${"x".repeat(400)}`);
    await cache.set(key(n), n, { tags });
  }
  const { trackedTags, bytes, entries } = cache.stats();
  expect(bytes).toBeLessThanOrEqual(1_000_000);
  expect(trackedTags * 400).toBeLessThan(1_000_000);
  expect(entries).toBeGreaterThan(10);
});

test("entries that a tag deleted make room for others, whatever they were worth", async () => {
  const { cache } = open({ memory: { entriesMax: 100 } });
  for (let n = 0; n < 100; n++) await cache.set(key("old", n), n, { tags: ["t"] });
  await cache.delete({ tags: ["t"] });
  for (let round = 0; round < 3; round++)
    for (let n = 0; n < 100; n++) await cache.getOrSet(key("new", n), () => n);
  const kept = Array.from({ length: 100 }, (_, n) => cache.peek(key("new", n)));
  expect(kept.filter((value) => value !== undefined).length).toBeGreaterThan(80);
  expect(cache.stats().entries).toBeLessThanOrEqual(100);
});

test("invalidating a tag that fifty thousand entries carry takes constant time", async () => {
  const { cache } = open({ memory: { entriesMax: 50_000 } });
  const tags = ["a", "b", "c"];
  for (let n = 0; n < 50_000; n++) await cache.set(key(n), n, { tags });
  // The quickest of three, so that a busy machine does not count.
  const tookMs: number[] = [];
  for (const tag of tags) {
    const startedMs = performance.now();
    await cache.delete({ tags: [tag] });
    tookMs.push(performance.now() - startedMs);
  }
  expect(Math.min(...tookMs)).toBeLessThan(5);
  expect([cache.peek(key(49_999)), cache.peek(key(5))]).toEqual([undefined, undefined]);
});

test("options out of bounds are refused with what is allowed", () => {
  const wrong: CacheOptions[] = [
    { ttlMs: 0 },
    { ttlMs: Number.NaN },
    { jitter: 0.9 },
    { graceMs: -1 },
    { tiers: { short: "60" as never } },
    { memory: { entriesMax: 0 } },
  ];
  for (const options of wrong) expect(() => createCache(options)).toThrow(/HST_(CACHE|MEMORY)_/);
});

test("an unusable key, tag or prefix is refused", async () => {
  const { cache } = open();
  expect(() => cache.getOrSet(undefined as never, () => 1)).toThrow("HST_CACHE_KEY");
  await expect(cache.delete("" as never)).rejects.toThrow("HST_CACHE_KEY");
  await expect(cache.delete({ tags: [""] })).rejects.toThrow("HST_CACHE_TAG");
  await expect(cache.delete({ prefixes: ["a:b:c:d:e:"] })).rejects.toThrow("HST_CACHE_PREFIX");
  await expect(cache.set(key(1), "v", { tags: ["x".repeat(600)] })).rejects.toThrow(
    "HST_CACHE_TAG",
  );
});
