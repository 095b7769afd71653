/**
 * What monitors are told of a cache, once for every kind of monitor.
 *
 * Invariants: labels are the cache's name and its tier, never keys or tags; a figure that a cache
 * does not have (it has no shared tier) is left out, not told as 0.
 */

import type { CacheReport, SharedReport } from "../cache/index.ts";
import type { HistogramDistribution } from "../core/histogram.ts";

export type Tier = "memory" | "shared";

/** One figure of one cache. */
export interface Reading<Value> {
  readonly tier?: Tier;
  readonly value: Value;
}

interface Told {
  /** Words joined by `_`, without unit: `cache_hits`. */
  readonly name: string;
  readonly help: string;
}

export interface NumberReadings extends Told {
  readonly kind: "counter" | "gauge";
  readonly unit?: "bytes" | "seconds";
  /** How those of several processes make one. */
  readonly together: "sum" | "min" | "max";
  readonly of: (report: CacheReport) => readonly Reading<number>[];
}

export interface DurationReadings extends Told {
  readonly kind: "durations";
  /** The bounds told, as powers of two of the step in which it is recorded. */
  readonly octaves: readonly [from: number, to: number];
  readonly of: (report: CacheReport) => readonly Reading<HistogramDistribution>[];
}

const MS_PER_SECOND = 1_000;

const memory = (value: number): Reading<number> => ({ tier: "memory", value });
const shared = (
  { shared: tier }: CacheReport,
  of: (tier: SharedReport) => number | undefined,
): readonly Reading<number>[] => {
  const value = tier === undefined ? undefined : of(tier);
  return value === undefined ? [] : [{ tier: "shared", value }];
};
const plain = (value: number): readonly Reading<number>[] => [{ value }];

const counter = (name: string, help: string, of: NumberReadings["of"]): NumberReadings => ({
  ...{ kind: "counter", name, help, together: "sum", of },
});
const gauge = (name: string, help: string, of: NumberReadings["of"]): NumberReadings => ({
  ...{ kind: "gauge", name, help, together: "sum", of },
});

