/**
 * What a cache asks of a tier that it shares with other processes. Bytes only: how values become
 * bytes is the cache's affair.
 */
import type { HistogramDistribution } from "../../core/histogram.ts";
import type { InvalidationLog } from "../../core/invalidation-log.ts";
import type { Instant, Trust } from "../../core/trust.ts";

/** A place in the order of a shard's invalidations. Taken before a source is read. */
export interface Capture {
  /** Of the shard's clock: what was captured in another epoch is void. */
  readonly epoch: string;
  /** Every invalidation up to this number had happened before the source was read. */
  readonly seq: number;
}

/** A value in the form in which it travels. */
export interface Payload {
  /** How the bytes are to be read: a number of `cache/wire`. */
  readonly form: number;
  readonly bytes: Buffer;
}

/** What of a value's dependency can be told to other processes. */
export interface SharedDependency {
  /** `Trust.shared` of the sources of changes that it hangs on. */
  readonly sources: readonly string[];
  /** Empty means tracked. */
  readonly untracked: readonly string[];
  readonly personal: readonly string[] | undefined;
}

/** What is to be kept. Durations are milliseconds. */
export interface SharedValue {
  readonly payload: Payload;
  /** Its own and those of what was read for it; without its key's prefixes. */
  readonly tags: readonly string[];
  readonly ttlMs: number;
  readonly graceMs: number;
  /** How long loading it took: for early refresh. */
  readonly loadMs: number;
  /** When its source was first read, on both clocks: a machine may be suspended while it loads. */
  readonly capturedMs: number;
  readonly capturedWallMs: number;
  /** Undefined where nobody looked at its reads. */
  readonly dependency: SharedDependency | undefined;
}

/** What was found. Times are monotonic milliseconds of this process, to within a round trip. */
export interface SharedEntry {
  readonly payload: Payload;
  readonly tags: readonly string[];
  readonly freshUntilMs: number;
  readonly staleUntilMs: number;
  /** By `expire`, not by time. */
  readonly expired: boolean;
  readonly loadMs: number;
  /** Not later than when its source was first read, on both clocks. */
  readonly capturedMs: number;
  readonly capturedWallMs: number;
  readonly dependency: SharedDependency | undefined;
  /** Its number in Redis: its source was read after every invalidation up to this one. */
  readonly seq: number;
}

export type SharedRead =
  | { readonly kind: "found"; readonly entry: SharedEntry; readonly capture: Capture }
  /** Not there, or not valid any more; `because` is for `why`. */
  | { readonly kind: "absent"; readonly capture: Capture; readonly because: string }
  /** Redis was not asked or did not answer in time. */
  | { readonly kind: "unavailable"; readonly because: string };

export type SharedFill =
  | { readonly kind: "stored" }
  /** Something it depends on was invalidated since its capture, or that is not known. */
  | { readonly kind: "refused"; readonly because: string }
  /** Redis may have taken it or not. */
  | { readonly kind: "unknown"; readonly because: string };

/** The right to load a key while other processes wait. Renewed until it ends. */
export interface Lease {
  /** To be passed to `fill`, which ends it. */
  readonly holder: string;
  /** Ends it without a fill, waking who waits. May be called again, and after a fill. */
  release(): void;
}

export type LeaseAnswer =
  /** `meanwhile`: what somebody else has filled since it was last read; then do not load. */
  | { readonly kind: "mine"; readonly lease: Lease; readonly meanwhile: SharedEntry | undefined }
  /** Somebody else loads. `over` resolves when that ended or its lease ran out: then read again. */
  | { readonly kind: "theirs"; readonly over: Promise<void>; leave(): void }
  | { readonly kind: "unavailable"; readonly because: string };

/** How the tier stands; for people and health checks. */
export interface SharedStatus {
  /** `ready`: asked and answering. Everything else: the cache does without it. */
  readonly state: "connecting" | "ready" | "suspect" | "lost" | "refused" | "closed";
  readonly because: string | undefined;
  readonly sinceMs: number;
  /** Age of the latest confirmation that no invalidation was missed; undefined before the first. */
  readonly confirmedAgoMs: number | undefined;
  /** Invalidations that wait to be sent. */
  readonly queued: number;
  readonly shards: number;
  readonly server: string | undefined;
}

/** A source of changes whose word reaches other processes through the tier. */
export interface SharedSource {
  /** Trust of this process in it now; undefined while there is none. */
  readonly trust: () => Trust | undefined;
  /**
   * Told with each confirmation what its leader left in Redis last, when every invalidation that was
   * in Redis by then has been applied here. Must not throw.
   */
  readonly heard?: ((word: SourceWord) => void) | undefined;
}

/** What is to be left for a source in Redis, beside the clock: it never outlives its epoch. */
export interface LeaveRequest {
  /** The record that it replaces, byte for byte; undefined: there must be none. */
  readonly expected: string | undefined;
  /** Undefined removes it. */
  readonly record: string | undefined;
  /** For how long from now its leader may be replaced by nobody, by the clock of Redis. */
  readonly leaseMs: number;
  /** Only if the lease of the one that is there is over. */
  readonly onlyIfOver: boolean;
  /** Tells every process at once, through the log. */
  readonly wake: boolean;
}

