import { expect, test } from "vitest";
import { assembleCache } from "../../../src/cache/cache.ts";
import { byReference, type Cache, type CacheOptions, defineKey } from "../../../src/cache/index.ts";
import { LOAD_RULES } from "../../../src/cache/load-parts.ts";
import { manualClock } from "../../../src/core/clock.ts";
import { currentTrace } from "../../../src/core/trace/index.ts";
import { instant, Trust } from "../../../src/core/trust.ts";
import { type MemoryTier, World } from "./memory-tier.ts";

const key = defineKey("thing", (n: number) => [n]).of<unknown>();

interface Side {
  readonly cache: Cache;
  readonly tier: MemoryTier;
}

function setUp(options: CacheOptions = {}) {
  const clock = manualClock();
  const world = new World(clock);
  const side = (more: CacheOptions = {}): Side => {
    const tier = world.node();
    const how = { name: "t", clock, jitter: 0, ttlMs: 60_000, ...options, ...more };
    return { cache: assembleCache(how, LOAD_RULES, tier), tier };
  };
  return { clock, world, a: side(), b: side(), side };
}

/** A source whose loads end when told to. */
function source() {
  const held: PromiseWithResolvers<unknown>[] = [];
  const load = (): Promise<unknown> => {
    const one = Promise.withResolvers<unknown>();
    held.push(one);
    return one.promise;
  };
  return { load, held };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve();
};

test("a miss asks once, takes the lease, loads and fills; the other process finds it", async () => {
  const { a, b } = setUp();
  const value = { at: new Date(5), map: new Map([["k", 1n]]), deep: { list: [1, undefined] } };
  expect(await a.cache.getOrSet(key(1), () => value, { tags: ["t"] })).toBe(value);
  await settle();
  expect(a.tier.asked).toEqual(["read", "lease", "fill"]);
  let loads = 0;
  const found = await b.cache.getOrSet(key(1), () => ++loads, { tags: ["t"] });
  expect(found).toEqual(value);
  expect(loads).toBe(0);
  expect(b.tier.asked).toEqual(["read"]);
  expect(b.cache.peek(key(1))).toEqual(value);
  expect(b.cache.entry(key(1))?.tags).toEqual(["t"]);
});

test("plain data is shared frozen in the process that found it", async () => {
  const { a, b } = setUp();
  await a.cache.getOrSet(key(1), () => ({ deep: { n: 1 } }));
  await settle();
  const found = (await b.cache.getOrSet(key(1), () => 0)) as { deep: object };
  expect(Object.isFrozen(found.deep)).toBe(true);
  expect(b.cache.peek(key(1))).toBe(found);
});

test("the caller is answered at the end of the load; memory has it once Redis stored it", async () => {
  const { a } = setUp();
  const { load, held } = source();
  const first = a.cache.getOrSet(key(1), load);
  await settle();
  const joined = a.cache.getOrSet(key(1), load);
  a.tier.held = true;
  held[0]!.resolve("v");
  expect(await first).toBe("v");
  let told = false;
  void Promise.resolve(joined).then(() => {
    told = true;
  });
  await settle();
  expect(told).toBe(false);
  expect(a.cache.peek(key(1))).toBeUndefined();
  a.tier.held = false;
  a.tier.flow();
  await settle();
  expect(told).toBe(true);
  expect(a.cache.peek(key(1))).toBe("v");
});

test("while Redis is told nobody joins: who asks then asks Redis", async () => {
  const { a } = setUp();
  const { load, held } = source();
  const first = a.cache.getOrSet(key(1), load);
  await settle();
  a.tier.held = true;
  held[0]!.resolve("v");
  await first;
  const late = a.cache.getOrSet(key(1), load);
  await settle();
  a.tier.held = false;
  a.tier.flow();
  expect(await late).toBe("v");
  expect(held.length).toBe(1);
  expect(a.tier.asked).toEqual(["read", "lease", "fill", "read"]);
});

