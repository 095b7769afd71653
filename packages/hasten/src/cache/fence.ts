/**
 * What makes a fill safe: a value loaded before an invalidation is never stored after it.
 *
 * Invariants:
 * - Every invalidation takes the next number of the process (`core/sequence`). A fill remembers
 *   the number current before its source was read: its own, or its trace's.
 * - A fill is void if its key, one of its prefixes or tags, or everything was invalidated at a
 *   number above its own; tags may be learnt from the result, so every invalidation is remembered
 *   ("marked") until each fill that began before it has ended, and once fills may be older than
 *   their `begin` (traces) always.
 * - Memory is bounded: above `marksMax` the oldest marks go, which voids the fills from before
 *   them; above `fillsMax` open fills the oldest is voided. Both lose a fill, never an invalidation.
 * - A stored entry refers to the records of its tags and prefixes. A record lives while an entry
 *   refers to it; an entry is dead (or expired) if a record was deleted (or expired) after it was
 *   stored. `recordsSeq` is the latest number at which any record was: while it stands still no
 *   entry needs another look. Nothing uses clocks.
 */
import { Chain } from "../core/chain.ts";
import { sequence } from "../core/sequence.ts";
import { Fill, type FillHome } from "./fill.ts";
import { Marks } from "./marks.ts";

export const TAGS_MAX = 64;
export const PREFIX_DEPTH_MAX = 4;

/** One tag or prefix that live entries refer to. */
export interface TagRecord {
  readonly name: string;
  readonly home: Map<string, TagRecord>;
  refs: number;
  deletedSeq: number;
  expiredSeq: number;
  expiredAtMs: number;
  /** What the latest of the two was for. */
  because: string;
}

export interface FenceLimits {
  readonly fillsMax: number;
  readonly marksMax: number;
}

const NO_TAGS: readonly string[] = [];
const NO_RECORDS: readonly TagRecord[] = [];
const NO_REASON = "";

export class Fence implements FillHome {
  /** The number of the latest invalidation here. */
  seq: number = sequence.now();
  /** The number of the latest one that entries must look at. */
  recordsSeq: number = this.seq;
  /** The number at which everything was taken last. */
  clearedSeq = 0;
  #keeping = false;
  #tags = new Map<string, TagRecord>();
  #prefixes = new Map<string, TagRecord>();
  readonly #taken: { readonly key: Marks; readonly tag: Marks; readonly prefix: Marks };
  readonly #fills = new Chain<Fill>();
  readonly #fillsMax: number;

  constructor({ fillsMax, marksMax }: FenceLimits) {
    this.#fillsMax = fillsMax;
    const marks = (): Marks => new Marks(marksMax, this.seq);
    this.#taken = { key: marks(), tag: marks(), prefix: marks() };
  }

  get openFills(): number {
    return this.#fills.size;
  }

  get trackedTags(): number {
    return this.#tags.size;
  }

  get marks(): number {
    const { key, tag, prefix } = this.#taken;
    return key.size + tag.size + prefix.size;
  }

