/**
 * Metrics of caches for prom-client. Nothing of that package is loaded here: what is registered has
 * the shape of its metrics, and is made when a scrape asks.
 *
 * Invariants: no timer and no work between scrapes; labels are `cache` and `tier` (and `le`), so
 * that there are at most as many series as caches times a constant.
 */

import type { CacheReport } from "../cache/index.ts";
import {
  DURATIONS,
  type DurationReadings,
  NUMBERS,
  type NumberReadings,
  type Reading,
} from "./readings.ts";
import {
  histogramSamples,
  type Labels,
  type MetricRegister,
  ScrapedMetric,
} from "./scraped-metric.ts";
import { type Caches, reportsOf } from "./sources.ts";

export { type PoolMetricsOptions, registerPoolMetrics } from "./prom-pools.ts";
export type { MetricRegister } from "./scraped-metric.ts";

export interface CacheMetricsOptions {
  readonly caches: Caches;
  /** Before every name. @default "hasten_" */
  readonly prefix?: string | undefined;
}

/**
 * Registers counters, gauges and histograms of caches, collected at each scrape.
 * @returns how to take them out again
 * @throws HastenError HST_METRICS_CACHES; what the register throws for names that it has already
 */
export function registerCacheMetrics(
  register: MetricRegister,
  { caches, prefix = "hasten_" }: CacheMetricsOptions,
): () => void {
  const reports = reportsOf(caches);
  const metrics = [
    ...NUMBERS.map((one) => numberMetric(prefix, one, reports)),
    ...DURATIONS.map((one) => durationMetric(prefix, one, reports)),
  ];
  const names = metrics.map(({ name }) => name);
  for (const metric of metrics) register.registerMetric(metric as never);
  return () => {
    for (const name of names) register.removeSingleMetric(name);
  };
}

type Reports = () => readonly CacheReport[];

function numberMetric(prefix: string, one: NumberReadings, reports: Reports): ScrapedMetric {
  const unit = one.unit === undefined ? "" : `_${one.unit}`;
  const total = one.kind === "counter" ? "_total" : "";
  const told = { help: one.help, type: one.kind, aggregator: one.together };
  return new ScrapedMetric({ ...told, name: `${prefix}${one.name}${unit}${total}` }, () =>
    reports().flatMap((report) =>
      one.of(report).map((it) => ({ labels: labelsOf(report, it), value: it.value })),
    ),
  );
}

function durationMetric(prefix: string, one: DurationReadings, reports: Reports): ScrapedMetric {
  const name = `${prefix}${one.name}_seconds`;
  const told = { name, help: one.help, type: "histogram", aggregator: "sum" };
  return new ScrapedMetric(told, () =>
    reports().flatMap((report) =>
      one
        .of(report)
        .flatMap((it) => histogramSamples(name, labelsOf(report, it), it.value, one.octaves)),
    ),
  );
}

function labelsOf({ cache }: CacheReport, { tier }: Reading<unknown>): Labels {
  return tier === undefined ? { cache } : { cache, tier };
}
