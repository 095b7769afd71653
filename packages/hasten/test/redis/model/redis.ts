/**
 * The shared tier's protocol as pure transitions: what each script does to Redis, as one atomic step.
 * One key and one tag (a prefix is a tag that follows from the key). Numbers are small: only their
 * order matters. Redis's time stands still, so that every new clock begins at the same number.
 */
import type { Wrong } from "./mutants.ts";

export interface Clock {
  readonly epoch: number;
  readonly seq: number;
  readonly head: number;
  readonly run: number;
  readonly rootDeleted: number;
  readonly rootExpired: number;
  readonly floor: number;
  /** Whether there is an older generation of marks. */
  readonly older: boolean;
}

/** One generation: the number of the latest invalidation of each name, 0 for none. */
export interface Marks {
  readonly began: number;
  readonly key: number;
  readonly tag: number;
}

export interface TagRecord {
  readonly epoch: number;
  readonly deleted: number;
  readonly expired: number;
}

export interface Entry {
  readonly epoch: number;
  readonly seq: number;
  readonly version: number;
  readonly live: boolean;
}

/** Who wrote it; its id follows from the head: ids are contiguous. */
export interface Logged {
  readonly node: number;
}

export interface Redis {
  readonly clk: Clock | null;
  readonly marks: Marks | null;
  readonly olderMarks: Marks | null;
  readonly tag: TagRecord | null;
  readonly entry: Entry | null;
  /** What is left of the log, up to the head. */
  readonly log: readonly Logged[];
}

export interface Capture {
  readonly epoch: number;
  readonly seq: number;
}

/** The server that a step runs on, and the epoch it would begin. */
export interface Server {
  readonly run: number;
  readonly nextEpoch: number;
}

export const EMPTY: Redis = {
  clk: null,
  marks: null,
  olderMarks: null,
  tag: null,
  entry: null,
  log: [],
};

const FIRST_SEQ = 1;
const NO_MARKS = { key: 0, tag: 0 };

/** There is no clock, or it was kept by another server. */
export function lost({ clk }: Redis, server: Server, wrong: Wrong): boolean {
  return clk === null || (clk.run !== server.run && !wrong.has("run-id-unchecked"));
}

/** A new clock: everything from before it is void. */
export function renew(redis: Redis, { run, nextEpoch }: Server, wrong: Wrong): Redis {
  const epoch = wrong.has("lost-epoch") ? 1 : nextEpoch;
  const clk: Clock = {
    epoch,
    run,
    seq: FIRST_SEQ,
    head: 0,
    rootDeleted: 0,
    rootExpired: 0,
    floor: FIRST_SEQ,
    older: false,
  };
  const marks = { began: FIRST_SEQ, ...NO_MARKS };
  return { ...redis, clk, marks, olderMarks: null, log: [] };
}

export type Judged = "fresh" | "stale" | "invalid";

/** What a READ makes of the entry. */
export function judge({ clk, entry, tag }: Redis, server: Server, wrong: Wrong): Judged {
  if (clk === null || entry === null) return "invalid";
  if (clk.run !== server.run && !wrong.has("run-id-unchecked")) return "invalid";
  if (entry.epoch !== clk.epoch || clk.rootDeleted > entry.seq) return "invalid";
  const known = tag !== null && tag.epoch === clk.epoch;
  if (!known && !wrong.has("missing-is-zero")) return "invalid";
  if (known && tag.deleted > entry.seq) return "invalid";
  if (!entry.live || clk.rootExpired > entry.seq) return "stale";
  return known && tag.expired > entry.seq ? "stale" : "fresh";
}

/** A generation of marks is not there any more: what was in it counts as everything. */
function withMarks(redis: Redis, wrong: Wrong): Redis {
  const { clk, marks, olderMarks } = redis;
  if (clk === null || (marks !== null && (!clk.older || olderMarks !== null))) return redis;
  if (wrong.has("marks-lost-silently"))
    return { ...redis, marks: marks ?? { began: clk.seq, ...NO_MARKS } };
  const floor = clk.seq;
  return {
    ...redis,
    clk: { ...clk, floor, older: false },
    marks: { began: floor, ...NO_MARKS },
    olderMarks: null,
  };
}

/** The newest generation is full: a new one; the oldest goes, and the floor rises to where it ended. */
export function rotate(redis: Redis, wrong: Wrong): Redis {
  const { clk, marks } = redis;
  if (clk === null || marks === null) return redis;
  const floor = wrong.has("marks-shed-silently") ? clk.floor : Math.max(clk.floor, marks.began);
  return {
    ...redis,
    clk: { ...clk, floor, older: true },
    marks: { began: clk.seq, ...NO_MARKS },
    olderMarks: marks,
  };
}

export interface Fill {
  readonly capture: Capture;
  readonly version: number;
}

