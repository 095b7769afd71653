import { createHistogram, type Histogram, type HistogramSnapshot } from "../core/histogram.ts";
import type { SharedStats } from "./shared/port.ts";

/** Counts since the cache was created, and what it holds now. */
export interface CacheStats {
  readonly name: string;
  /** Reads answered with a fresh value. */
  readonly hits: number;
  readonly misses: number;
  /** Loads started, in the foreground or background. */
  readonly loads: number;
  readonly loadFailures: number;
  /** Callers that shared a running load. */
  readonly coalesced: number;
  readonly staleServed: number;
  /** Callers that got HST_CACHE_TIMEOUT. */
  readonly timeouts: number;
  /** Entries stored, replaced ones included. */
  readonly stored: number;
  readonly evictions: number;
  /** Hits served while the log of invalidations was silent, as `whenUnreachable: "serve"` asks. */
  readonly unconfirmedServed: number;
  /** Loaded values that were not stored: invalidated meanwhile, too large, not admitted. */
  readonly refusedFills: number;
  /** Loads that ran uncoalesced and unstored, because `fillsMax` others were running. */
  readonly bypassed: number;
  /** Entries held; those a tag or prefix deleted count until they are next looked at. */
  readonly entries: number;
  readonly bytes: number;
  /** Loads that run, or are on their way to it: they ask Redis, or wait for their turn. */
  readonly runningLoads: number;
  /** Those of them that wait because `loadsMax` others run. */
  readonly queuedLoads: number;
  readonly trackedTags: number;
  /** What another process had stored and could not be read here, by its codec or its source. */
  readonly undecodable: number;
  /** Of Redis; undefined without. */
  readonly shared: SharedStats | undefined;
  /** Durations of loads that ended, failed ones included. */
  readonly loadMs: HistogramSnapshot;
}

/** The counters, changed in place. */
export interface Counters {
  hits: number;
  misses: number;
  loads: number;
  loadFailures: number;
  coalesced: number;
  staleServed: number;
  timeouts: number;
  stored: number;
  evictions: number;
  undecodable: number;
  unconfirmedServed: number;
  refusedFills: number;
  bypassed: number;
  readonly loadMs: Histogram;
}

export function createCounters(): Counters {
  return {
    hits: 0,
    misses: 0,
    loads: 0,
    loadFailures: 0,
    coalesced: 0,
    staleServed: 0,
    timeouts: 0,
    stored: 0,
    evictions: 0,
    undecodable: 0,
    unconfirmedServed: 0,
    refusedFills: 0,
    bypassed: 0,
    loadMs: createHistogram(),
  };
}

/** What is held now, beside the counters. */
export interface Holdings {
  readonly entries: number;
  readonly bytes: number;
  readonly runningLoads: number;
  readonly queuedLoads: number;
  readonly trackedTags: number;
  readonly shared: SharedStats | undefined;
}

const NOTHING: Holdings = {
  entries: 0,
  bytes: 0,
  runningLoads: 0,
  queuedLoads: 0,
  trackedTags: 0,
  shared: undefined,
};

export function summary(
  name: string,
  counters: Counters,
  holdings: Holdings = NOTHING,
): CacheStats {
  return { name, ...counters, ...holdings, loadMs: counters.loadMs.snapshot() };
}
