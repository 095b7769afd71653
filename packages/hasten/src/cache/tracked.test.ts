import { expect, test } from "vitest";
import { manualClock } from "../core/clock.ts";
import type { InvalidationLog, LoggedInvalidation } from "../core/invalidation-log.ts";
import { currentTrace, inTrace, Trace } from "../core/trace/index.ts";
import { instant, Trust } from "../core/trust.ts";
import { type CacheOptions, createCache, defineKey } from "./index.ts";

const BOUND_MS = 500;
const key = defineKey("thing", (id: number) => [id]).of<string>();

function scene(options: CacheOptions = {}) {
  const clock = manualClock();
  const source = { trust: new Trust("stream", BOUND_MS, clock) };
  source.trust.confirm(instant(clock));
  const cache = createCache({ clock, jitter: 0, ttlMs: 60_000, tracked: true, ...options });
  let loads = 0;
  const load = async (): Promise<string> => {
    loads += 1;
    currentTrace()?.read(["sql:d:s.t"], source.trust);
    return `v${loads}`;
  };
  return { clock, source, cache, load, loads: () => loads };
}

/** A log as another process sees it, whose trust lapses when it is not told to hold. */
function logOf(clock = manualClock(), outcome: "applied" | "queued" = "applied") {
  const published: LoggedInvalidation[] = [];
  const listeners = new Set<(one: LoggedInvalidation) => void>();
  const trust = new Trust("stream", BOUND_MS, clock);
  trust.confirm(instant(clock));
  const log: InvalidationLog = {
    trust,
    async publish(one) {
      published.push(one);
      return outcome === "applied" ? { kind: "applied" } : { kind: "queued", depth: 3 };
    },
    subscribe(apply) {
      listeners.add(apply);
      return () => void listeners.delete(apply);
    },
  };
  const receive = (one: Partial<LoggedInvalidation>): void => {
    for (const apply of listeners)
      apply({ cache: "shop", how: "deleted", keys: [], tags: [], prefixes: [], ...one });
  };
  return { clock, log, trust, published, receive, listeners };
}

test("a load's reads drop its value, and nothing else does", async () => {
  const { cache, load, loads } = scene();
  await cache.getOrSet(key(1), load);
  expect(cache.entry(key(1))).toMatchObject({ confirmed: true, promise: "stream", untracked: [] });
  cache.dropLocal(["sql:d:s.other"], "another table");
  expect(cache.peek(key(1))).toBe("v1");
  cache.dropLocal(["sql:d:s.t"], "transaction 7");
  expect(cache.peek(key(1))).toBeUndefined();
  expect(cache.why(key(1))).toMatchObject({
    state: "invalid",
    because: expect.stringContaining("transaction 7"),
  });
  expect(await cache.getOrSet(key(1), load)).toBe("v2");
  expect(loads()).toBe(2);
});

test("a value read while its source was not ready is not kept, nor what is made from it", async () => {
  const { cache, clock } = scene();
  const trace = new Trace(clock);
  const load = async (): Promise<string> => {
    currentTrace()?.untracked("its source was not ready", "passing");
    return "v";
  };
  await inTrace(trace, () => cache.getOrSet(key(1), load));
  expect(cache.peek(key(1))).toBeUndefined();
  expect(trace.dependency().passing).toBe(true);
});

test("what lapsed is loaded again, and is fresh again when the source is heard of", async () => {
  const { cache, clock, source, load, loads } = scene();
  await cache.getOrSet(key(1), load);
  await clock.advance(BOUND_MS + 1);
  expect(cache.peek(key(1))).toBeUndefined();
  expect(cache.why(key(1)).state).toBe("unconfirmed");
  source.trust.confirm(instant(clock));
  expect(cache.peek(key(1))).toBe("v1");
  await clock.advance(BOUND_MS + 1);
  expect(await cache.getOrSet(key(1), load)).toBe("v2");
  expect(loads()).toBe(2);
});

test("what lapsed stands in for errors within its grace, never for a wait", async () => {
  const { cache, clock, load } = scene({ graceMs: 10_000, retryAfterMs: 0 });
  const down = async (): Promise<string> => {
    throw new Error("down");
  };
  await cache.getOrSet(key(1), load);
  await clock.advance(BOUND_MS + 1);
  expect(await cache.getOrSet(key(1), load, { softTimeoutMs: 0 })).toBe("v2");
  await clock.advance(BOUND_MS + 1);
  expect(await cache.getOrSet(key(1), down)).toBe("v2");
  expect(cache.entry(key(1))).toMatchObject({ value: "v2", confirmed: false });
  await clock.advance(10_000);
  expect(cache.entry(key(1))).toBeUndefined();
  await expect(cache.getOrSet(key(1), down)).rejects.toThrow("down");
});

