/**
 * What makes a fill safe: a value loaded before an invalidation is never stored after it.
 *
 * Invariants:
 * - `seq` counts invalidations. A fill remembers the seq it began at, before its source was read.
 * - A fill is void if its key, one of its prefixes or tags, or everything was invalidated at a seq
 *   above its own; tags may be learnt from the result, so every invalidation is remembered
 *   ("marked") until each fill that began before it has ended.
 * - Memory is bounded: above `marksMax` marks the floor rises to now, which voids every open fill;
 *   above `fillsMax` open fills the oldest is voided. Both lose a fill, never an invalidation.
 * - A stored entry refers to the records of its tags and prefixes. A record lives while an entry
 *   refers to it; an entry is dead (or expired) if a record was deleted (or expired) after it was
 *   stored. Nothing uses clocks.
 */
import { Chain, type Linked } from "../core/chain.ts";

export const TAGS_MAX = 64;
export const PREFIX_DEPTH_MAX = 4;

/** Opens with `cache.begin(key)`; proves that nothing was invalidated since. */
export interface FillToken {
  readonly key: string;
  /** Says that nothing will be stored. May be called again, and after a set. */
  release(): void;
}

/** One tag or prefix that live entries refer to. */
export interface TagRecord {
  readonly name: string;
  readonly home: Map<string, TagRecord>;
  refs: number;
  deletedSeq: number;
  expiredSeq: number;
  expiredAtMs: number;
}

/** The time between reading a source and storing what was read. */
export class Fill implements FillToken, Linked<Fill> {
  readonly key: string;
  readonly seq: number;
  /** Tags known before the result is. */
  tags: readonly string[];
  state: "open" | "void" | "ended" = "open";
  _older: Fill | undefined = undefined;
  _newer: Fill | undefined = undefined;
  readonly #fence: Fence;

  constructor(fence: Fence, key: string, tags: readonly string[]) {
    this.#fence = fence;
    this.key = key;
    this.seq = fence.seq;
    this.tags = tags;
  }

  release(): void {
    this.#fence.end(this);
  }

  belongsTo(fence: Fence): boolean {
    return this.#fence === fence;
  }
}

export interface FenceLimits {
  readonly fillsMax: number;
  readonly marksMax: number;
}

const NO_TAGS: readonly string[] = [];
const NO_RECORDS: readonly TagRecord[] = [];

export class Fence {
  seq = 1;
  #voidBelow = 0;
  #tags = new Map<string, TagRecord>();
  #prefixes = new Map<string, TagRecord>();
  readonly #marks = new Map<string, number>();
  readonly #fills = new Chain<Fill>();
  readonly #limits: FenceLimits;

  constructor(limits: FenceLimits) {
    this.#limits = limits;
  }

  get openFills(): number {
    return this.#fills.size;
  }

  get trackedTags(): number {
    return this.#tags.size;
  }

  get marks(): number {
    return this.#marks.size;
  }

  /** Must be called before the source is read. */
  begin(key: string, tags: readonly string[] = NO_TAGS): Fill {
    const fill = new Fill(this, key, tags);
    const { oldest } = this.#fills;
    this.#fills.push(fill);
    if (oldest !== undefined && this.#fills.size > this.#limits.fillsMax) {
      this.end(oldest);
      oldest.state = "void";
    }
    return fill;
  }

  /** A fill that was never open: nothing can be stored with it. */
  spent(key: string): Fill {
    const fill = new Fill(this, key, NO_TAGS);
    fill.state = "ended";
    return fill;
  }