export type LeaveAnswer =
  | { readonly kind: "left" }
  /** Nothing was written: this one is there. */
  | { readonly kind: "other"; readonly record: string | undefined; readonly over: boolean }
  /** Not asked, or nobody knows what became of it. */
  | { readonly kind: "unavailable"; readonly because: string };

/** What the leader of a source left in Redis, and how its times are to be read here. */
export interface SourceWord {
  /** Undefined where there is none. */
  readonly record: string | undefined;
  /** The lease of its leader was over by the clock of Redis. */
  readonly over: boolean;
  /** When Redis was asked: everything acknowledged before then is in what has been applied. */
  readonly askedAt: Instant;
  /** Not later than when the clock of Redis showed this, on both clocks of this process. */
  instantOf(redisMs: number): Instant;
}

export interface SharedTier extends AsyncDisposable {
  /** Payloads from this size on are worth compressing; undefined: as the wire thinks. */
  readonly compressAboveBytes?: number | undefined;
  /** Invalidations of the application, and those that other processes told. */
  readonly log: InvalidationLog;
  /**
   * Whether it is worth asking now: false while Redis is away, and while "everything" waits to be
   * told to it. What one of fewer invalidations names that wait is `absent` to this process.
   */
  readonly usable: boolean;
  /** Resolves when it is usable for the first time, or after `waitMs`, or when closed: for a start. */
  ready(waitMs: number): Promise<boolean>;
  /**
   * Reads an entry. Never rejects; ends after the time-out of a command.
   * @param declared tags known beforehand: with these all it takes is one MGET
   */
  read(key: string, declared?: readonly string[]): Promise<SharedRead>;
  /** The same for several, in one round trip for each shard. In their order. */
  readMany(keys: readonly string[]): Promise<readonly SharedRead[]>;
  /**
   * The latest place known at that time (monotonic), without asking: for what was read since then.
   * Undefined where none is known from before it.
   */
  captureAt(key: string, atMs: number): Capture | undefined;
  /**
   * The place in the order of the key's shard up to which every invalidation was handed to those who
   * subscribe to the log (own ones count: they were told). A value is judged here by what happened up
   * to there, and by Redis by what happened since. Undefined while that is not confirmed.
   */
  applied(key: string): Capture | undefined;
  /**
   * Whether `applied(key)` is at or past the capture; asks for what is missing, at once. False after
   * the time-out of a command, and for a capture of another epoch. Never rejects.
   */
  caughtUp(key: string, capture: Capture): Promise<boolean>;
  /** Never rejects. */
  lease(key: string, declared?: readonly string[]): Promise<LeaseAnswer>;
  /** Stores a loaded value unless it may be outdated. Never rejects. Ends the lease. */
  fill(key: string, capture: Capture, value: SharedValue, lease?: Lease): Promise<SharedFill>;
  /**
   * Stores a value of unknown age: the last to arrive wins, and every process forgets what it has.
   * Like an invalidation it is applied or queued (then as a delete). Never rejects.
   */
  put(
    key: string,
    value: SharedValue,
  ): Promise<{ readonly kind: "applied" } | { readonly kind: "queued"; readonly depth: number }>;
  /** Adds to a number; never sent twice. Rejects with HST_CACHE_UNAVAILABLE if the outcome is unknown. */
  increment(
    key: string,
    by: number,
    kept: { readonly ttlMs: number; readonly tags: readonly string[] },
  ): Promise<number>;
  /** Deletes what matches a glob, a page at a time: a job, not a call for requests. */
  scan(glob: string, job: ScanJob): AsyncIterable<ScanProgress>;
  /** A source whose tags this tier carries: entries name it, and its trust guards them here. */
  attach(id: string, source: SharedSource): () => void;
  source(id: string): Trust | undefined;
  /** Replaces what is left for a source if it is as expected. Never rejects, and is never sent twice. */
  leave(id: string, request: LeaveRequest): Promise<LeaveAnswer>;
  status(): SharedStatus;
  stats(): SharedStats;
  /** What each server says of itself (INFO); those that do not answer are left out. Never rejects. */
  info(): Promise<readonly string[]>;
  /** Why an entry is (not) valid, asked of Redis now. Never rejects. */
  why(key: string): Promise<{
    readonly state: "fresh" | "stale" | "invalid" | "absent" | "unavailable";
    readonly because: string;
  }>;
  /** Sends what waits (at most `drainMs`), then leaves nothing behind. Never rejects. */
  close(drainMs?: number): Promise<void>;
}

export interface ScanJob {
  /** @default 500 */
  readonly pageSize?: number | undefined;
  /** Stops after so many deleted. @default 1_000_000 */
  readonly max?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ScanProgress {
  readonly scanned: number;
  readonly deleted: number;
  /** Of the whole, about: keys looked at of keys there. */
  readonly percent: number;
  readonly done: boolean;
}

/** Counts since it was made. Latencies of one command, milliseconds. */
export interface SharedStats {
  readonly hits: number;
  readonly misses: number;
  /** Reads that Redis did not answer. */
  readonly unavailable: number;
  readonly fills: number;
  readonly refusedFills: number;
  /** Entries that could not be read: foreign, damaged, of another version. */
  readonly undecodable: number;
  readonly invalidations: number;
  readonly queued: number;
  /** Times that everything here was dropped since an invalidation may have been missed. */
  readonly gaps: number;
  readonly leaseWaits: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly readMs: HistogramDistribution;
  readonly writeMs: HistogramDistribution;
}