test("what another process invalidated during the load is stored by nobody, and waiters load again", async () => {
  const { a, b } = setUp();
  const { load, held } = source();
  const first = a.cache.getOrSet(key(1), load, { tags: () => ["learnt"] });
  await settle();
  const joined = a.cache.getOrSet(key(1), load, { tags: () => ["learnt"] });
  await b.cache.delete({ tags: ["learnt"] });
  held[0]!.resolve("old");
  expect(await first).toBe("old");
  await settle();
  expect(a.cache.peek(key(1))).toBeUndefined();
  expect(held.length).toBe(2);
  held[1]!.resolve("new");
  expect(await joined).toBe("new");
  await settle();
  expect(await b.cache.getOrSet(key(1), () => "loaded")).toBe("new");
});

test("its own delete just before a load does not refuse it", async () => {
  const { a } = setUp();
  await a.cache.delete(key(1));
  await a.cache.getOrSet(key(1), () => "v");
  await settle();
  expect(a.tier.asked).toContain("confirm");
  expect(a.cache.peek(key(1))).toBe("v");
});

test("what was made of a value that lags behind Redis is not kept there", async () => {
  const { a, b, clock } = setUp();
  await a.cache.getOrSet(key(1), () => "inner 1", { tags: ["t"] });
  await settle();
  const { load, held } = source();
  const outer = a.cache.getOrSet(
    key(2),
    async () => `${String(await load())} outer of ${String(a.cache.peek(key(1)))}`,
    { tags: ["t"] },
  );
  await settle();
  // Told in Redis, not yet here: within the bound its own memory may still serve it.
  await b.cache.delete({ tags: ["t"] });
  await a.cache.get(key(3));
  held[0]!.resolve("x");
  expect(await outer).toBe("x outer of inner 1");
  await settle();
  await clock.advance(600);
  expect(a.cache.peek(key(2))).toBeUndefined();
  expect(await b.cache.getOrSet(key(2), () => "fresh")).toBe("fresh");
});

test("a process that is cut off does not serve what it makes of its values for longer than those", async () => {
  const { a, b, clock } = setUp();
  await a.cache.getOrSet(key(1), () => "inner 1");
  await settle();
  a.tier.leaveAway();
  await b.cache.delete(key(1));
  await clock.advance(400);
  expect(await a.cache.getOrSet(key(2), () => `of ${String(a.cache.peek(key(1)))}`)).toBe(
    "of inner 1",
  );
  await clock.advance(101);
  expect(a.cache.peek(key(2))).toBeUndefined();
});

test("another process's load is waited for, and its end found", async () => {
  const { a, b } = setUp();
  const one = source();
  const first = a.cache.getOrSet(key(1), one.load);
  await settle();
  let loads = 0;
  const second = b.cache.getOrSet(key(1), () => ++loads);
  await settle();
  expect(b.tier.asked).toEqual(["read", "lease"]);
  one.held[0]!.resolve("v");
  expect(await Promise.all([first, second])).toEqual(["v", "v"]);
  expect(loads).toBe(0);
});

test("a load that fails hands over to the other process", async () => {
  const { a, b } = setUp();
  const one = source();
  const first = a.cache.getOrSet(key(1), one.load);
  await settle();
  const second = b.cache.getOrSet(key(1), () => "by b");
  await settle();
  one.held[0]!.reject(new Error("down"));
  await expect(first).rejects.toThrow("down");
  expect(await second).toBe("by b");
});

test("a process that never ends its load is waited for until loadMaxMs", async () => {
  const { a, b, clock } = setUp({ loadMaxMs: 1_000 });
  void Promise.resolve(a.cache.getOrSet(key(1), source().load)).catch(() => {});
  await settle();
  b.tier.held = false;
  // The holder of the lease never lets go: not even when its own cache gave the load up.
  a.tier.held = true;
  const second = b.cache.getOrSet(key(1), () => "by b", { hardTimeoutMs: 10_000 });
  await settle();
  for (let step = 0; step < 8; step++) await clock.advance(250);
  expect(await second).toBe("by b");
});