  end(fill: Fill): void {
    if (fill.state !== "open") return;
    fill.state = "ended";
    this.#fills.remove(fill);
    // Clearing an empty map is not free: it gets a new table.
    if (this.#fills.size === 0 && this.#marks.size > 0) this.#marks.clear();
  }

  /** Whether the fill, with these tags and those it declared, may no longer be stored or joined. */
  isVoid(fill: Fill, learnt: readonly string[] = NO_TAGS): boolean {
    if (fill.state !== "open") return true;
    if (this.seq === fill.seq) return false;
    if (this.#voidBelow > fill.seq) return true;
    if (this.#marks.size === 0) return false;
    return (
      this.#marked("k", fill.key, fill.seq) ||
      fill.tags.some((tag) => this.#marked("t", tag, fill.seq)) ||
      learnt.some((tag) => this.#marked("t", tag, fill.seq)) ||
      prefixesOf(fill.key).some((prefix) => this.#marked("p", prefix, fill.seq))
    );
  }

  /** Starts an invalidation; name what it takes with the calls below. */
  advance(): void {
    this.seq += 1;
  }

  takeKey(key: string): void {
    this.#mark("k", key);
  }

  deleteTag(tag: string): void {
    this.#mark("t", tag);
    const record = this.#tags.get(tag);
    if (record !== undefined) record.deletedSeq = this.seq;
  }

  deletePrefix(prefix: string): void {
    this.#mark("p", prefix);
    const record = this.#prefixes.get(prefix);
    if (record !== undefined) record.deletedSeq = this.seq;
  }

  expireTag(tag: string, nowMs: number): void {
    this.#mark("t", tag);
    expire(this.#tags.get(tag), this.seq, nowMs);
  }

  expirePrefix(prefix: string, nowMs: number): void {
    this.#mark("p", prefix);
    expire(this.#prefixes.get(prefix), this.seq, nowMs);
  }

  /** Voids every open fill and forgets every record. Constant time. */
  takeAll(): void {
    this.#voidBelow = this.seq;
    this.#marks.clear();
    this.#tags = new Map();
    this.#prefixes = new Map();
  }

  /** The records an entry of this key and these tags depends on; counted until released. */
  attach(key: string, tags: readonly string[]): readonly TagRecord[] {
    const prefixes = prefixesOf(key);
    if (prefixes.length === 0 && tags.length === 0) return NO_RECORDS;
    const records: TagRecord[] = [];
    for (const prefix of prefixes) records.push(record(this.#prefixes, prefix));
    for (const tag of tags) records.push(record(this.#tags, tag));
    return records;
  }

  detach(records: readonly TagRecord[]): void {
    for (const one of records) {
      one.refs -= 1;
      if (one.refs === 0 && one.home.get(one.name) === one) one.home.delete(one.name);
    }
  }

  #marked(kind: string, name: string, since: number): boolean {
    const seq = this.#marks.get(kind + name);
    return seq !== undefined && seq > since;
  }

  #mark(kind: string, name: string): void {
    if (this.#fills.size === 0) return;
    const mark = kind + name;
    this.#marks.delete(mark);
    this.#marks.set(mark, this.seq);
    if (this.#marks.size > this.#limits.marksMax) this.#shed();
  }

  /** Marks are in order of seq: those no open fill is older than go first, else all. */
  #shed(): void {
    const { oldest } = this.#fills;
    for (const [mark, seq] of this.#marks) {
      if (oldest !== undefined && seq > oldest.seq) break;
      this.#marks.delete(mark);
    }
    if (this.#marks.size <= this.#limits.marksMax) return;
    this.#voidBelow = this.seq;
    this.#marks.clear();
  }
}

function record(home: Map<string, TagRecord>, name: string): TagRecord {
  let found = home.get(name);
  if (found === undefined) {
    found = { name, home, refs: 0, deletedSeq: 0, expiredSeq: 0, expiredAtMs: 0 };
    home.set(name, found);
  }
  found.refs += 1;
  return found;
}

function expire(found: TagRecord | undefined, seq: number, nowMs: number): void {
  if (found === undefined) return;
  found.expiredSeq = seq;
  found.expiredAtMs = nowMs;
}

/** `a:b:c` lies under `a:` and `a:b:`; at most four deep. */
export function prefixesOf(key: string): readonly string[] {
  let at = key.indexOf(":");
  if (at === -1) return NO_TAGS;
  const prefixes: string[] = [];
  while (at !== -1 && prefixes.length < PREFIX_DEPTH_MAX) {
    prefixes.push(key.slice(0, at + 1));
    at = key.indexOf(":", at + 1);
  }
  return prefixes;
}
