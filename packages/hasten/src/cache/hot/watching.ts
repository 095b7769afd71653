/** What there is to see of a cache, from its counters: nothing here is asked on the way of a hit. */

import type { Clock } from "../../core/clock.ts";
import { createHistogram, type HistogramDistribution } from "../../core/histogram.ts";
import type { SharedTier } from "../shared/port.ts";
import type { Counters } from "../stats.ts";
import { parseInfo } from "./info.ts";
import { judge } from "./rules.ts";
import type { HitSampler } from "./sampler.ts";
import type { CacheReport, ColdKey, LoadReport, SharedReport, Watching } from "./types.ts";
import { type Counted, type Recent, rate, Window } from "./window.ts";

/** What of a cache's parts is looked at. */
export interface Watched {
  readonly options: {
    readonly name: string;
    readonly entriesMax: number;
    readonly bytesMax: number;
    readonly clock: Clock;
  };
  readonly counters: Counters;
  readonly sampler: HitSampler;
  readonly shelf: {
    readonly memory: {
      readonly size: number;
      readonly bytes: number;
      values(): IterableIterator<Held>;
    };
  };
  readonly tier?: SharedTier | undefined;
}

interface Held {
  readonly key: string;
  readonly bytes: number;
  readonly storedAtMs: number;
}

const KEYS_SHOWN = 20;
const KEYS_SHOWN_MAX = 256;
const LOOKED_AT_MAX = 10_000;

/** @param running how many loads run now */
export function createWatching(parts: Watched, running: () => number): Watching {
  const { options, sampler, shelf } = parts;
  const { clock } = options;
  const window = new Window(clock.nowMs(), countsOf(parts));
  const recent = (): Recent => window.since(clock.nowMs(), countsOf(parts));

  return {
    report: () => reportOf(parts, recent(), running()),
    hottest(limit = KEYS_SHOWN) {
      return sampler
        .hottest(Math.min(limit, KEYS_SHOWN_MAX))
        .map(({ key, atLeast, atMost }) => ({ key, hits: atLeast, error: atMost - atLeast }));
    },
    coldest(limit = KEYS_SHOWN) {
      const nowMs = clock.nowMs();
      const most = Math.min(limit, KEYS_SHOWN_MAX);
      const coldest: ColdKey[] = [];
      let looked = 0;
      for (const { key, bytes, storedAtMs } of shelf.memory.values()) {
        looked += 1;
        if (looked > LOOKED_AT_MAX) break;
        insert(coldest, { key, bytes, hits: sampler.hitsOf(key), ageMs: nowMs - storedAtMs }, most);
      }
      return coldest;
    },
    async health(thresholds) {
      const told = await (parts.tier?.info() ?? NOBODY);
      const servers = told.map(parseInfo);
      const latest = recent();
      const report = reportOf(parts, latest, running());
      const findings = judge({ report, recent: latest, servers }, thresholds);
      const healthy = findings.every(({ severity }) => severity !== "critical");
      return { cache: options.name, atMs: report.atMs, healthy, findings, report, servers };
    },
  };
}

const NOBODY: readonly string[] = [];

/** Keeps the list sorted and short. */
function insert(coldest: ColdKey[], one: ColdKey, most: number): void {
  const last = coldest.at(-1);
  if (coldest.length === most && (last === undefined || !colder(one, last))) return;
  const at = coldest.findIndex((other) => colder(one, other));
  coldest.splice(at === -1 ? coldest.length : at, 0, one);
  if (coldest.length > most) coldest.pop();
}

function colder(a: ColdKey, b: ColdKey): boolean {
  return a.hits === b.hits ? a.ageMs > b.ageMs : a.hits < b.hits;
}

function countsOf({ counters, tier }: Watched): Counted {
  const { hits, misses, stored, evictions, loads, loadFailures } = counters;
  const shared = tier?.stats();
  return {
    ...{ hits, misses, stored, evictions, loads, loadFailures },
    sharedHits: shared?.hits ?? 0,
    sharedMisses: shared?.misses ?? 0,
    gaps: shared?.gaps ?? 0,
    queued: tier?.status().queued ?? 0,
  };
}

function reportOf(parts: Watched, { grown, overMs }: Recent, running: number): CacheReport {
  const { options, counters, sampler, shelf, tier } = parts;
  const { hits, misses, stored, evictions } = counters;
  const { entriesMax, bytesMax } = options;
  const { size: entries, bytes } = shelf.memory;
  const reads = grown.hits + grown.misses;
  return {
    cache: options.name,
    atMs: options.clock.wallMs(),
    overMs,
    hitRate: rate(grown.hits + grown.sharedHits, reads),
    memory: {
      ...{ hits, misses, stored, evictions, entries, entriesMax, bytes, bytesMax },
      hitRate: rate(grown.hits, reads),
      evictionRate: rate(grown.evictions, grown.stored),
      utilisation: Math.min(1, Math.max(entries / entriesMax, bytes / bytesMax)),
      latency: sampler.latency.distribution(),
    },
    shared: tier === undefined ? undefined : sharedOf(tier, grown),
    loads: loadsOf(counters, grown, running),
  };
}

function sharedOf(tier: SharedTier, grown: Counted): SharedReport {
  const { readMs, writeMs, queued: _sent, ...counts } = tier.stats();
  return {
    ...counts,
    ...tier.status(),
    hitRate: rate(grown.sharedHits, grown.sharedHits + grown.sharedMisses),
    readLatency: readMs,
    writeLatency: writeMs,
  };
}

function loadsOf(counters: Counters, grown: Counted, running: number): LoadReport {
  const { coalesced, staleServed, timeouts, refusedFills, bypassed, unconfirmedServed } = counters;
  return {
    ...{ coalesced, staleServed, timeouts, refusedFills, bypassed, unconfirmedServed, running },
    started: counters.loads,
    failed: counters.loadFailures,
    failureRate: rate(grown.loadFailures, grown.loads),
    latency: counters.loadMs.distribution(),
  };
}

const NOTHING: HistogramDistribution = createHistogram().distribution();

/** Of a cache that is switched off. */
export function watchingOff(options: Watched["options"], counters: Counters): Watching {
  const report = (): CacheReport => ({
    cache: options.name,
    atMs: options.clock.wallMs(),
    overMs: 0,
    hitRate: undefined,
    memory: {
      ...{ hits: 0, misses: 0, stored: 0, evictions: 0, entries: 0, bytes: 0, utilisation: 0 },
      ...{ hitRate: undefined, evictionRate: undefined, latency: NOTHING },
      entriesMax: options.entriesMax,
      bytesMax: options.bytesMax,
    },
    shared: undefined,
    loads: loadsOf(counters, { ...ZERO, loads: counters.loads }, 0),
  });
  return {
    report,
    hottest: () => [],
    coldest: () => [],
    async health() {
      const { cache, atMs } = report();
      return { cache, atMs, healthy: true, findings: [], report: report(), servers: [] };
    },
  };
}

const ZERO: Counted = {
  ...{ hits: 0, misses: 0, stored: 0, evictions: 0, loads: 0, loadFailures: 0 },
  ...{ sharedHits: 0, sharedMisses: 0, gaps: 0, queued: 0 },
};
