/**
 * The operations of one shard of the shared tier, as typed calls. Each is one atomic step in Redis.
 *
 * Every call rejects with the link's errors, or with HST_REDIS_REPLY for an answer that the
 * protocol does not have. Redis times are milliseconds of the server's clock.
 */
import type { RedisLink } from "../../../redis/index.ts";
import type { Capture, Payload, SharedDependency } from "../port.ts";

/** The shard's clock. `{ epoch, seq }` of it is a capture. */
export interface ClockRecord extends Capture {
  /** Entries of the log so far; the latest has this number. */
  readonly head: number;
  /** Of the server that the epoch began on: on any other everything counts as lost. */
  readonly runId: string;
  readonly rootDeleted: number;
  readonly rootExpired: number;
  /** Every invalidation above it is among the marks. */
  readonly floor: number;
  /** Which of the two hashes of marks is written. */
  readonly generation: number;
}

/** The body of an entry: what its writer knew. */
export interface EntryBody {
  readonly freshUntilRedisMs: number;
  readonly staleUntilRedisMs: number;
  /** Not later than when its source was first read. */
  readonly capturedRedisMs: number;
  readonly loadMs: number;
  readonly payload: Payload;
  readonly tags: readonly string[];
  readonly dependency: SharedDependency | undefined;
}

export interface DecodedEntry extends EntryBody {
  readonly seq: number;
  /** Its own head says that it was expired, and at which number. The answer has the whole truth. */
  readonly expiredSeq: number | undefined;
}

export type ReadAnswer =
  | {
      readonly kind: "found";
      /** False: usable as stale only. */
      readonly fresh: boolean;
      /** By `expire`, not by time: when, by the clock of Redis or later. */
      readonly expiredAtRedisMs: number | undefined;
      readonly entry: DecodedEntry;
      readonly clock: ClockRecord;
      readonly bytes: number;
    }
  | {
      readonly kind: "absent";
      /** An entry is there that cannot be read: foreign, damaged, of another version. */
      readonly undecodable: boolean;
      readonly because: string;
      readonly clock: ClockRecord;
    }
  /** Only of `readDeclared` and `readMany`: it has tags that were not asked for. Use `readFull`. */
  | { readonly kind: "undeclared"; readonly clock: ClockRecord }
  /** No clock, or one of another server: `renew` before anything else. */
  | { readonly kind: "lost"; readonly because: string };

export interface FillRequest {
  readonly key: string;
  readonly capture: Capture;
  readonly entry: EntryBody;
  /** How long Redis keeps it: time to live and grace. */
  readonly keepMs: number;
  /** Its lease, which ends whatever the answer. */
  readonly holder: string | undefined;
  /** For the log, if somebody waits. */
  readonly wake: Buffer;
}

export type FillAnswer =
  | { readonly kind: "stored"; readonly clock: ClockRecord }
  | {
      readonly kind: "refused";
      readonly because: FillRefusal;
      readonly clock: ClockRecord | undefined;
    };

/** `lost`: no clock, another server's or another epoch. */
export type FillRefusal =
  | "lost"
  | "cleared"
  | "floor"
  | "marked"
  | "record"
  | "newer"
  /** Too many or too long names. */
  | "too large";

export interface InvalidateRequest {
  readonly how: "deleted" | "expired" | "cleared";
  readonly keys: readonly string[];
  readonly tags: readonly string[];
  readonly prefixes: readonly string[];
  /** With `cleared`: everything is expired, not deleted. */
  readonly softly?: boolean;
  /** The entry of the log for each call: what of it that call takes. */
  readonly body: (part: InvalidatedNames) => Buffer;
}

export interface InvalidatedNames {
  readonly how: "deleted" | "expired" | "cleared";
  readonly keys: readonly string[];
  readonly tags: readonly string[];
  readonly prefixes: readonly string[];
}

/** Of a call that takes the next number. */
export interface WriteAnswer {
  /** As it stands after the call. */
  readonly clock: ClockRecord;
  /** The clock was missing or another server's: a new epoch began, everything before is void. */
  readonly renewed: boolean;
}

export interface PutRequest {
  readonly key: string;
  readonly entry: EntryBody;
  readonly keepMs: number;
  readonly body: Buffer;
}

export interface IncrementRequest {
  readonly key: string;
  readonly by: number;
  /** What the entry is if there is none; of one that is there only the number changes. */
  readonly entry: EntryBody;
  readonly keepMs: number;
  readonly body: Buffer;
}

