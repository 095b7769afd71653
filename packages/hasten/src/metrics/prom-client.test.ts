import { AggregatorRegistry, Registry } from "prom-client";
import { expect, test } from "vitest";
import { createCache, defineKey } from "../cache/index.ts";
import { registerCacheMetrics } from "./prom-client.ts";

const key = defineKey("secret", (id: number) => [id]).of<number>();

async function used(name: string) {
  const cache = createCache({ name });
  for (let id = 0; id < 5; id++) await cache.getOrSet(key(id), () => id, { tags: ["private"] });
  for (let n = 0; n < 1_000; n++) cache.peek(key(1));
  return cache;
}

test("a scrape tells counters, gauges and cumulative histograms of each cache", async () => {
  const register = new Registry();
  registerCacheMetrics(register, { caches: [await used("a"), await used("b")] });
  const text = await register.metrics();
  expect(text).toContain("# TYPE hasten_cache_hits_total counter");
  expect(text).toContain('hasten_cache_hits_total{cache="a",tier="memory"} 1000');
  expect(text).toContain('hasten_cache_misses_total{cache="b",tier="memory"} 5');
  expect(text).toContain('hasten_cache_entries{cache="a",tier="memory"} 5');
  expect(text).toContain("# TYPE hasten_cache_size_bytes gauge");
  expect(text).toContain("# TYPE hasten_cache_load_duration_seconds histogram");
  expect(text).toContain('hasten_cache_load_duration_seconds_bucket{le="+Inf",cache="a"} 5');
  expect(text).toContain('hasten_cache_load_duration_seconds_count{cache="a"} 5');
  expect(text).not.toMatch(/secret|private/);
  expect(text).not.toContain('tier="shared"');
});

test("the buckets of a histogram grow by two and never fall", async () => {
  const register = new Registry();
  registerCacheMetrics(register, { caches: [await used("a")] });
  const lines = (await register.metrics()).split("\n");
  const buckets = lines.filter((line) =>
    line.startsWith("hasten_cache_hit_duration_seconds_bucket"),
  );
  const bounds = buckets.map((line) =>
    Number(/le="([^"]+)"/.exec(line)![1]!.replace("+Inf", "Infinity")),
  );
  const counts = buckets.map((line) => Number(line.split(" ").at(-1)));
  expect(bounds.length).toBe(18);
  for (let at = 1; at < bounds.length - 1; at++)
    expect(bounds[at]! / bounds[at - 1]!).toBeCloseTo(2);
  for (let at = 1; at < counts.length; at++)
    expect(counts[at]).toBeGreaterThanOrEqual(counts[at - 1]!);
  expect(counts.at(-1)).toBeGreaterThan(2);
});

test("OpenMetrics and JSON are told as well, and caches that come later", async () => {
  const caches = [await used("a")];
  const register = new Registry();
  register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
  registerCacheMetrics(register, { caches: () => caches });
  caches.push(await used("later"), await used("later"));
  const text = await register.metrics();
  expect(text).toContain("# TYPE hasten_cache_hits counter");
  expect(text).toContain('hasten_cache_hits_total{cache="later",tier="memory"} 1000');
  expect(text.match(/hasten_cache_hits_total\{cache="later"/g)).toHaveLength(1);
  expect(text.trimEnd().endsWith("# EOF")).toBe(true);
  const json = await register.getMetricsAsJSON();
  expect(json.find(({ name }) => name === "hasten_cache_loads_running")).toBeDefined();
});

test("the metrics of several processes add up", async () => {
  const parts = await Promise.all(
    [await used("a"), await used("a")].map(async (cache) => {
      const register = new Registry();
      registerCacheMetrics(register, { caches: [cache] });
      return register.getMetricsAsJSON();
    }),
  );
  const text = await AggregatorRegistry.aggregate(parts).metrics();
  expect(text).toContain('hasten_cache_hits_total{cache="a",tier="memory"} 2000');
  expect(text).toMatch(/hasten_cache_load_duration_seconds_count\{cache="a"\} 10/);
});

test("they can be taken out, set back by nobody, and names must differ", async () => {
  const register = new Registry();
  const cache = await used("a");
  const remove = registerCacheMetrics(register, { caches: [cache], prefix: "shop_" });
  register.resetMetrics();
  expect(await register.metrics()).toContain("shop_cache_hits_total");
  expect(() => registerCacheMetrics(register, { caches: [cache], prefix: "shop_" })).toThrow();
  remove();
  expect((await register.metrics()).trim()).toBe("");
  expect(() =>
    registerCacheMetrics(register, { caches: [cache, createCache({ name: "a" })] }),
  ).toThrow("HST_METRICS_CACHES");
});