  /** From now on fills may be older than their begin. Those from before now may be void. */
  keepMarks(): void {
    if (this.#keeping) return;
    if (this.#fills.size === 0) this.#restartMarks();
    this.#keeping = true;
  }

  /** Must be called before the source is read; `since` where that was earlier, in a trace. */
  begin(key: string, tags: readonly string[] = NO_TAGS, since?: number): Fill {
    if (since !== undefined) this.keepMarks();
    else if (!this.#keeping && this.#fills.size === 0) this.#restartMarks();
    const fill = new Fill(this, key, since ?? sequence.now());
    fill.tags = tags;
    const { oldest } = this.#fills;
    this.#fills.push(fill);
    if (oldest !== undefined && this.#fills.size > this.#fillsMax) this.void(oldest);
    return fill;
  }

  /** It begins anew: nothing was read under it so far. */
  renew(fill: Fill): void {
    if (fill.state !== "open") return;
    fill.seq = sequence.now();
    this.#fills.remove(fill);
    this.#fills.push(fill);
  }

  /** A fill that was never open: nothing can be stored with it. */
  spent(key: string): Fill {
    const fill = new Fill(this, key, sequence.now());
    fill.state = "ended";
    return fill;
  }

  /** It stays its holder's, and is refused. */
  void(fill: Fill): void {
    this.end(fill);
    fill.state = "void";
  }

  end(fill: Fill): void {
    if (fill.state !== "open") return;
    fill.state = "ended";
    this.#fills.remove(fill);
    if (this.#fills.size === 0 && !this.#keeping && this.marks > 0) this.#restartMarks();
  }

  /** Whether the fill, with these tags and those it declared, may no longer be stored or joined. */
  isVoid(fill: Fill, learnt: readonly string[] = NO_TAGS): boolean {
    if (fill.state !== "open") return true;
    if (this.seq <= fill.seq) return false;
    return this.takenSince(fill.tags, fill.seq) || this.#takes(fill.key, learnt, fill.seq);
  }

  /** Whether one of the tags was invalidated after `since`, or that is not known any more. */
  takenSince(tags: readonly string[], since: number): boolean {
    if (this.seq <= since) return false;
    const { tag } = this.#taken;
    if (since < tag.completeFrom || (!this.#keeping && this.#fills.size === 0)) return true;
    return tag.size > 0 && tags.some((one) => tag.has(one, since));
  }

  /** The same for what was stored here once and is not any more, as far as marks are kept. */
  isTaken(stored: {
    readonly key: string;
    readonly tags: readonly string[];
    readonly storedSeq: number;
  }): boolean {
    const { key, tags, storedSeq } = stored;
    if (!this.#keeping || this.seq <= storedSeq) return false;
    return this.#takes(key, tags, storedSeq);
  }

  /** Starts an invalidation; name what it takes with the calls below. */
  advance(): void {
    this.seq = sequence.next();
  }

  takeKey(key: string): void {
    this.#mark(this.#taken.key, key);
  }

  deleteTag(tag: string, because: string = NO_REASON): void {
    this.#mark(this.#taken.tag, tag);
    this.#delete(this.#tags.get(tag), because);
  }

  deletePrefix(prefix: string, because: string = NO_REASON): void {
    this.#mark(this.#taken.prefix, prefix);
    this.#delete(this.#prefixes.get(prefix), because);
  }

  expireTag(tag: string, nowMs: number, because: string = NO_REASON): void {
    this.#mark(this.#taken.tag, tag);
    this.#expire(this.#tags.get(tag), nowMs, because);
  }

  expirePrefix(prefix: string, nowMs: number, because: string = NO_REASON): void {
    this.#mark(this.#taken.prefix, prefix);
    this.#expire(this.#prefixes.get(prefix), nowMs, because);
  }

  /** Voids every open fill and forgets every record. Constant time. */
  takeAll(): void {
    this.#restartMarks();
    this.recordsSeq = this.seq;
    this.clearedSeq = this.seq;
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

  #takes(name: string, tags: readonly string[], since: number): boolean {
    const { key, prefix } = this.#taken;
    if (this.takenSince(tags, since)) return true;
    if (since < key.completeFrom || since < prefix.completeFrom) return true;
    if (key.has(name, since)) return true;
    return prefix.size > 0 && prefixesOf(name).some((one) => prefix.has(one, since));
  }

  #delete(found: TagRecord | undefined, because: string): void {
    if (found === undefined) return;
    found.deletedSeq = this.seq;
    found.because = because;
    this.recordsSeq = this.seq;
  }

  #expire(found: TagRecord | undefined, nowMs: number, because: string): void {
    if (found === undefined) return;
    found.expiredSeq = this.seq;
    found.expiredAtMs = nowMs;
    found.because = because;
    this.recordsSeq = this.seq;
  }

  /** Everything up to now counts as invalidated; what comes is marked from here on. */
  #restartMarks(): void {
    const { key, tag, prefix } = this.#taken;
    key.restart(this.seq);
    tag.restart(this.seq);
    prefix.restart(this.seq);
  }

  #mark(marks: Marks, name: string): void {
    if (!this.#keeping) {
      const { oldest } = this.#fills;
      if (oldest === undefined) return;
      // Nobody is older than the oldest fill: those marks go first.
      if (marks.full) marks.dropUpTo(oldest.seq);
    }
    marks.add(name, this.seq);
  }
}

function record(home: Map<string, TagRecord>, name: string): TagRecord {
  let found = home.get(name);
  if (found === undefined) {
    found = {
      name,
      home,
      refs: 0,
      deletedSeq: 0,
      expiredSeq: 0,
      expiredAtMs: 0,
      because: NO_REASON,
    };
    home.set(name, found);
  }
  found.refs += 1;
  return found;
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
