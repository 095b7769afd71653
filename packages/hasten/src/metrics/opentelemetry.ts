/**
 * Metrics and spans of caches for OpenTelemetry. Nothing of its packages is loaded here: a Meter and
 * a Tracer are what looks like one.
 *
 * Invariants: figures are read when a reader collects, no timer; attributes are the cache's name and
 * its tier (spans: the kind of key), never keys or tags; what was begun ends with the function that
 * is returned.
 */

import type { CacheEvent, CacheReport } from "../cache/index.ts";
import { channels } from "../core/channels.ts";
import type { HistogramDistribution } from "../core/histogram.ts";
import { DURATIONS, NUMBERS, type NumberReadings, type Reading } from "./readings.ts";
import { type Caches, reportsOf } from "./sources.ts";

export { type PoolMeter, registerPoolMetrics } from "./opentelemetry-pools.ts";
export {
  type StatementAttributes,
  type StatementSpan,
  type StatementTracer,
  traceStatements,
} from "./statement-spans.ts";

type Attributes = Record<string, string>;

interface InstrumentOptions {
  readonly description: string;
  readonly unit: string;
}

interface Observer {
  observe(instrument: never, value: number, attributes: Attributes): void;
}

type Collect = (observer: Observer) => void;

/** What is used of a `Meter`. */
export interface CacheMeter {
  createObservableCounter(name: string, options: InstrumentOptions): object;
  createObservableGauge(name: string, options: InstrumentOptions): object;
  createHistogram(
    name: string,
    options: InstrumentOptions & { readonly advice: { explicitBucketBoundaries: number[] } },
  ): { record(value: number, attributes: Attributes): void };
  addBatchObservableCallback(collect: Collect, instruments: never[]): void;
  removeBatchObservableCallback(collect: Collect, instruments: never[]): void;
}

/** What is used of a `Tracer`. */
export interface CacheTracer {
  startSpan(
    name: string,
    options: { readonly startTime: number; readonly attributes: Attributes },
  ): {
    recordException(error: Error): void;
    setStatus(status: { code: number }): unknown;
    end(atMs: number): void;
  };
}

const MS_PER_SECOND = 1_000;
/** `SpanStatusCode.ERROR` */
const ERROR = 2;
const LOAD_DURATION = "hasten.cache.load.duration";
/** Powers of two from 64 µs to 67 s, in seconds. */
const BOUNDS: readonly number[] = Array.from({ length: 21 }, (_, n) => 2 ** (n + 6) / 1_000_000);
const QUANTILES = [
  ["0.5", "p50Ms"],
  ["0.95", "p95Ms"],
  ["0.99", "p99Ms"],
] as const satisfies readonly (readonly [string, keyof HistogramDistribution])[];

/**
 * Observable counters and gauges for every figure, quantiles of what each tier takes as
 * `hasten.cache.….duration.quantile`, and loads as a histogram, `hasten.cache.load.duration`.
 * @returns how to end it
 * @throws HastenError HST_METRICS_CACHES
 */
export function registerCacheMetrics(
  meter: CacheMeter,
  { caches }: { readonly caches: Caches },
): () => void {
  const reports = reportsOf(caches);
  const numbers = NUMBERS.map((one) => ({ one, instrument: numberInstrument(meter, one) }));
  const quantiles = DURATIONS.map((one) => {
    const name = `${dotted(one.name)}.quantile`;
    const instrument = meter.createObservableGauge(name, { description: one.help, unit: "s" });
    return { one, instrument };
  });
  const collect: Collect = (observer) => {
    for (const report of reports()) {
      for (const { one, instrument } of numbers)
        for (const it of one.of(report))
          observer.observe(instrument as never, it.value, attributesOf(report, it));
      for (const { one, instrument } of quantiles)
        for (const it of one.of(report))
          for (const [quantile, field] of QUANTILES)
            if (it.value.count > 0)
              observer.observe(instrument as never, it.value[field] / MS_PER_SECOND, {
                ...attributesOf(report, it),
                quantile,
              });
    }
  };
  const instruments = [...numbers, ...quantiles].map(({ instrument }) => instrument as never);
  meter.addBatchObservableCallback(collect, instruments);
  const stop = recordLoads(meter, caches);
  return () => {
    meter.removeBatchObservableCallback(collect, instruments);
    stop();
  };
}

/**
 * A span for each load, a child of what was active when it ended: its cache, its kind of key, and
 * its error where it failed.
 * @returns how to end it
 */
export function traceCacheLoads(
  tracer: CacheTracer,
  { caches }: { readonly caches: Caches },
): () => void {
  return onLoads(caches, ({ cache, key = "", error, kind }, ms) => {
    const endMs = Date.now();
    const span = tracer.startSpan("hasten.cache.load", {
      startTime: endMs - ms,
      attributes: { "hasten.cache": cache, "hasten.cache.kind": key.split(":", 1)[0]! },
    });
    if (kind === "load-failed") {
      span.recordException(error instanceof Error ? error : new Error(String(error)));
      span.setStatus({ code: ERROR });
    }
    span.end(endMs);
  });
}

function recordLoads(meter: CacheMeter, caches: Caches): () => void {
  const histogram = meter.createHistogram(LOAD_DURATION, {
    description: "Loads that ended.",
    unit: "s",
    advice: { explicitBucketBoundaries: [...BOUNDS] },
  });
  return onLoads(caches, ({ cache, kind }, ms) => {
    const outcome = kind === "loaded" ? "loaded" : "failed";
    histogram.record(ms / MS_PER_SECOND, { "hasten.cache": cache, outcome });
  });
}

/** Listens to the loads of these caches. */
function onLoads(caches: Caches, told: (event: CacheEvent, ms: number) => void): () => void {
  const listener = (message: unknown): void => {
    const event = message as CacheEvent;
    if ((event.kind !== "loaded" && event.kind !== "load-failed") || event.ms === undefined) return;
    const known = typeof caches === "function" ? caches() : caches;
    if (known.some(({ name }) => name === event.cache)) told(event, event.ms);
  };
  channels.cacheEvent.subscribe(listener);
  return () => void channels.cacheEvent.unsubscribe(listener);
}

function numberInstrument(meter: CacheMeter, one: NumberReadings): object {
  const unit = one.unit === undefined ? "1" : { bytes: "By", seconds: "s" }[one.unit];
  const options = { description: one.help, unit };
  return one.kind === "counter"
    ? meter.createObservableCounter(dotted(one.name), options)
    : meter.createObservableGauge(dotted(one.name), options);
}

function dotted(name: string): string {
  return `hasten.${name.replaceAll("_", ".")}`;
}

function attributesOf({ cache }: CacheReport, { tier }: Reading<unknown>): Attributes {
  return tier === undefined
    ? { "hasten.cache": cache }
    : { "hasten.cache": cache, "hasten.cache.tier": tier };
}