export type IncrementAnswer =
  | ({ readonly kind: "added"; readonly value: number } & WriteAnswer)
  /** The entry holds something that is no finite number, or the sum is none. */
  | { readonly kind: "notNumber" };

/** An entry of the log. */
export interface LogEntry {
  readonly position: number;
  readonly body: Buffer;
}

export interface ConfirmAnswer {
  /** Undefined if it is missing or another server's. */
  readonly clock: ClockRecord | undefined;
  /** The server's clock, milliseconds with a fraction. */
  readonly redisMs: number;
  /** After the position asked from, at most `countMax`. */
  readonly entries: readonly LogEntry[];
  readonly sources: ReadonlyMap<string, SourceRecord>;
}

export interface LeaseRequest {
  readonly key: string;
  readonly holder: string;
  readonly leaseMs: number;
  readonly declared: readonly string[];
}

export interface LeaseReply {
  readonly mine: boolean;
  /** Until it ends unless it is renewed. */
  readonly leftMs: number;
  /** The entry as it stands at that moment. */
  readonly read: ReadAnswer;
}

/** What a node left about a source of changes. */
export interface SourceRecord {
  readonly record: string;
  readonly untilRedisMs: number;
}

export interface LeaveRequest {
  readonly source: string;
  /** What must stand there; undefined: nothing. */
  readonly expected: string | undefined;
  /** Undefined removes it. */
  readonly record: string | undefined;
  readonly leaseMs: number;
  /** Not while the time of the one there lasts. */
  readonly onlyIfOver: boolean;
  /** For the log, so that who follows it confirms at once. */
  readonly wake: Buffer | undefined;
}

export type LeaveAnswer =
  | { readonly kind: "left" }
  | { readonly kind: "other"; readonly record: string | undefined; readonly over: boolean }
  /** No clock, or one of another server: `renew` first. */
  | { readonly kind: "lost" };

export interface ScanPage {
  /** "0" when done. */
  readonly cursor: string;
  readonly keys: readonly string[];
}

export interface ShardCalls {
  /** One MGET. `declared` must name every tag that an entry may have, or the answer is `undeclared`. */
  readDeclared(key: string, declared?: readonly string[]): Promise<ReadAnswer>;
  /** Whichever tags the entry has: one script, or one MGET where it still has those it had. */
  readFull(key: string, declared?: readonly string[]): Promise<ReadAnswer>;
  /** One MGET for all of them, in their order; `undeclared` where tags are not remembered. */
  readMany(keys: readonly string[]): Promise<readonly ReadAnswer[]>;
  fill(request: FillRequest): Promise<FillAnswer>;
  /** In calls of at most 1,000 names each; may be repeated. */
  invalidate(request: InvalidateRequest): Promise<WriteAnswer>;
  put(request: PutRequest): Promise<WriteAnswer>;
  increment(request: IncrementRequest): Promise<IncrementAnswer>;
  /** Effective from when it was sent. Judge it with `judgeLog`. */
  confirm(position: number, countMax: number): Promise<ConfirmAnswer>;
  /**
   * Begins a new epoch, which voids everything, unless somebody else has.
   * @param expected the epoch to be ended; undefined where none is known
   * @returns the clock that holds now, ours or that of who came first
   */
  renew(expected: string | undefined): Promise<ClockRecord>;
  lease(request: LeaseRequest): Promise<LeaseReply>;
  /** False: it is not ours any more. */
  extend(key: string, holder: string, leaseMs: number): Promise<boolean>;
  /** False: it was not ours any more. Who waits is woken by `wake` in the log. */
  release(key: string, holder: string, wake: Buffer): Promise<boolean>;
  /** Compare and set of what nodes leave about a source; a new epoch begins without any. */
  leave(request: LeaveRequest): Promise<LeaveAnswer>;
  /** A page of the keys that match a glob. */
  scanPage(cursor: string, glob: string, count: number): Promise<ScanPage>;
  /** Keys in the server's database, ours and others. */
  databaseSize(): Promise<number>;
}

/** What the calls of one shard need. */
export interface Shard {
  readonly link: Pick<RedisLink, "call" | "script" | "server">;
  /** What all its names in Redis begin with: `spaceOf`. */
  readonly space: string;
  /** Entries of the log that are kept, about. */
  readonly logMax: number;
  /** Names of recent invalidations that are kept, about. */
  readonly marksMax: number;
  /** The latest that the server's clock may show now; Infinity if not known: then nothing is found. */
  readonly redisNowMs: () => number;
}
