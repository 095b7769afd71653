/**
 * Reads the output plug-in `pgoutput` (protocol 2, streaming, messages) and gathers what
 * transactions changed.
 *
 * Invariants:
 * - Commits and messages outside transactions are given in the order of the WAL.
 * - A transaction that is streamed before its end is kept under its top-level id until it commits
 *   or is rolled back, with the columns that its own stream told: if it is rolled back, others were
 *   told something else.
 * - Rows are read only where a tag is made of one of their columns.
 * - Anything not understood is an error: the reader above starts over, and trust ends.
 */
import type { Interest } from "../statements/interest.ts";
import { Gathered, type RelationChange } from "./gathered.ts";
import { readLsn } from "./lsn.ts";
import { type Relation, readRelation } from "./relation.ts";
import { readValues, skipRow } from "./tuple.ts";

/** Prefixes of hasten's logical messages. */
export const PULSE_PREFIX = "hasten.pulse";
export const LOG_PREFIX = "hasten.log";
/** What the content of a pulse begins with that asks a leader for an answer. */
export const BARRIER = "barrier";

export interface DecoderSink {
  /** In the WAL: not necessarily visible to readers yet. */
  commit(gathered: Gathered): void;
  pulse(content: string): void;
  /** Of the application, outside any transaction. */
  message(content: string): void;
}

const OLD_KEY = 0x4b;
const OLD_ROW = 0x4f;
const STREAMED_MAX = 10_000;
const RELATIONS_MAX = 50_000;

export class Decoder {
  readonly #interest: Interest;
  readonly #sink: DecoderSink;
  readonly #relations = new Map<number, Relation>();
  readonly #streamed = new Map<number, Gathered>();
  #open: Gathered | undefined;
  /** Inside a block of a transaction that has not ended: changes carry their own id. */
  #inBlock = false;
  rows = 0;

  constructor(interest: Interest, sink: DecoderSink) {
    this.#interest = interest;
    this.#sink = sink;
  }

  /** Transactions being gathered. */
  get gathering(): number {
    return this.#streamed.size + (this.#open === undefined || this.#inBlock ? 0 : 1);
  }

  /** One message of the plug-in, from `at` to the end. */
  read(bytes: Buffer, at: number): void {
    const body = this.#inBlock ? at + 5 : at + 1;
    switch (bytes[at]) {
      case 0x49: // Insert
        this.#insert(bytes, body);
        return;
      case 0x55: // Update
        this.#update(bytes, body);
        return;
      case 0x44: // Delete
        this.#delete(bytes, body);
        return;
      case 0x54: // Truncate
        this.#truncate(bytes, body);
        return;
      case 0x52: // Relation
        this.#relation(bytes, body);
        return;
      case 0x4d: // Message
        this.#message(bytes, at);
        return;
      case 0x59: // Type
      case 0x4f: // Origin
        return;
      default:
        this.#boundary(bytes, at);
    }
  }