test("what this process made untrue does not even stand in for an error", async () => {
  const { cache, clock, source, load } = scene({ graceMs: 10_000 });
  await cache.getOrSet(key(1), load);
  await clock.advance(1);
  source.trust.suspend(instant(clock));
  expect(cache.entry(key(1))).toBeUndefined();
  expect(cache.why(key(1)).because).toContain("this process wrote");
  const down = Promise.resolve(cache.getOrSet(key(1), () => Promise.reject(new Error("down"))));
  await expect(down).rejects.toThrow("down");
});

test("a load waits for what it began, and is untracked if that does not end", async () => {
  const { cache, clock, source } = scene();
  const release = Promise.withResolvers<void>();
  const load = (ends: boolean) => async (): Promise<string> => {
    const trace = currentTrace()!;
    trace.began();
    void release.promise.then(() => {
      trace.read(["sql:d:s.late"], source.trust);
      if (ends) trace.ended();
    });
    trace.read(["sql:d:s.t"], source.trust);
    return "v";
  };
  const ended = Promise.resolve(cache.getOrSet(key(1), load(true)));
  const stuck = Promise.resolve(cache.getOrSet(key(2), load(false)));
  await clock.advance(10);
  expect(cache.entry(key(1))).toBeUndefined();
  release.resolve();
  expect(await ended).toBe("v");
  expect(cache.entry(key(1))).toMatchObject({ tags: ["sql:d:s.t", "sql:d:s.late"], untracked: [] });
  await clock.advance(2_000);
  expect(await stuck).toBe("v");
  expect(cache.entry(key(2))?.untracked).toEqual(["a query that did not end"]);
});

test("each value of a batch depends on what the batch read", async () => {
  const { cache, source } = scene();
  await cache.getOrSetMany([key(1), key(2)], async (keys) => {
    currentTrace()?.read(["sql:d:s.t"], source.trust);
    return keys.map(() => "v");
  });
  expect([1, 2].map((id) => cache.entry(key(id))?.tags)).toEqual([["sql:d:s.t"], ["sql:d:s.t"]]);
  cache.dropLocal(["sql:d:s.t"], "a change");
  expect([1, 2].map((id) => cache.peek(key(id)))).toEqual([undefined, undefined]);
});

test("who uses a value that nobody watched is untracked; a look aside is no use", async () => {
  const { clock } = scene();
  const plain = createCache({ clock });
  await plain.set(key(1), "v");
  await plain.set(key(2), "w");
  const uses: ((trace: Trace) => unknown)[] = [
    () => plain.peek(key(1)),
    () => plain.get(key(1)),
    () => plain.entry(key(1)),
    () => plain.getOrSet(key(1), () => "x"),
    () => plain.getMany([key(1)]),
    () => plain.getOrSetMany([key(1)], () => ["x"]),
    () => plain.increment(key(9) as never),
  ];
  for (const use of uses) {
    const trace = new Trace(clock);
    trace.read(["sql:d:s.t"], undefined);
    await inTrace(trace, () => use(trace));
    expect(trace.dependency().untracked).toHaveLength(1);
  }
  const trace = new Trace(clock);
  inTrace(trace, () => plain.entry(key(2), { aside: true }));
  expect(trace.dependency()).toMatchObject({ tags: [], untracked: ["nothing was read"] });
});

test("a fill by hand counts from its trace, also for what was invalidated before the first one", async () => {
  const { cache, clock } = scene({ tracked: false });
  for (const first of [true, false]) {
    const trace = new Trace(clock);
    cache.dropLocal(["sql:d:s.t"], "while the trace reads");
    const token = cache.begin(key(1), { trace });
    trace.read(["sql:d:s.t"], undefined);
    const dependency = trace.dependency();
    expect(token.voided(["sql:d:s.t"]), String(first)).toBe(true);
    expect(await cache.set(key(1), "old", { token, dependency })).toMatchObject({
      kind: "refused",
    });
    expect(await cache.set(key(1), "old", { dependency })).toMatchObject({ kind: "refused" });
  }
  const trace = new Trace(clock);
  trace.read(["sql:d:s.t"], undefined);
  cache.dropLocal(["sql:d:s.u"], "another table");
  const token = cache.begin(key(1), { trace });
  const set = await cache.set(key(1), "new", {
    token,
    dependency: trace.dependency(),
    tags: ["x"],
  });
  expect(set).toEqual({ kind: "applied" });
  expect(cache.entry(key(1))?.tags).toEqual(["x", "sql:d:s.t"]);
  expect(cache.entry(key(1))?.untracked).toEqual([]);
});

test("everything dropped also voids the traces that are open", async () => {
  const { cache, clock } = scene();
  const trace = new Trace(clock);
  cache.dropLocal("everything", "attached");
  expect(cache.begin(key(1), { trace }).voided([])).toBe(true);
  expect(cache.begin(key(1), { trace: new Trace(clock) }).voided([])).toBe(false);
});