test("a found value that is stale stands in for a slow load, an error and a wait for others", async () => {
  for (const how of ["soft", "error", "lease", "hard"] as const) {
    const { a, b, clock } = setUp({ graceMs: 600_000 });
    await a.cache.getOrSet(key(1), () => "old", { tags: ["t"] });
    await settle();
    await a.cache.expire({ tags: ["t"] });
    const { load, held } = source();
    if (how === "lease") {
      void Promise.resolve(a.cache.getOrSet(key(1), load)).catch(() => {});
      await settle();
    }
    const times = how === "hard" ? { hardTimeoutMs: 50 } : { softTimeoutMs: 50 };
    const answer = b.cache.getOrSet(key(1), load, times);
    await settle();
    if (how === "error") held[0]!.reject(new Error("down"));
    else await clock.advance(51);
    expect(await answer).toBe("old");
    expect(b.cache.stats().staleServed).toBe(1);
    expect(b.cache.peek(key(1))).toBeUndefined();
  }
});

test("softTimeoutMs 0 serves what was found stale as soon as it is found", async () => {
  const { a, b } = setUp({ graceMs: 600_000 });
  await a.cache.getOrSet(key(1), () => "old");
  await settle();
  await a.cache.expire(key(1));
  const { load, held } = source();
  expect(await b.cache.getOrSet(key(1), load, { softTimeoutMs: 0 })).toBe("old");
  await settle();
  held[0]!.resolve("new");
  await settle();
  expect(b.cache.peek(key(1))).toBe("new");
});

test("a stale value is found where memory does not admit it, and not after it was deleted", async () => {
  const { a, side } = setUp({ graceMs: 600_000 });
  const tiny = side({ memory: { entriesMax: 1, bytesMax: 1 } });
  await a.cache.getOrSet(key(1), () => "old", { tags: ["t"] });
  await settle();
  await a.cache.expire(key(1));
  const { load, held } = source();
  const answer = tiny.cache.getOrSet(key(1), load);
  await settle();
  await tiny.cache.delete({ tags: ["t"] });
  // Joins the flight that found it, whose tags nobody knew before.
  const late = tiny.cache.getOrSet(key(1), load, { softTimeoutMs: 0, hardTimeoutMs: 1_000 });
  held[0]!.reject(new Error("down"));
  // Deleted since it was found: not even for a load that failed.
  await expect(answer).rejects.toThrow("down");
  await settle();
  held[1]!.reject(new Error("down again"));
  await expect(late).rejects.toThrow("down again");
});

test("a background refresh takes what another process stored meanwhile", async () => {
  const { a, b, clock } = setUp();
  const eager = { eagerRefresh: 0.5 };
  let loads = 0;
  const load = (): number => ++loads;
  await a.cache.getOrSet(key(1), load, eager);
  await settle();
  await b.cache.getOrSet(key(1), load, eager);
  await clock.advance(31_000);
  a.tier.confirm();
  expect(a.cache.getOrSet(key(1), load, eager)).toBe(1);
  await settle();
  expect(loads).toBe(2);
  b.tier.confirm();
  expect(b.cache.getOrSet(key(1), load, eager)).toBe(1);
  await settle();
  expect(loads).toBe(2);
  expect(b.cache.peek(key(1))).toBe(2);
});

