/**
 * What one transaction changed, gathered while its changes stream in.
 *
 * Invariants:
 * - Memory is bounded whatever a transaction does: beyond ROWS_MAX changed rows or TAGS_MAX tags of
 *   a table its rows are no longer read, and the whole table counts as changed; the same beyond
 *   TAGS_TOGETHER_MAX tags of all its tables. Beyond MESSAGES_MAX messages it is an error.
 * - What was gathered under an interest that is not in force any more is taken broadly.
 * - A change of a subtransaction that was rolled back may be kept: that drops more, never less.
 */

import { broadTag, rowTag } from "../../core/sql-tag.ts";
import { canonicalText } from "../statements/canonical.ts";
import type { Interest, TableInterest } from "../statements/interest.ts";
import { LSN_ZERO, type Lsn } from "./lsn.ts";
import { type Relation, type WantedColumn, wantedColumns } from "./relation.ts";
import type { Value } from "./tuple.ts";

const ROWS_MAX = 1_000;
const TAGS_MAX = 4_000;
const TAGS_TOGETHER_MAX = 20_000;
const MESSAGES_MAX = 1_000;
const MESSAGE_CHARACTERS_MAX = 16_000_000;

/**
 * `unknown`: nothing depends on it. `table`: nothing depends on single rows of it. `rows`: its rows
 * are read. `broad`: its rows are not known.
 */
type Detail = "unknown" | "table" | "rows" | "broad";

/** For how many more tags there is room in a transaction. */
interface Room {
  tags: number;
}

/** The changes of one relation in one transaction. */
export class RelationChange {
  readonly oid: number;
  readonly interests: readonly TableInterest[] | undefined;
  readonly wanted: readonly WantedColumn[];
  readonly tags: Set<string> = new Set();
  detail: Detail;
  readonly #room: Room;
  #rows = 0;

  constructor(
    oid: number,
    room: Room,
    interests: readonly TableInterest[] | undefined,
    relation?: Relation,
  ) {
    this.oid = oid;
    this.#room = room;
    this.interests = interests;
    const wanted = relation && interests && wantedColumns(relation, interests);
    this.wanted = wanted ?? [];
    if (interests === undefined) this.detail = "unknown";
    else if (interests.every(({ columns }) => columns.size === 0)) this.detail = "table";
    else this.detail = wanted === undefined ? "broad" : "rows";
  }

  broaden(): void {
    if (this.detail === "unknown") return;
    this.detail = "broad";
    this.#room.tags += this.tags.size;
    this.tags.clear();
  }

  /** Whether the values of one more row are of interest. */
  counts(): boolean {
    if (this.detail !== "rows") return false;
    this.#rows += 1;
    if (this.#rows <= ROWS_MAX && this.tags.size <= TAGS_MAX && this.#room.tags > 0) return true;
    this.broaden();
    return false;
  }

  /** `row` holds the wanted columns' values; one that was not sent is that of `old`, if any. */
  add(row: readonly Value[], old?: readonly Value[]): void {
    if (row.length !== this.wanted.length) {
      this.broaden();
      return;
    }
    for (let at = 0; at < row.length; at++) {
      const value = row[at] === undefined ? old?.[at] : row[at];
      if (value === null) continue;
      const { kind, tableTag, name } = this.wanted[at]!;
      const canonical = value === undefined ? undefined : canonicalText(kind, value);
      if (canonical === undefined) {
        this.broaden();
        return;
      }
      const before = this.tags.size;
      this.tags.add(rowTag(tableTag, name, canonical));
      this.#room.tags -= this.tags.size - before;
    }
  }
}

/** One top-level transaction. */
export class Gathered {
  readonly xid: number;
  readonly changes: Map<number, RelationChange> = new Map();
  /** Columns as this transaction's stream told them; others see them once it commits. */
  readonly relations: Map<number, Relation> = new Map();
  /** Contents of the application's messages. */
  messages: string[] = [];
  /** Pulses in it: before PostgreSQL 17 a message that flushes is a transaction. */
  readonly pulses: string[] = [];
  /** More messages than may be kept. */
  flooded = false;
  end: Lsn = LSN_ZERO;
  #last: RelationChange | undefined;
  readonly #room: Room = { tags: TAGS_TOGETHER_MAX };
  #characters = 0;

  constructor(xid: number) {
    this.xid = xid;
  }

  get isEmpty(): boolean {
    return this.changes.size === 0 && this.messages.length === 0 && !this.flooded;
  }

  /** Rows of one table come together: the latest one is looked at first. */
  change(oid: number, interest: Interest, relation: Relation | undefined): RelationChange {
    if (this.#last?.oid === oid) return this.#last;
    let change = this.changes.get(oid);
    if (change === undefined) {
      change = new RelationChange(oid, this.#room, interest.of(oid), relation);
      this.changes.set(oid, change);
    }
    this.#last = change;
    return change;
  }

  keep(message: string): void {
    this.#characters += message.length;
    if (this.messages.length < MESSAGES_MAX && this.#characters <= MESSAGE_CHARACTERS_MAX)
      this.messages.push(message);
    else {
      this.flooded = true;
      this.messages = [];
    }
  }
}

/** Adds what the transaction makes untrue. True: it changed something nothing is known to depend on. */
export function collectTags(gathered: Gathered, interest: Interest, into: Set<string>): boolean {
  let unmapped = false;
  for (const { oid, interests, detail, tags } of gathered.changes.values()) {
    const now = interest.of(oid);
    if (now === undefined) unmapped = true;
    const known = now === interests && detail !== "broad";
    for (const { tableTag } of interests ?? []) addTable(tableTag, known, into);
    if (now !== interests) for (const { tableTag } of now ?? []) addTable(tableTag, known, into);
    if (known) for (const tag of tags) into.add(tag);
  }
  return unmapped;
}

function addTable(tableTag: string, known: boolean, into: Set<string>): void {
  into.add(tableTag);
  if (!known) into.add(broadTag(tableTag));
}