  #boundary(bytes: Buffer, at: number): void {
    switch (bytes[at]) {
      case 0x42: // Begin
        this.#open = new Gathered(bytes.readUInt32BE(at + 17));
        return;
      case 0x43: // Commit
        this.#commit(this.#open, bytes, at + 2);
        return;
      case 0x53: // Stream start
        this.#open = this.#streamedOf(bytes.readUInt32BE(at + 1));
        this.#inBlock = true;
        return;
      case 0x45: // Stream stop
        this.#open = undefined;
        this.#inBlock = false;
        return;
      case 0x63: // Stream commit
        this.#streamCommit(bytes, at);
        return;
      case 0x41: {
        // Stream abort: of a subtransaction its changes stay.
        const xid = bytes.readUInt32BE(at + 1);
        if (bytes.readUInt32BE(at + 5) === xid) this.#streamed.delete(xid);
        return;
      }
      default:
        throw new Error(`unknown message ${bytes[at]} of pgoutput`);
    }
  }

  #streamedOf(xid: number): Gathered {
    let gathered = this.#streamed.get(xid);
    if (gathered === undefined) {
      if (this.#streamed.size >= STREAMED_MAX) throw new Error("too many transactions at once");
      gathered = new Gathered(xid);
      this.#streamed.set(xid, gathered);
    }
    return gathered;
  }

  #streamCommit(bytes: Buffer, at: number): void {
    const xid = bytes.readUInt32BE(at + 1);
    const gathered = this.#streamed.get(xid);
    this.#streamed.delete(xid);
    for (const relation of gathered?.relations.values() ?? []) this.#learn(relation);
    this.#commit(gathered, bytes, at + 6);
  }

  /** `at`: the commit's position, then its end. */
  #commit(gathered: Gathered | undefined, bytes: Buffer, at: number): void {
    if (gathered === undefined) throw new Error("a commit without a transaction");
    this.#open = undefined;
    gathered.end = readLsn(bytes, at + 8);
    gathered.relations.clear();
    this.#sink.commit(gathered);
    for (const pulse of gathered.pulses) this.#sink.pulse(pulse);
  }

  /** The server tells a table once: one that was forgotten is taken broadly from then on. */
  #learn(relation: Relation): void {
    this.#relations.delete(relation.oid);
    this.#relations.set(relation.oid, relation);
    if (this.#relations.size <= RELATIONS_MAX) return;
    for (const oldest of this.#relations.keys()) {
      this.#relations.delete(oldest);
      return;
    }
  }

  #change(oid: number): RelationChange {
    const open = this.#open;
    if (open === undefined) throw new Error("a change outside a transaction");
    return open.change(oid, this.#interest, open.relations.get(oid) ?? this.#relations.get(oid));
  }

  #insert(bytes: Buffer, at: number): void {
    this.rows += 1;
    const change = this.#change(bytes.readUInt32BE(at));
    if (change.counts()) change.add(readValues(bytes, at + 5, change.wanted));
  }

  #update(bytes: Buffer, at: number): void {
    this.rows += 1;
    const change = this.#change(bytes.readUInt32BE(at));
    if (!change.counts()) return;
    const kind = bytes[at + 4];
    if (kind !== OLD_KEY && kind !== OLD_ROW) {
      // No old row: nothing of the replica identity changed.
      change.add(readValues(bytes, at + 5, change.wanted));
      return;
    }
    const before = readValues(bytes, at + 5, change.wanted);
    change.add(before);
    const next = skipRow(bytes, at + 5);
    if (change.detail === "rows") change.add(readValues(bytes, next + 1, change.wanted), before);
  }

  #delete(bytes: Buffer, at: number): void {
    this.rows += 1;
    const change = this.#change(bytes.readUInt32BE(at));
    if (change.counts()) change.add(readValues(bytes, at + 5, change.wanted));
  }

  #truncate(bytes: Buffer, at: number): void {
    const count = bytes.readUInt32BE(at);
    for (let index = 0; index < count; index++)
      this.#change(bytes.readUInt32BE(at + 5 + index * 4)).broaden();
  }

  #relation(bytes: Buffer, at: number): void {
    const relation = readRelation(bytes, at);
    const { oid } = relation;
    const known = this.#open?.relations.get(oid) ?? this.#relations.get(oid);
    if (this.#inBlock) this.#open?.relations.set(oid, relation);
    else this.#learn(relation);
    if (known === undefined || known.told.equals(relation.told)) return;
    // Other columns or another identity than before: what was read may have another meaning.
    if (this.#open !== undefined) this.#change(oid).broaden();
  }

  #message(bytes: Buffer, at: number): void {
    // Outside a transaction's blocks a message carries no transaction id, transactional or not.
    const body = this.#inBlock ? at + 5 : at + 1;
    const transactional = (bytes[body]! & 1) !== 0;
    const end = bytes.indexOf(0, body + 9);
    const prefix = bytes.toString("latin1", body + 9, end);
    if (prefix !== PULSE_PREFIX && prefix !== LOG_PREFIX) return;
    const length = bytes.readUInt32BE(end + 1);
    const content = bytes.toString("utf8", end + 5, end + 5 + length);
    const open = transactional ? this.#open : undefined;
    if (prefix === PULSE_PREFIX) {
      if (open === undefined) this.#sink.pulse(content);
      else if (open.pulses.length < 16) open.pulses.push(content);
    } else if (open === undefined) this.#sink.message(content);
    else open.keep(content);
  }
}