test("deadlines hold whatever Redis does", async () => {
  const { a, clock } = setUp({ graceMs: 600_000 });
  await a.cache.getOrSet(key(1), () => "old");
  await settle();
  a.tier.held = true;
  // A third of the time is for Redis: the load has the rest.
  const fast = a.cache.getOrSet(key(2), () => "v", { hardTimeoutMs: 99 });
  await clock.advance(34);
  expect(await fast).toBe("v");
  const never = new Promise<string>(() => {});
  const slow = a.cache.getOrSet(key(3), () => never, { hardTimeoutMs: 100 });
  await clock.advance(100);
  await expect(slow).rejects.toMatchObject({ code: "HST_CACHE_TIMEOUT" });
  await clock.advance(60_000);
  a.tier.trust.confirm(instant(clock));
  const soft = a.cache.getOrSet(key(1), () => "v", { softTimeoutMs: 30 });
  await clock.advance(30);
  expect(await soft).toBe("old");
});

test("without Redis: loads go on, values are kept for the log's bound, and nothing stale after", async () => {
  const { a, b, clock } = setUp();
  a.tier.leaveAway();
  let loads = 0;
  const load = (): number => ++loads;
  expect(await a.cache.getOrSet(key(1), load)).toBe(1);
  expect(a.cache.peek(key(1))).toBe(1);
  await b.cache.delete(key(1));
  await clock.advance(501);
  expect(a.cache.peek(key(1))).toBeUndefined();
  expect(await a.cache.getOrSet(key(1), load)).toBe(2);
  expect(await a.cache.delete(key(3))).toMatchObject({ kind: "queued" });
  a.tier.comeBack();
  expect(await a.cache.getOrSet(key(1), load)).not.toBe(1);
});

test("Redis lost during the load: the value is kept here by the local rule", async () => {
  const { a } = setUp();
  const { load, held } = source();
  const first = a.cache.getOrSet(key(1), load);
  await settle();
  const joined = a.cache.getOrSet(key(1), load);
  a.tier.losing.push("fill");
  held[0]!.resolve("v");
  expect(await Promise.all([first, joined])).toEqual(["v", "v"]);
  expect(a.cache.peek(key(1))).toBe("v");
});

test("Redis flushed: what was loaded before is not kept, what was kept is dropped", async () => {
  const { a, world } = setUp();
  await a.cache.getOrSet(key(1), () => "v");
  const { load, held } = source();
  const loading = a.cache.getOrSet(key(2), load);
  await settle();
  world.flush();
  a.tier.confirm();
  expect(a.cache.peek(key(1))).toBeUndefined();
  held[0]!.resolve("w");
  expect(await loading).toBe("w");
  await settle();
  expect(a.cache.peek(key(2))).toBeUndefined();
});

test("set goes to everybody, the last to arrive wins; a token is judged by Redis too", async () => {
  const { a, b } = setUp();
  expect(await a.cache.set(key(1), "first")).toEqual({ kind: "applied" });
  expect(await b.cache.get(key(1))).toBe("first");
  await b.cache.set(key(1), "second");
  a.tier.confirm();
  expect(a.cache.peek(key(1))).toBeUndefined();
  expect(await a.cache.get(key(1))).toBe("second");

  const token = a.cache.begin(key(2));
  await b.cache.delete({ tags: ["t"] });
  expect(await a.cache.set(key(2), "old", { token, tags: ["t"] })).toMatchObject({
    kind: "refused",
  });
  expect(await b.cache.get(key(2))).toBeUndefined();
  a.tier.confirm();
  const again = a.cache.begin(key(2));
  expect(await a.cache.set(key(2), "new", { token: again, tags: ["t"] })).toEqual({
    kind: "applied",
  });
  expect(a.cache.peek(key(2))).toBe("new");
  expect(await b.cache.get(key(2))).toBe("new");
});

test("a set that memory does not admit is in Redis all the same", async () => {
  const { b, side } = setUp();
  const tiny = side({ memory: { bytesMax: 1 } });
  expect(await tiny.cache.set(key(1), "v")).toEqual({ kind: "applied" });
  const token = tiny.cache.begin(key(2));
  expect(await tiny.cache.set(key(2), "w", { token })).toEqual({ kind: "applied" });
  expect(await b.cache.getMany([key(1), key(2), key(3)])).toEqual(["v", "w", undefined]);
});

