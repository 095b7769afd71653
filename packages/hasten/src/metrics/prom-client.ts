/**
 * Metrics of caches for prom-client. Nothing of that package is loaded here: what is registered has
 * the shape of its metrics, and is made when a scrape asks.
 *
 * Invariants: no timer and no work between scrapes; labels are `cache` and `tier` (and `le`), so
 * that there are at most as many series as caches times a constant.
 */

import type { CacheReport } from "../cache/index.ts";
import type { HistogramDistribution } from "../core/histogram.ts";
import {
  DURATIONS,
  type DurationReadings,
  NUMBERS,
  type NumberReadings,
  type Reading,
} from "./readings.ts";
import { type Caches, reportsOf } from "./sources.ts";

/** What is used of a `Registry` of prom-client. */
export interface MetricRegister {
  registerMetric(metric: never): void;
  removeSingleMetric(name: string): void;
}

export interface CacheMetricsOptions {
  readonly caches: Caches;
  /** Before every name. @default "hasten_" */
  readonly prefix?: string | undefined;
}

type Labels = Readonly<Record<string, string | number>>;

interface Sample {
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

const MS_PER_SECOND = 1_000;

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

function histogramSamples(
  name: string,
  labels: Labels,
  { buckets, count, sumMs }: HistogramDistribution,
  [from, to]: DurationReadings["octaves"],
): readonly Sample[] {
  const metricName = `${name}_bucket`;
  const told = buckets.slice(from - 1, to).map((bucket) => ({
    metricName,
    labels: { le: bucket.upToMs / MS_PER_SECOND, ...labels },
    value: bucket.count,
  }));
  return [
    ...told,
    { metricName, labels: { le: "+Inf", ...labels }, value: count },
    { metricName: `${name}_sum`, labels, value: sumMs / MS_PER_SECOND },
    { metricName: `${name}_count`, labels, value: count },
  ];
}

function labelsOf({ cache }: CacheReport, { tier }: Reading<unknown>): Labels {
  return tier === undefined ? { cache } : { cache, tier };
}

/** What a register calls of a metric. The register may change the name (OpenMetrics). */
class ScrapedMetric {
  name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  readonly #collect: () => readonly Sample[];

  constructor(
    told: Pick<ScrapedMetric, "name" | "help" | "type" | "aggregator">,
    collect: () => readonly Sample[],
  ) {
    this.name = told.name;
    this.help = told.help;
    this.type = told.type;
    this.aggregator = told.aggregator;
    this.#collect = collect;
  }

  async get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#collect() };
  }

  /** Counts belong to the caches: a register cannot set them back. */
  reset(): void {}
}
