/** Metrics as a register of prom-client calls them, made when a scrape asks. */
import type { HistogramDistribution } from "../core/histogram.ts";

/** What is used of a `Registry` of prom-client. */
export interface MetricRegister {
  registerMetric(metric: never): void;
  removeSingleMetric(name: string): void;
}

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

const MS_PER_SECOND = 1_000;

/** Buckets, sum and count of one distribution; `octaves` are the powers of two told. */
export function histogramSamples(
  name: string,
  labels: Labels,
  { buckets, count, sumMs }: HistogramDistribution,
  [from, to]: readonly [from: number, to: number],
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

/** What a register calls of a metric. The register may change the name (OpenMetrics). */
export class ScrapedMetric {
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
