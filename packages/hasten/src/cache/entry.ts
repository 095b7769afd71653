import type { CoherencePromise } from "../core/trust.ts";
import type { Codec } from "./codec.ts";
import type { Fence, TagRecord } from "./fence.ts";
import { type Guard, KEPT_UNTRACKED } from "./guard.ts";
import { MemoryNode } from "./memory/index.ts";
import type { EntryView } from "./types.ts";
import type { Admitted } from "./value.ts";

/** Memory an entry takes besides its value: the object, its row in the store, its map slot. */
export const ENTRY_OVERHEAD_BYTES = 200;
/**
 * Memory a tag or prefix takes besides its name. Charged to every entry that refers to it, though
 * they share it: the last of them to stay holds it alone, so that nothing less is a bound.
 */
export const RECORD_BYTES = 96;
/** Memory of what an entry hangs on besides its expiry. */
export const GUARD_BYTES = 128;

/** How long one entry is kept. */
export interface Lifetime {
  readonly ttlMs: number;
  readonly graceMs: number;
  /** Age at which a hit reloads in the background. */
  readonly refreshAfterMs: number;
}

/** A kept value. One shape, so that reading it stays fast. */
export class Entry extends MemoryNode implements EntryView<unknown> {
  readonly stored: unknown;
  readonly codec: Codec<unknown> | undefined;
  readonly storedAtMs: number;
  freshUntilMs: number;
  staleUntilMs: number;
  /** Up to here a hit needs no second look; never after freshUntilMs. */
  refreshAtMs: number;
  /** After a failed load: until here the stale value is served without another try. */
  retryAtMs = 0;
  expired = false;
  /** It was deleted, or taken back: it stands in for nothing, whoever still holds it. */
  dropped = false;
  /** A remembered error instead of a value: never fresh. */
  readonly failure: boolean;
  readonly graceMs: number;
  readonly tags: readonly string[];
  readonly records: readonly TagRecord[];
  readonly storedSeq: number;
  /** The fence's `recordsSeq` when the records were last looked at. */
  checkedSeq: number;
  /** What it hangs on besides its expiry and its records; undefined where nobody looked. */
  readonly guard: Guard | undefined;

  constructor(fence: Fence, key: string, admitted: Admitted, kept: Kept) {
    const guardBytes = kept.guard === undefined ? 0 : GUARD_BYTES;
    const besides = ENTRY_OVERHEAD_BYTES + recordBytes(kept.records) + guardBytes;
    super(key, admitted.bytes + key.length + besides);
    this.stored = admitted.stored;
    this.codec = admitted.codec;
    this.storedAtMs = kept.nowMs;
    this.freshUntilMs = kept.nowMs + kept.lifetime.ttlMs;
    this.staleUntilMs = this.freshUntilMs + kept.lifetime.graceMs;
    this.refreshAtMs = kept.failure
      ? Number.NEGATIVE_INFINITY
      : kept.nowMs + Math.min(kept.lifetime.ttlMs, kept.lifetime.refreshAfterMs);
    this.failure = kept.failure;
    this.graceMs = kept.lifetime.graceMs;
    this.tags = kept.tags;
    this.records = kept.records;
    this.storedSeq = fence.seq;
    this.checkedSeq = fence.recordsSeq;
    this.guard = kept.guard;
  }

  get confirmed(): boolean {
    return this.guard === undefined || this.guard.confirmed;
  }

  get promise(): CoherencePromise {
    return this.guard === undefined ? "ttl" : this.guard.promise;
  }

  get untracked(): readonly string[] {
    return this.guard === undefined ? KEPT_UNTRACKED : this.guard.untracked;
  }

  get personal(): readonly string[] {
    return this.guard?.personal ?? NOBODY;
  }

  get value(): unknown {
    return this.codec === undefined ? this.stored : this.codec.decode(this.stored as never);
  }

  /** May be served stale for its grace from `atMs`, unless it was stale already. */
  expire(atMs: number): void {
    this.expired = true;
    this.freshUntilMs = Math.min(this.freshUntilMs, atMs);
    this.staleUntilMs = Math.min(this.staleUntilMs, atMs + this.graceMs);
    this.refreshAtMs = Number.NEGATIVE_INFINITY;
  }
}

const NOBODY: readonly string[] = [];

function recordBytes(records: readonly TagRecord[]): number {
  let bytes = records.length * RECORD_BYTES;
  for (const record of records) bytes += record.name.length;
  return bytes;
}

export interface Kept {
  readonly nowMs: number;
  readonly lifetime: Lifetime;
  readonly tags: readonly string[];
  /** Of its tags and prefixes, attached for it. */
  readonly records: readonly TagRecord[];
  readonly failure: boolean;
  readonly guard: Guard | undefined;
}

/** What took an entry that does not survive. */
export function deathOf({ records, storedSeq }: Entry): string {
  const record = records.find((one) => one.deletedSeq > storedSeq);
  if (record === undefined) return "it was dropped";
  const { name, because, deletedSeq } = record;
  const reason = because === "" ? "" : `: ${because}`;
  return `${name} was dropped at number ${deletedSeq}, and it was stored at ${storedSeq}${reason}`;
}

/** Applies what was invalidated since the last look. False if the entry must not be used. */
export function survives(entry: Entry, fence: Fence): boolean {
  if (entry.checkedSeq === fence.recordsSeq) return true;
  if (fence.clearedSeq > entry.storedSeq) return false;
  for (const record of entry.records) {
    if (record.deletedSeq > entry.storedSeq) return false;
    if (record.expiredSeq > entry.checkedSeq) entry.expire(record.expiredAtMs);
  }
  entry.checkedSeq = fence.recordsSeq;
  return true;
}