export function fill(
  before: Redis,
  { capture, version }: Fill,
  server: Server,
  wrong: Wrong,
): { readonly redis: Redis; readonly stored: boolean } {
  if (lost(before, server, wrong)) return { redis: before, stored: false };
  const redis = withMarks(before, wrong);
  const clk = redis.clk!;
  if (!wrong.has("blind-set") && !admits(redis, capture, wrong)) return { redis, stored: false };
  const { seq } = capture;
  const { epoch } = clk;
  const tag = recordFor(redis, seq, wrong);
  return {
    redis: {
      ...redis,
      clk: wrong.has("fill-lowers-clock") ? { ...clk, seq } : clk,
      tag,
      entry: { epoch, seq, version, live: true },
    },
    stored: true,
  };
}

/** One that is missing says what the marks know: what lived before the latest invalidation is dead. */
function recordFor(redis: Redis, captured: number, wrong: Wrong): TagRecord {
  const { clk, tag, marks, olderMarks } = redis;
  const { epoch, floor } = clk!;
  const known = tag !== null && tag.epoch === epoch;
  if (known && !wrong.has("fill-lowers-record")) return tag;
  const least = Math.max(floor, marks?.tag ?? 0, olderMarks?.tag ?? 0);
  const seq = known || wrong.has("records-without-marks") ? captured : least;
  return { epoch, deleted: seq, expired: seq };
}

/** Whether nothing that the entry depends on was invalidated since the capture. */
function admits(redis: Redis, { epoch, seq }: Capture, wrong: Wrong): boolean {
  const clk = redis.clk!;
  const { tag, entry } = redis;
  if (clk.epoch !== epoch || clk.rootDeleted > seq || clk.rootExpired > seq) return false;
  if (clk.floor > seq) return false;
  const known = tag !== null && tag.epoch === epoch;
  const tagUnmarked =
    wrong.has("records-without-marks") || (known && wrong.has("fill-lowers-record"));
  for (const marks of [redis.marks, redis.olderMarks]) {
    if (marks === null) continue;
    if (marks.key > seq || (marks.tag > seq && !tagUnmarked)) return false;
  }
  if (known && !wrong.has("fill-lowers-record") && (tag.deleted > seq || tag.expired > seq))
    return false;
  return entry === null || entry.epoch !== epoch || entry.seq <= seq;
}

/** What a writer does once its change is committed. */
export type Deed =
  | "delete key"
  | "delete tag"
  | "expire key"
  | "expire tag"
  | "clear"
  | "put"
  /** Somebody invalidates something that has nothing to do with the key. */
  | "other";

export interface Invalidation {
  readonly deed: Deed;
  readonly node: number;
  /** Of the value that a put brings. */
  readonly version: number;
}

export function invalidate(
  before: Redis,
  invalidation: Invalidation,
  server: Server,
  wrong: Wrong,
): Redis {
  const found = lost(before, server, wrong) ? renew(before, server, wrong) : before;
  const redis = withMarks(found, wrong);
  const clk = redis.clk!;
  const seq = clk.seq + 1;
  const { deed, node } = invalidation;
  const log = [...redis.log, { node }];
  const next: Redis = { ...redis, clk: { ...clk, seq, head: clk.head + 1 }, log };
  if (deed === "other") return next;
  if (deed === "clear") return { ...next, clk: { ...next.clk!, rootDeleted: seq } };
  if (deed.endsWith("tag")) return ofTag(next, deed, wrong);
  return ofKey(next, invalidation, wrong);
}

function ofTag(redis: Redis, deed: Deed, wrong: Wrong): Redis {
  const { seq, epoch } = redis.clk!;
  const { tag } = redis;
  const known = tag !== null && tag.epoch === epoch;
  const unmarked =
    (known && wrong.has("present-tags-unmarked")) ||
    (deed === "expire tag" && wrong.has("expire-does-not-mark"));
  const marks = unmarked ? redis.marks : { ...redis.marks!, tag: seq };
  if (!known) return { ...redis, marks };
  const changed = deed === "delete tag" ? { ...tag, deleted: seq } : { ...tag, expired: seq };
  return { ...redis, marks, tag: changed };
}

function ofKey(redis: Redis, { deed, version }: Invalidation, wrong: Wrong): Redis {
  const { seq, epoch } = redis.clk!;
  const { entry, tag } = redis;
  const unmarked = deed === "expire key" && wrong.has("expire-does-not-mark");
  const marks = unmarked ? redis.marks : { ...redis.marks!, key: seq };
  if (deed === "delete key") return { ...redis, marks, entry: null };
  if (deed === "expire key")
    return { ...redis, marks, entry: entry === null ? null : { ...entry, live: false } };
  const known = tag !== null && tag.epoch === epoch;
  return {
    ...redis,
    marks,
    tag: known ? tag : { epoch, deleted: seq, expired: seq },
    entry: { epoch, seq, version, live: true },
  };
}
