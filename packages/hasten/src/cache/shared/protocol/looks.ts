/** Judges what a read brought: the clock, an entry, and the records that it hangs on. */
import type { RedisReply } from "../../../redis/index.ts";
import { AT_EPOCH, decodeEntry, sameEpoch, seqOf } from "./entry-header.ts";
import { expiredSeqOf, recordStanding, redisMsOf, rootStanding, timeStanding } from "./judge.ts";
import { prefixName, tagName } from "./names.ts";
import type { ClockRecord, DecodedEntry, ReadAnswer } from "./types.ts";

/** What was read in one atomic step. */
export interface Look {
  readonly clock: RedisReply | undefined;
  readonly entry: RedisReply | undefined;
  readonly prefixes: readonly string[];
  readonly declared: readonly string[];
  /** Of the prefixes, then of the declared tags, from `recordsAt` on. */
  readonly records: readonly RedisReply[];
  readonly recordsAt: number;
  /** The tags that `tagRecords` are of, where they were asked for without having seen the entry. */
  readonly guessed: readonly string[] | undefined;
  /**
   * Of the entry's own tags in their order, from `tagRecordsAt` on; undefined where only declared
   * ones were read.
   */
  readonly tagRecords: readonly RedisReply[] | undefined;
  readonly tagRecordsAt: number;
}

/** What a judge knows besides. */
export interface Bench {
  readonly readClock: (bytes: Buffer) => ClockRecord | undefined;
  /** Of the connection that answered. */
  readonly runId: string | undefined;
  readonly nowRedisMs: number;
}

export function judgeLook(look: Look, bench: Bench): ReadAnswer {
  const { clock: clockBytes, entry: bytes } = look;
  if (!Buffer.isBuffer(clockBytes)) return { kind: "lost", because: "there is no clock" };
  const clock = bench.readClock(clockBytes);
  if (clock === undefined) return { kind: "lost", because: "the clock is damaged" };
  if (clock.runId !== bench.runId) {
    return { kind: "lost", because: "the clock is another server's" };
  }
  if (!Buffer.isBuffer(bytes)) return absent(clock, "not stored");
  const seq = seqOf(bytes);
  if (Number.isNaN(seq)) return undecodable(clock, "its head is none of this version");
  if (!sameEpoch(bytes, AT_EPOCH, clockBytes)) return absent(clock, "of a former epoch");
  const root = rootStanding(clock, seq);
  if (root === "deleted") return absent(clock, "everything was cleared since");
  const entry = decodeEntry(bytes, seq);
  if (entry === undefined) return undecodable(clock, "its checksum or its form is wrong");
  const { guessed } = look;
  const own = guessed === undefined || isSame(entry.tags, guessed) ? look.tagRecords : undefined;
  if (own === undefined && !isCovered(entry.tags, look.declared)) {
    return { kind: "undeclared", clock };
  }
  const judged = { clock, clockBytes, entry, root, own };
  return judgeEntry(look, judged, bench.nowRedisMs, bytes.length);
}

interface Judged {
  readonly clock: ClockRecord;
  readonly clockBytes: Buffer;
  readonly entry: DecodedEntry;
  readonly root: "live" | "expired";
  /** Records of its own tags, where they are needed besides the declared ones. */
  readonly own: readonly RedisReply[] | undefined;
}

function judgeEntry(look: Look, judged: Judged, nowRedisMs: number, bytes: number): ReadAnswer {
  const { clock, clockBytes, entry, own } = judged;
  let expiredSeq = Math.min(
    entry.expiredSeq ?? NEVER,
    judged.root === "expired" ? clock.rootExpired : NEVER,
  );
  const { prefixes, declared, records, recordsAt, tagRecordsAt } = look;
  const asked = prefixes.length + declared.length;
  for (let index = 0; index < asked; index++) {
    const record = records[recordsAt + index];
    const standing = recordStanding(record, clockBytes, entry.seq);
    if (standing === "expired") expiredSeq = Math.min(expiredSeq, expiredSeqOf(record));
    else if (standing !== "live") {
      const name =
        index < prefixes.length
          ? prefixName(prefixes[index]!)
          : tagName(declared[index - prefixes.length]!);
      return absent(clock, `${standing}: ${name}`);
    }
  }
  if (own !== undefined) {
    for (let index = 0; index < entry.tags.length; index++) {
      const record = own[tagRecordsAt + index];
      const standing = recordStanding(record, clockBytes, entry.seq);
      if (standing === "expired") expiredSeq = Math.min(expiredSeq, expiredSeqOf(record));
      else if (standing !== "live")
        return absent(clock, `${standing}: ${tagName(entry.tags[index]!)}`);
    }
  }
  const expiredAtRedisMs = expiredSeq === NEVER ? undefined : redisMsOf(expiredSeq);
  const time = timeStanding(entry, nowRedisMs, expiredAtRedisMs);
  if (time === "over") return absent(clock, "its time is over");
  const fresh = expiredAtRedisMs === undefined && time === "fresh";
  return { kind: "found", fresh, expiredAtRedisMs, entry, clock, bytes };
}

const NEVER = Number.POSITIVE_INFINITY;

function isSame(tags: readonly string[], guessed: readonly string[]): boolean {
  return tags.length === guessed.length && tags.every((tag, index) => tag === guessed[index]);
}

/** Mostly the same list in the same order. */
function isCovered(tags: readonly string[], declared: readonly string[]): boolean {
  for (let index = 0; index < tags.length; index++) {
    const tag = tags[index]!;
    if (declared[index] !== tag && !declared.includes(tag)) return false;
  }
  return true;
}

function absent(clock: ClockRecord, because: string): ReadAnswer {
  return { kind: "absent", undecodable: false, because, clock };
}

function undecodable(clock: ClockRecord, because: string): ReadAnswer {
  return { kind: "absent", undecodable: true, because, clock };
}
