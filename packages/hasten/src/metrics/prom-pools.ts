/**
 * Metrics of connection pools for prom-client.
 *
 * Invariants: no timer and no work between scrapes; labels are `pool` and `state` (and `le`).
 */
import { figuresOf, POOL_DURATIONS, POOL_NUMBERS, type Pools } from "./pool-readings.ts";
import { histogramSamples, type MetricRegister, ScrapedMetric } from "./scraped-metric.ts";

export interface PoolMetricsOptions {
  /** What `watchPool` gives, and `db.poolWatch`; the second of a name gets `-2` behind it. */
  readonly pools: Pools;
  /** Before every name. @default "hasten_" */
  readonly prefix?: string | undefined;
}

/** 64 µs to 67 s, in steps of a microsecond. */
const OCTAVES = [6, 26] as const;

/**
 * Registers `hasten_pool_clients{state}`, `hasten_pool_wait_seconds` and the rest, collected at each
 * scrape.
 * @returns how to take them out again
 * @throws what the register throws for names that it has already
 */
export function registerPoolMetrics(
  register: MetricRegister,
  { pools, prefix = "hasten_" }: PoolMetricsOptions,
): () => void {
  const figures = figuresOf(pools);
  const numbers = POOL_NUMBERS.map(({ kind, name, help, of }) => {
    const full = `${prefix}${name}${kind === "counter" ? "_total" : ""}`;
    return new ScrapedMetric({ name: full, help, type: kind, aggregator: "sum" }, () =>
      figures().flatMap((it) =>
        of(it).map(({ state, value }) => ({
          labels: state === undefined ? { pool: it.pool } : { pool: it.pool, state },
          value,
        })),
      ),
    );
  });
  const durations = POOL_DURATIONS.map(({ name, help, of }) => {
    const full = `${prefix}${name}_seconds`;
    return new ScrapedMetric({ name: full, help, type: "histogram", aggregator: "sum" }, () =>
      figures().flatMap((it) => histogramSamples(full, { pool: it.pool }, of(it), OCTAVES)),
    );
  });
  const metrics = [...numbers, ...durations];
  const names = metrics.map(({ name }) => name);
  for (const metric of metrics) register.registerMetric(metric as never);
  return () => {
    for (const name of names) register.removeSingleMetric(name);
  };
}
