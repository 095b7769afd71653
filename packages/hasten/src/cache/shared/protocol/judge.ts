/**
 * Whether an entry may be used: the one rule for every way in which it was read.
 *
 * Invariants: valid if its epoch is the clock's, nothing was cleared after its number, and the
 * record of each of its tags, of each declared tag and of each of its key's prefixes is there, of
 * the same epoch, and was not deleted after its number. A missing record means invalid. Valid but
 * expired (by its live byte, a record, everything, or time) is usable as stale only.
 * Pure; the Lua of INCREMENT has the same rules for fresh.
 */
import type { RedisReply } from "../../../redis/index.ts";
import { digitsAt, sameEpoch } from "./entry-header.ts";
import type { ClockRecord, DecodedEntry } from "./types.ts";

export type RecordStanding = "live" | "expired" | "deleted" | "missing";

const AT_DELETED = 17;
const AT_EXPIRED = 34;
const AT_UNTIL = 51;
const SPACE = 0x20;

/** How a record (`epoch deleted expired until`) stands to an entry of this number. */
export function recordStanding(
  record: RedisReply | undefined,
  clock: Buffer,
  seq: number,
): RecordStanding {
  if (!Buffer.isBuffer(record) || record.length <= AT_UNTIL) return "missing";
  if (!sameEpoch(record, 0, clock) || !separated(record)) return "missing";
  const deleted = digitsAt(record, AT_DELETED);
  const expired = digitsAt(record, AT_EXPIRED);
  if (Number.isNaN(deleted) || Number.isNaN(expired)) return "missing";
  if (deleted > seq) return "deleted";
  return expired > seq ? "expired" : "live";
}

/** The number at which a record that stands so was expired. */
export function expiredSeqOf(record: RedisReply | undefined): number {
  return Buffer.isBuffer(record) ? digitsAt(record, AT_EXPIRED) : Number.NaN;
}

function separated(record: Buffer): boolean {
  return record[16] === SPACE && record[33] === SPACE && record[50] === SPACE;
}

/** The number of an entry is already known to be of the clock's epoch. */
export function rootStanding(clock: ClockRecord, seq: number): "live" | "expired" | "deleted" {
  if (clock.rootDeleted > seq) return "deleted";
  return clock.rootExpired > seq ? "expired" : "live";
}

/**
 * By its time, and by when it was expired: its grace counts from then. NaN, which damaged times are,
 * counts as over.
 */
export function timeStanding(
  { freshUntilRedisMs, staleUntilRedisMs }: DecodedEntry,
  nowRedisMs: number,
  expiredAtRedisMs: number = Number.POSITIVE_INFINITY,
): "fresh" | "stale" | "over" {
  if (nowRedisMs < Math.min(freshUntilRedisMs, expiredAtRedisMs)) return "fresh";
  const graceMs = staleUntilRedisMs - freshUntilRedisMs;
  return nowRedisMs < Math.min(staleUntilRedisMs, expiredAtRedisMs + graceMs) ? "stale" : "over";
}

/** A number is at least what the clock of Redis showed then, in microseconds. */
export function redisMsOf(seq: number): number {
  return seq / 1_000;
}