test("a cache that a source's changes do not reach keeps what hangs on it as untracked", async () => {
  const { cache, source, load } = scene();
  const attached = new Set<object>();
  source.trust.audience = attached;
  await cache.getOrSet(key(1), load);
  expect(cache.entry(key(1))).toMatchObject({ promise: "ttl" });
  expect(cache.entry(key(1))?.untracked).toHaveLength(1);
  attached.add(cache);
  await cache.delete(key(1));
  await cache.getOrSet(key(1), load);
  expect(cache.entry(key(1))).toMatchObject({ promise: "stream", untracked: [] });
});

test("tags of rows are not given by hand, and may be deleted by hand", async () => {
  const { cache } = scene();
  const code = { code: "HST_CACHE_TAG" };
  await expect(cache.set(key(1), "v", { tags: ["sql:x"] })).rejects.toMatchObject(code);
  expect(() => cache.getOrSet(key(1), () => "v", { tags: ["sql:x"] })).toThrow(/reserved/);
  const learnt = cache.getOrSet(key(1), () => "v", { tags: () => ["sql:x"] });
  await expect(Promise.resolve(learnt)).rejects.toMatchObject(code);
  expect(await cache.delete({ tags: ["sql:d:s.t"] })).toEqual({ kind: "applied" });
});

test("invalidations are told to the log, and those of others applied and not told again", async () => {
  const { clock, log, published, receive, listeners } = logOf();
  const cache = createCache({ name: "shop", clock, log });
  await cache.set(key(1), "v", { tags: ["t"] });
  await cache.getOrSet(key(2), () => "w");
  await cache.delete({ tags: ["t"], prefixes: ["thing"] });
  await cache.expire(key(3));
  await cache.clear();
  expect(published.map(({ how, keys, tags, prefixes }) => [how, keys, tags, prefixes])).toEqual([
    ["deleted", ["thing:1"], [], []],
    ["deleted", [], ["t"], ["thing:"]],
    ["expired", ["thing:3"], [], []],
    ["cleared", [], [], []],
  ]);
  await cache.getOrSet(key(1), () => "v");
  receive({ cache: "other", keys: [key(1)] });
  expect(cache.peek(key(1))).toBe("v");
  receive({ keys: [key(1)] });
  expect(cache.peek(key(1))).toBeUndefined();
  expect(cache.why(key(1)).because).toContain("another process");
  expect(published).toHaveLength(4);
  await cache.close();
  expect(listeners.size).toBe(0);
});

test("queued passes through, and can be refused", async () => {
  const { clock, log } = logOf(manualClock(), "queued");
  const cache = createCache({ clock, log });
  expect(await cache.delete(key(1))).toEqual({ kind: "queued", depth: 3 });
  await expect(cache.delete(key(1), { require: "applied" })).rejects.toMatchObject({
    code: "HST_CACHE_QUEUED",
  });
});

test("everywhere waits for the bound of the others", async () => {
  const { clock, log } = logOf();
  const cache = createCache({ clock, log });
  let done = false;
  const wait = cache.delete(key(1), { everywhere: true }).then(() => {
    done = true;
  });
  await clock.advance(0);
  await clock.advance(BOUND_MS - 1);
  expect(done).toBe(false);
  await clock.advance(1);
  await wait;
  expect(done).toBe(true);
});

test("while the log is silent hits are loaded again, or served and counted", async () => {
  for (const whenUnreachable of ["validate", "serve"] as const) {
    const { clock, log } = logOf();
    const cache = createCache({ clock, log, whenUnreachable });
    await cache.getOrSet(key(1), () => "old");
    await clock.advance(BOUND_MS + 1);
    const served = await cache.getOrSet(key(1), () => "new");
    expect(served).toBe(whenUnreachable === "serve" ? "old" : "new");
    expect(cache.stats().unconfirmedServed).toBe(whenUnreachable === "serve" ? 1 : 0);
    if (whenUnreachable === "serve") expect(cache.entry(key(1))?.confirmed).toBe(false);
  }
});

test("what was read before a log was trusted is not kept", async () => {
  const { clock, log } = logOf();
  const cache = createCache({ clock, log });
  const trace = new Trace(clock);
  const late = createCache({ clock, log: { ...log, trust: new Trust("stream", 500, clock) } });
  expect(cache.begin(key(1)).voided([])).toBe(false);
  expect(late.begin(key(1), { trace }).voided([])).toBe(true);
});

test("a number that is counted up stays with what it was made from", async () => {
  const { cache, source } = scene();
  const count = defineKey("count", (id: number) => [id]).of<number>();
  await cache.getOrSet(count(1), async () => {
    currentTrace()?.read(["sql:d:s.t"], source.trust);
    return 5;
  });
  expect(await cache.increment(count(1))).toBe(6);
  expect(cache.entry(count(1))).toMatchObject({ value: 6, tags: ["sql:d:s.t"], untracked: [] });
  cache.dropLocal(["sql:d:s.t"], "a change");
  expect(cache.peek(count(1))).toBeUndefined();
});
