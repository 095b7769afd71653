import type { Meter, Tracer } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { expect, expectTypeOf, test } from "vitest";
import { createCache, defineKey } from "../cache/index.ts";
import { channels } from "../core/channels.ts";
import {
  type CacheMeter,
  type CacheTracer,
  registerCacheMetrics,
  traceCacheLoads,
} from "./opentelemetry.ts";

const key = defineKey("secret", (id: number) => [id]).of<number>();

async function collected(use: (meter: Meter) => Promise<unknown>) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  try {
    await use(provider.getMeter("test"));
    await provider.forceFlush();
    const metrics = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    return new Map(metrics.map((one) => [one.descriptor.name, one]));
  } finally {
    await provider.shutdown();
  }
}

test("what is used of a meter and a tracer is there", () => {
  expectTypeOf<Meter>().toExtend<CacheMeter>();
  expectTypeOf<Tracer>().toExtend<CacheTracer>();
});

test("a reader collects counters, gauges, quantiles and the histogram of loads", async () => {
  const cache = createCache({ name: "orders" });
  const other = createCache({ name: "not asked for" });
  const metrics = await collected(async (meter) => {
    registerCacheMetrics(meter, { caches: [cache] });
    for (const one of [cache, other])
      for (let id = 0; id < 4; id++) await one.getOrSet(key(id), () => id);
    await Promise.resolve(cache.getOrSet(key(9), () => Promise.reject(new Error("down")))).catch(
      () => undefined,
    );
    cache.peek(key(1));
  });
  const points = (name: string) => metrics.get(name)!.dataPoints;
  const memory = { "hasten.cache": "orders", "hasten.cache.tier": "memory" };
  expect(points("hasten.cache.hits")).toMatchObject([{ value: 1, attributes: memory }]);
  expect(points("hasten.cache.entries")).toMatchObject([{ value: 4, attributes: memory }]);
  expect(metrics.get("hasten.cache.size")!.descriptor.unit).toBe("By");
  expect(
    points("hasten.cache.load.duration.quantile").map((one) => one.attributes["quantile"]),
  ).toEqual(["0.5", "0.95", "0.99"]);
  const loads = points("hasten.cache.load.duration");
  expect(loads.map(({ attributes }) => attributes)).toEqual([
    { "hasten.cache": "orders", outcome: "loaded" },
    { "hasten.cache": "orders", outcome: "failed" },
  ]);
  expect(loads.map(({ value }) => (value as { count: number }).count)).toEqual([4, 1]);
  expect(JSON.stringify([...metrics.values()])).not.toContain("secret");
});

test("nothing is left when it ends", async () => {
  const before = channels.cacheEvent.hasSubscribers;
  const metrics = await collected(async (meter) => {
    registerCacheMetrics(meter, { caches: [createCache()] })();
  });
  expect(channels.cacheEvent.hasSubscribers).toBe(before);
  expect([...metrics.values()].flatMap<unknown>(({ dataPoints }) => [...dataPoints])).toEqual([]);
});

test("a load is a span with its kind of key, and its error", async () => {
  const spans: { name: string; attributes: object; startTime: number; told: unknown[] }[] = [];
  const tracer: CacheTracer = {
    startSpan(name, { attributes, startTime }) {
      const told: unknown[] = [];
      spans.push({ name, attributes, startTime, told });
      return {
        recordException: (error) => told.push(error.message),
        setStatus: ({ code }) => told.push(code),
        end: (atMs) => told.push(atMs >= startTime),
      };
    },
  };
  const cache = createCache({ name: "orders" });
  const stop = traceCacheLoads(tracer, { caches: () => [cache] });
  await cache.getOrSet(key(1), () => 1);
  await Promise.resolve(cache.getOrSet(key(2), () => Promise.reject(new Error("down")))).catch(
    () => undefined,
  );
  stop();
  await cache.getOrSet(key(3), () => 3);
  expect(spans.map(({ told }) => told)).toEqual([[true], ["down", 2, true]]);
  expect(spans[0]).toMatchObject({
    name: "hasten.cache.load",
    attributes: { "hasten.cache": "orders", "hasten.cache.kind": "secret" },
  });
});
