/**
 * Metrics of connection pools for OpenTelemetry.
 *
 * Invariants: figures are read when a reader collects, no timer; attributes are the pool's name and the
 * state of its connections.
 */
import { figuresOf, POOL_DURATIONS, POOL_NUMBERS, type Pools } from "./pool-readings.ts";

type Attributes = Record<string, string>;
interface Observer {
  observe(instrument: never, value: number, attributes: Attributes): void;
}
type Collect = (observer: Observer) => void;
interface InstrumentOptions {
  readonly description: string;
  readonly unit: string;
}

/** What is used of a `Meter`. */
export interface PoolMeter {
  createObservableCounter(name: string, options: InstrumentOptions): object;
  createObservableGauge(name: string, options: InstrumentOptions): object;
  addBatchObservableCallback(collect: Collect, instruments: never[]): void;
  removeBatchObservableCallback(collect: Collect, instruments: never[]): void;
}

const MS_PER_SECOND = 1_000;
const QUANTILES = [
  ["0.5", "p50Ms"],
  ["0.95", "p95Ms"],
  ["0.99", "p99Ms"],
] as const;

const dotted = (name: string): string => `hasten.${name.replaceAll("_", ".")}`;

/**
 * Observable counters and gauges, `hasten.pool.clients` with `hasten.pool.state` first of all, and
 * quantiles of waits and holds as `hasten.pool.wait.quantile` and `hasten.pool.hold.quantile`.
 * @returns how to end it
 */
export function registerPoolMetrics(
  meter: PoolMeter,
  { pools }: { readonly pools: Pools },
): () => void {
  const figures = figuresOf(pools);
  const numbers = POOL_NUMBERS.map(({ kind, name, help, of }) => {
    const options = { description: help, unit: "1" };
    const instrument =
      kind === "counter"
        ? meter.createObservableCounter(dotted(name), options)
        : meter.createObservableGauge(dotted(name), options);
    return { of, instrument };
  });
  const durations = POOL_DURATIONS.map(({ name, help, of }) => {
    const options = { description: help, unit: "s" };
    return { of, instrument: meter.createObservableGauge(`${dotted(name)}.quantile`, options) };
  });
  const collect: Collect = (observer) => {
    for (const it of figures()) {
      const pool = { "hasten.pool": it.pool };
      for (const { of, instrument } of numbers)
        for (const { state, value } of of(it))
          observer.observe(
            instrument as never,
            value,
            state === undefined ? pool : { ...pool, "hasten.pool.state": state },
          );
      for (const { of, instrument } of durations) {
        const told = of(it);
        if (told.count === 0) continue;
        for (const [quantile, field] of QUANTILES)
          observer.observe(instrument as never, told[field] / MS_PER_SECOND, { ...pool, quantile });
      }
    }
  };
  const instruments = [...numbers, ...durations].map(({ instrument }) => instrument as never);
  meter.addBatchObservableCallback(collect, instruments);
  return () => meter.removeBatchObservableCallback(collect, instruments);
}
