import type { HistogramDistribution } from "../../core/histogram.ts";
import type { SharedStatus } from "../shared/port.ts";
import type { ServerInfo } from "./info.ts";

/** How the tiers of a cache do. Counts are since it was made, rates over the latest minutes. */
export interface CacheReport {
  readonly cache: string;
  /** Wall clock. */
  readonly atMs: number;
  /** What the rates are about: the time since an earlier report, at most about five minutes. */
  readonly overMs: number;
  /** Reads answered from one of the tiers, of all; undefined where nothing was read. */
  readonly hitRate: number | undefined;
  readonly memory: MemoryReport;
  /** Undefined where the cache shares nothing. */
  readonly shared: SharedReport | undefined;
  readonly loads: LoadReport;
}

/** The tier in this process. */
export interface MemoryReport {
  readonly hits: number;
  readonly misses: number;
  readonly hitRate: number | undefined;
  readonly stored: number;
  readonly evictions: number;
  /** Entries evicted for each one stored. */
  readonly evictionRate: number | undefined;
  readonly entries: number;
  readonly entriesMax: number;
  readonly bytes: number;
  readonly bytesMax: number;
  /** The larger of entries and bytes over their maximum; 0 to 1. */
  readonly utilisation: number;
  /** Of hits, about a hundred a second measured, to the nanosecond. */
  readonly latency: HistogramDistribution;
}

/** The tier in Redis, as this process sees it. */
export interface SharedReport {
  readonly state: SharedStatus["state"];
  readonly because: string | undefined;
  /** Wall clock. */
  readonly sinceMs: number;
  readonly confirmedAgoMs: number | undefined;
  readonly queued: number;
  readonly shards: number;
  readonly server: string | undefined;
  readonly hits: number;
  readonly misses: number;
  readonly hitRate: number | undefined;
  readonly unavailable: number;
  readonly fills: number;
  readonly refusedFills: number;
  readonly undecodable: number;
  readonly invalidations: number;
  readonly gaps: number;
  readonly leaseWaits: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Of one command, as this process waits for it. */
  readonly readLatency: HistogramDistribution;
  readonly writeLatency: HistogramDistribution;
}

export interface LoadReport {
  readonly started: number;
  readonly failed: number;
  /** Failed of those started; undefined where none was. */
  readonly failureRate: number | undefined;
  readonly coalesced: number;
  readonly running: number;
  readonly staleServed: number;
  readonly timeouts: number;
  readonly refusedFills: number;
  readonly bypassed: number;
  readonly unconfirmedServed: number;
  readonly latency: HistogramDistribution;
}

export interface HotKey {
  readonly key: string;
  /** About how many hits it had of late: halved every five minutes. */
  readonly hits: number;
  /** The count may be too low by so much. */
  readonly error: number;
}

export interface ColdKey {
  readonly key: string;
  readonly hits: number;
  readonly ageMs: number;
  readonly bytes: number;
}

/** What is wrong with a cache, or would soon be, and what to do about it. */
export interface HealthFinding {
  /** Stable, for scripts; see docs/statistics.md. */
  readonly id: HealthFindingId;
  /** `critical`: it does not do its work. `warning`: it does less than it could. */
  readonly severity: "critical" | "warning";
  /** What was found, with the evidence. */
  readonly says: string;
  readonly fix: string;
  /** The figures that it rests on. */
  readonly evidence: Readonly<Record<string, number | string>>;
}

export type HealthFindingId =
  | "hit-rate-low"
  | "eviction-rate-high"
  | "loads-failing"
  | "tier-away"
  | "tier-refused"
  | "queue-growing"
  | "gaps"
  | "log-silent"
  | "memory-policy-unsuitable"
  | "redis-memory-full";

/** From where on a fact is a finding. */
export interface HealthThresholds {
  /** @default 0.5 */
  readonly hitRateMin: number;
  /** Fewer reads tell nothing about the hit rate. @default 100 */
  readonly readsMin: number;
  /** @default 0.1 */
  readonly evictionRateMax: number;
  /** Fewer stored entries tell nothing about the eviction rate. @default 100 */
  readonly storedMin: number;
  /** @default 0.1 */
  readonly loadFailureRateMax: number;
  /** Fewer loads tell nothing about how many fail. @default 20 */
  readonly loadsMin: number;
  /** How long the tier may be away. @default 5_000 */
  readonly awayMaxMs: number;
  /** Invalidations that wait, however short. @default 1_000 */
  readonly queuedMax: number;
  /** @default 0 */
  readonly gapsMax: number;
  /** Age of the latest confirmation while the tier is ready. @default 5_000 */
  readonly confirmedAgoMaxMs: number;
  /** Share of its memory that a Redis that does not evict may use. @default 0.9 */
  readonly memoryUsedMax: number;
}

export interface CacheHealth {
  readonly cache: string;
  /** Wall clock. */
  readonly atMs: number;
  /** Nothing critical was found. */
  readonly healthy: boolean;
  readonly findings: readonly HealthFinding[];
  readonly report: CacheReport;
  /** The servers that answered. */
  readonly servers: readonly ServerInfo[];
}

/** Looking at a cache. None of it is on the way of a hit. */
export interface Watching {
  /** Counts, sizes and latencies of each tier. Does no I/O. */
  report(): CacheReport;
  /** Keys with the most hits of late, the hottest first; at most 256. */
  hottest(limit?: number): readonly HotKey[];
  /** Entries held with the fewest hits of late, the oldest first; looks at 10,000 at most. */
  coldest(limit?: number): readonly ColdKey[];
  /** Asks the servers (INFO) and compares what is with what should be. Never rejects. */
  health(thresholds?: Partial<HealthThresholds>): Promise<CacheHealth>;
}
