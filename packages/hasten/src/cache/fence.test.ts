import { expect, test } from "vitest";
import { channels } from "../core/channels.ts";
import { Fence } from "./fence.ts";
import { type CacheEvent, createCache, defineKey } from "./index.ts";

const fence = (limits: Partial<{ fillsMax: number; marksMax: number }> = {}) =>
  new Fence({ fillsMax: 10, marksMax: 10, ...limits });

const deleteTag = (one: Fence, tag: string): void => {
  one.advance();
  one.deleteTag(tag);
};

test("a fill is void after its key, a tag or a prefix was taken, and not by others", () => {
  const one = fence();
  const fill = one.begin("user:7:orders", ["declared"]);
  deleteTag(one, "other");
  one.advance();
  one.takeKey("user:7");
  one.deletePrefix("user:8:");
  expect(one.isVoid(fill, ["learnt"])).toBe(false);
  const ways: ((f: Fence) => void)[] = [
    (f) => f.takeKey("user:7:orders"),
    (f) => f.deleteTag("declared"),
    (f) => f.deleteTag("learnt"),
    (f) => f.expireTag("learnt", 0),
    (f) => f.deletePrefix("user:"),
    (f) => f.expirePrefix("user:7:", 0),
    (f) => f.takeAll(),
  ];
  for (const take of ways) {
    const again = fence();
    const late = again.begin("user:7:orders", ["declared"]);
    again.advance();
    take(again);
    expect(again.isVoid(late, ["learnt"])).toBe(true);
    expect(again.isVoid(again.begin("user:7:orders", ["declared"]), ["learnt"])).toBe(false);
  }
});

test("invalidations are only remembered while a fill is open", () => {
  const one = fence();
  deleteTag(one, "a");
  expect(one.marks).toBe(0);
  const first = one.begin("k");
  deleteTag(one, "a");
  const second = one.begin("k");
  one.end(first);
  expect(one.marks).toBe(1);
  expect(one.isVoid(second, ["a"])).toBe(false);
  one.end(second);
  expect(one.marks).toBe(0);
});

test("above marksMax marks nobody needs go first, and then fills from before the oldest are void", () => {
  const one = fence({ marksMax: 3 });
  const first = one.begin("old");
  for (const tag of ["a", "b", "c"]) deleteTag(one, tag);
  const second = one.begin("new");
  one.end(first);
  deleteTag(one, "d");
  expect(one.marks).toBe(1);
  expect(one.isVoid(second, ["a"])).toBe(false);
  for (const tag of ["e", "f", "g"]) deleteTag(one, tag);
  expect(one.marks).toBe(3);
  expect(one.isVoid(second)).toBe(true);
  expect(one.isVoid(one.begin("next"))).toBe(false);
});

test("above fillsMax the oldest fill is void, so that leaked tokens cannot pile up", () => {
  const one = fence({ fillsMax: 2 });
  const [a, b, c] = ["a", "b", "c"].map((key) => one.begin(key));
  expect(one.openFills).toBe(2);
  expect([a, b, c].map((fill) => one.isVoid(fill!))).toEqual([true, false, false]);
});

test("what happens is published where somebody listens", async () => {
  const events: CacheEvent[] = [];
  const listen = (event: unknown): void => void events.push(event as CacheEvent);
  channels.cacheEvent.subscribe(listen);
  try {
    const key = defineKey("thing", (id: number) => [id]).of<string>();
    const cache = createCache({ name: "shop", memory: { bytesMax: 500 } });
    await cache.getOrSet(key(1), () => "v");
    await Promise.allSettled([
      cache.getOrSet(key(2), async () => {
        throw new Error("down");
      }),
    ]);
    await cache.getOrSet(key(3), () => "x".repeat(1_000));
    await cache.delete({ tags: ["t"] });
    await cache.expire(key(1));
    await cache.clear();
    expect(events.map((event) => event.kind)).toEqual([
      "loaded",
      "load-failed",
      "evicted",
      "fill-refused",
      "loaded",
      "deleted",
      "expired",
      "cleared",
    ]);
    expect(new Set(events.map((event) => event.cache))).toEqual(new Set(["shop"]));
  } finally {
    channels.cacheEvent.unsubscribe(listen);
  }
});

test("closing leaves no timer behind", async () => {
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === "Timeout").length;
  const before = timers();
  const cache = createCache({ hardTimeoutMs: 1_000 });
  const key = defineKey("thing", (id: number) => [id]).of<string>();
  await cache.getOrSet(key(1), async () => "v");
  await cache.close();
  expect(timers() - before).toBeLessThanOrEqual(0);
});
