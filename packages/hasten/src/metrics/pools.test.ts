import type { Meter } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { Registry } from "prom-client";
import { expect, expectTypeOf, test } from "vitest";
import { createHistogram } from "../core/histogram.ts";
import { type PoolMeter, registerPoolMetrics as registerMeter } from "./opentelemetry.ts";
import type { PoolSource } from "./pool-readings.ts";
import { registerPoolMetrics } from "./prom-client.ts";

function source(pool: string): PoolSource {
  const [wait, hold] = [createHistogram(), createHistogram()];
  for (const ms of [0.1, 1, 30]) wait.record(ms);
  const counts = { acquired: 3, timeouts: 1, failed: 0, shed: 0, opened: 2, closed: 1 };
  return {
    report: () => ({
      ...{ pool, active: 2, idle: 1, max: 5, waiting: 4, utilisationMean: 0.25 },
      ...{ ...counts, leaks: 1, leaksOut: 1, size: { size: 3 } },
      ...{ wait: wait.distribution(), hold: hold.distribution() },
    }),
  };
}

test("a scrape tells connections by state, waits as a histogram, and pools of one name apart", async () => {
  const register = new Registry();
  const end = registerPoolMetrics(register, { pools: [source("a"), source("b"), source("a")] });
  const text = await register.metrics();
  expect(text).toContain('hasten_pool_clients{pool="a",state="active"} 2');
  expect(text).toContain('hasten_pool_clients{pool="b",state="idle"} 1');
  expect(text).toContain("# TYPE hasten_pool_acquire_timeouts_total counter");
  expect(text).toContain('hasten_pool_wait_seconds_bucket{le="+Inf",pool="a"} 3');
  expect(text).toContain('hasten_pool_wait_seconds_count{pool="b"} 3');
  expect(text.match(/hasten_pool_waiting\{pool="a"/g)).toHaveLength(1);
  expect(text).toContain('hasten_pool_waiting{pool="a-2"} 4');
  end();
  expect(await register.metrics()).toBe("\n");
});

test("a reader collects the same figures and quantiles", async () => {
  expectTypeOf<Meter>().toExtend<PoolMeter>();
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  const end = registerMeter(provider.getMeter("test"), { pools: () => [source("a")] });
  await provider.forceFlush();
  const metrics = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  const points = (name: string) =>
    metrics.find(({ descriptor }) => descriptor.name === name)!.dataPoints;
  expect(points("hasten.pool.clients")).toMatchObject([
    { value: 2, attributes: { "hasten.pool": "a", "hasten.pool.state": "active" } },
    { value: 1, attributes: { "hasten.pool": "a", "hasten.pool.state": "idle" } },
  ]);
  expect(points("hasten.pool.wait.quantile")).toHaveLength(3);
  end();
  await provider.shutdown();
});