export const NUMBERS: readonly NumberReadings[] = [
  counter("cache_hits", "Reads answered with a fresh value.", (it) => [
    memory(it.memory.hits),
    ...shared(it, (tier) => tier.hits),
  ]),
  counter("cache_misses", "Reads that found nothing fresh.", (it) => [
    memory(it.memory.misses),
    ...shared(it, (tier) => tier.misses),
  ]),
  counter("cache_stored", "Values stored.", (it) => [
    memory(it.memory.stored),
    ...shared(it, (tier) => tier.fills),
  ]),
  counter(
    "cache_refused_fills",
    "Loaded values not stored: invalidated meanwhile, or no room.",
    (it) => [memory(it.loads.refusedFills), ...shared(it, (tier) => tier.refusedFills)],
  ),
  counter("cache_evictions", "Entries evicted to make room.", (it) => [
    memory(it.memory.evictions),
  ]),
  gauge("cache_entries", "Entries held.", (it) => [memory(it.memory.entries)]),
  gauge("cache_entries_max", "Entries that may be held.", (it) => [memory(it.memory.entriesMax)]),
  {
    ...gauge("cache_size", "Memory that entries take.", (it) => [memory(it.memory.bytes)]),
    unit: "bytes",
  },
  {
    ...gauge("cache_size_max", "Memory that entries may take.", (it) => [
      memory(it.memory.bytesMax),
    ]),
    unit: "bytes",
  },
  counter("cache_loads", "Loads started.", (it) => plain(it.loads.started)),
  counter("cache_load_failures", "Loads that failed.", (it) => plain(it.loads.failed)),
  counter("cache_loads_coalesced", "Callers that shared a running load.", (it) =>
    plain(it.loads.coalesced),
  ),
  counter("cache_loads_bypassed", "Loads that ran unshared: too many others were running.", (it) =>
    plain(it.loads.bypassed),
  ),
  counter("cache_load_timeouts", "Callers that waited too long for a load.", (it) =>
    plain(it.loads.timeouts),
  ),
  gauge("cache_loads_running", "Loads that run now.", (it) => plain(it.loads.running)),
  counter("cache_stale_served", "Reads answered with a stale value.", (it) =>
    plain(it.loads.staleServed),
  ),
  counter(
    "cache_unconfirmed_served",
    "Hits served while the log of invalidations was silent.",
    (it) => plain(it.loads.unconfirmedServed),
  ),
  {
    ...gauge("cache_tier_up", "1 while the shared tier answers.", (it) =>
      shared(it, ({ state }) => Number(state === "ready")),
    ),
    together: "min",
  },
  gauge(
    "cache_invalidations_queued",
    "Invalidations that wait to be told to other processes.",
    (it) => shared(it, (tier) => tier.queued),
  ),
  {
    ...gauge(
      "cache_confirmed_age",
      "Since it was confirmed that no invalidation was missed.",
      (it) =>
        shared(it, ({ confirmedAgoMs }) =>
          confirmedAgoMs === undefined ? undefined : confirmedAgoMs / MS_PER_SECOND,
        ),
    ),
    unit: "seconds",
    together: "max",
  },
  counter("cache_invalidations", "Invalidations told to the shared tier.", (it) =>
    shared(it, (tier) => tier.invalidations),
  ),
  counter(
    "cache_gaps",
    "Times that the memory was dropped: an invalidation may have been missed.",
    (it) => shared(it, (tier) => tier.gaps),
  ),
  counter("cache_unavailable", "Reads that the shared tier did not answer.", (it) =>
    shared(it, (tier) => tier.unavailable),
  ),
  counter("cache_errors", "Commands that failed.", (it) => shared(it, (tier) => tier.errors)),
  counter("cache_timeouts", "Commands that were not answered in time.", (it) =>
    shared(it, (tier) => tier.timeouts),
  ),
  counter("cache_undecodable", "Entries that could not be read.", (it) =>
    shared(it, (tier) => tier.undecodable),
  ),
  counter("cache_lease_waits", "Loads that waited for another process's.", (it) =>
    shared(it, (tier) => tier.leaseWaits),
  ),
  {
    ...counter("cache_read", "Payload read from the shared tier.", (it) =>
      shared(it, (tier) => tier.bytesRead),
    ),
    unit: "bytes",
  },
  {
    ...counter("cache_written", "Payload written to the shared tier.", (it) =>
      shared(it, (tier) => tier.bytesWritten),
    ),
    unit: "bytes",
  },
];

/** 64 µs to 67 s, in steps of a microsecond. */
const COMMANDS = [6, 26] as const;
/** 16 ns to 1 ms, in steps of a nanosecond. */
const HITS = [4, 20] as const;

export const DURATIONS: readonly DurationReadings[] = [
  {
    kind: "durations",
    name: "cache_load_duration",
    help: "Loads that ended, failed ones included.",
    octaves: COMMANDS,
    of: (it) => [{ value: it.loads.latency }],
  },
  {
    kind: "durations",
    name: "cache_hit_duration",
    help: "Hits in memory; about a hundred a second are measured.",
    octaves: HITS,
    of: (it) => [{ tier: "memory", value: it.memory.latency }],
  },
  {
    kind: "durations",
    name: "cache_read_duration",
    help: "Reads of the shared tier, as this process waits for them.",
    octaves: COMMANDS,
    of: ({ shared: tier }) =>
      tier === undefined ? [] : [{ tier: "shared", value: tier.readLatency }],
  },
  {
    kind: "durations",
    name: "cache_write_duration",
    help: "Writes to the shared tier, as this process waits for them.",
    octaves: COMMANDS,
    of: ({ shared: tier }) =>
      tier === undefined ? [] : [{ tier: "shared", value: tier.writeLatency }],
  },
];