test("a counter is one for all", async () => {
  const { a, b } = setUp();
  const hits = defineKey("hits", () => []).of<number>();
  expect(await a.cache.increment(hits(), 2)).toBe(2);
  expect(await a.cache.get(hits())).toBe(2);
  expect(await b.cache.increment(hits(), 3)).toBe(5);
  a.tier.confirm();
  expect(await a.cache.get(hits())).toBe(5);
  await expect(a.cache.increment(hits(), Number.NaN)).rejects.toThrow("HST_CACHE_NUMBER");
});

test("many keys: found ones are not loaded, the rest in one batch", async () => {
  const { a, b } = setUp();
  await a.cache.getOrSet(key(1), () => "one");
  await settle();
  const batches: (readonly string[])[] = [];
  const values = await b.cache.getOrSetMany([key(1), key(2), key(3)], (keys) => {
    batches.push(keys);
    return keys.map((one) => `loaded ${one}`);
  });
  expect(values).toEqual(["one", "loaded thing:2", "loaded thing:3"]);
  expect(batches).toEqual([["thing:2", "thing:3"]]);
});

test("a key another process loads does not hold up the batch of the others", async () => {
  const { a, b } = setUp();
  const { load, held } = source();
  void a.cache.getOrSet(key(1), load);
  await settle();
  const batches: (readonly string[])[] = [];
  const values = b.cache.getOrSetMany([key(1), key(2)], (keys) => {
    batches.push(keys);
    return keys.map((one) => `b ${one}`);
  });
  await settle();
  expect(batches).toEqual([["thing:2"]]);
  held[0]!.resolve("by a");
  expect(await values).toEqual(["by a", "b thing:2"]);
});

test("promote brings what Redis has; nothing is asked where a fresh value is here", async () => {
  const { a, b, side } = setUp();
  await a.cache.getOrSet(key(1), () => "v");
  await settle();
  expect(a.cache.promote(key(1))).toBeUndefined();
  const [one, other] = [b.cache.promote(key(1)), b.cache.promote(key(1))];
  expect((await one)?.value).toBe("v");
  expect((await other)?.value).toBe("v");
  expect(b.tier.asked).toEqual(["read"]);
  expect(b.cache.peek(key(1))).toBe("v");
  const tiny = side({ memory: { bytesMax: 1 } });
  expect((await tiny.cache.promote(key(1)))?.value).toBe("v");
  expect(await tiny.cache.promote(key(9))).toBeUndefined();
});

test("a look that began before a delete of a tag it did not know is not shared with later askers", async () => {
  const { a, b } = setUp();
  await a.cache.getOrSet(key(1), () => "v", { tags: ["t"] });
  await settle();
  b.tier.held = true;
  const before = b.cache.get(key(1));
  b.tier.send();
  const deleted = b.cache.delete({ tags: ["t"] });
  const after = b.cache.get(key(1));
  b.tier.deliver();
  await settle();
  b.tier.held = false;
  b.tier.flow();
  await deleted;
  expect(await before).toBe("v");
  expect(await after).toBeUndefined();
  expect(b.cache.peek(key(1))).toBeUndefined();
});

test("one process holds a key, the other waits for its token to end", async () => {
  const { a, b } = setUp();
  const token = a.cache.begin(key(1));
  expect(await a.cache.hold(token)).toEqual({ kind: "mine" });
  const other = b.cache.begin(key(1));
  const held = await b.cache.hold(other);
  expect(held?.kind).toBe("theirs");
  await a.cache.set(key(1), "v", { token });
  if (held?.kind === "theirs") await held.over;
  expect(await b.cache.hold(other)).toMatchObject({ kind: "found", entry: { value: "v" } });
  other.release();
  const last = b.cache.begin(key(2));
  expect(await b.cache.hold(last)).toEqual({ kind: "mine" });
  last.release();
  expect(await a.cache.hold(a.cache.begin(key(2)))).toEqual({ kind: "mine" });
});

test("what cannot travel, or is told not to, stays here", async () => {
  const { a, b } = setUp();
  const odd = a.cache.key("odd", (n: number) => [n]).of<object>({ codec: byReference(() => 1) });
  await a.cache.getOrSet(odd(1), () => ({ made: () => 1 }));
  await a.cache.getOrSet(key(1), () => "here", { reach: "process" });
  await a.cache.set(key(2), "here", { reach: "process" });
  await settle();
  expect(a.tier.asked).toEqual(["invalidate"]);
  expect(a.cache.peek(odd(1))).toBeDefined();
  expect(await b.cache.getMany([key(1), key(2)])).toEqual([undefined, undefined]);
});

test("what another release wrote is a miss, and counted", async () => {
  const { a, b, world } = setUp();
  await a.cache.getOrSet(key(1), () => "v");
  await settle();
  const kept = world.entries.get("thing:1")!;
  const payload = { form: 7, bytes: Buffer.from("?") };
  world.entries.set("thing:1", { ...kept, value: { ...kept.value, payload } });
  expect(await b.cache.getOrSet(key(1), () => "loaded")).toBe("loaded");
  expect(b.cache.stats().undecodable).toBeGreaterThan(0);
});

test("a value hangs on the sources it names, by the trust of the process that found it", async () => {
  const { a, b, clock, side } = setUp({ tracked: true });
  const trustOf = (shared: string | undefined): Trust => {
    const trust = new Trust("stream", 500, clock);
    trust.shared = shared;
    trust.confirm(instant(clock));
    return trust;
  };
  const [here, there] = [trustOf("sql:db@1"), trustOf("sql:db@1")];
  b.tier.attach("sql:db@1", { trust: () => there });
  const load = (trust: Trust) => async () => {
    currentTrace()?.read(["sql:d:s.t"], trust);
    return "v";
  };
  await a.cache.getOrSet(key(1), load(here));
  await a.cache.getOrSet(key(2), load(trustOf(undefined)));
  await settle();
  expect(await b.cache.get(key(1))).toBe("v");
  expect(b.cache.entry(key(1))).toMatchObject({ promise: "stream", untracked: [] });
  expect(await b.cache.get(key(2))).toBeUndefined();
  expect(await side().cache.get(key(1))).toBeUndefined();
  b.cache.dropLocal(["sql:d:s.t"], "a row changed");
  expect(b.cache.peek(key(1))).toBeUndefined();
  there.end();
  await clock.advance(501);
  const found = b.cache.get(key(1));
  expect(await found).toBeUndefined();
});

test("memory may keep it for less, and takes it again from Redis", async () => {
  const { a, clock } = setUp({ memory: { ttlMaxMs: 1_000 } });
  let loads = 0;
  await a.cache.getOrSet(key(1), () => ++loads);
  await settle();
  await clock.advance(1_001);
  expect(a.cache.peek(key(1))).toBeUndefined();
  expect(await a.cache.getOrSet(key(1), () => ++loads)).toBe(1);
});

test("closing waits for what is being told, and closes the tier", async () => {
  const { a, b } = setUp();
  const { load, held } = source();
  const loading = a.cache.getOrSet(key(1), load);
  await settle();
  const closing = a.cache.close();
  await b.cache.delete(key(1));
  held[0]!.resolve("old");
  await Promise.all([loading, closing]);
  expect(a.tier.closed).toBe(true);
  expect(await b.cache.get(key(1))).toBeUndefined();
});

test("why tells of both tiers", async () => {
  const { a, b } = setUp();
  await a.cache.getOrSet(key(1), () => "v");
  await settle();
  expect(await b.cache.whyShared(key(1))).toMatchObject({
    here: { state: "absent" },
    shared: { state: "fresh" },
  });
  expect(b.cache.stats().shared).toMatchObject({ hits: 0 });
});
