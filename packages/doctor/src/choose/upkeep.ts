import type { Candidate } from "../candidates/types.ts";
import type { Catalog, Relation } from "../catalog/types.ts";
import type { IndexSize } from "../model/types.ts";
import type { Parser } from "../parse/parse.ts";
import type { Workload } from "../workload/types.ts";
import { writtenBy } from "./written.ts";

/** How much a table is written. */
export interface WriteLoad {
  readonly kind: "write-heavy" | "balanced" | "read-heavy" | "quiet";
  /** Share of the workload's time that writing its rows takes, estimated, 0 to 1. */
  readonly share: number;
  /** Rows changed so far, by what was done; only their proportions matter. */
  readonly inserted: number;
  readonly updated: number;
  readonly hotUpdated: number;
  readonly deleted: number;
  /** Column to the share of updates that set it; undefined: no UPDATE of it was seen. */
  readonly updates: ReadonlyMap<string, number> | undefined;
}

/** What an index costs its table's writes. */
export interface Upkeep {
  /** In shares of the workload's time. */
  readonly upkeep: number;
  /** Bytes that writes to the table write more, as a share of what they write now. */
  readonly writeShare: number;
  readonly losesHot: boolean;
}

/** Time to write one row without its indexes, of the order that servers show. */
const ROW_MS = 0.02;
const MINUTE_MS = 60_000;
/** As pganalyze divides tables. */
const WRITES_PER_MINUTE = 60;
const SCANS_PER_MINUTE = 1_000;
/** How strictly upkeep is counted, and how much more a table's writes may write in all. */
const CLASSES: Readonly<Record<WriteLoad["kind"], { weight: number; budget: number }>> = {
  "write-heavy": { weight: 2, budget: 0.5 },
  balanced: { weight: 1, budget: 1 },
  "read-heavy": { weight: 0.5, budget: 2 },
  quiet: { weight: 1, budget: 2 },
};
/** Any index costs something: space, vacuum, planning. In shares of the workload's time. */
const UPKEEP_LEAST = 0.0005;
/** Per row: tuple header and item pointer; per index entry: header. As pganalyze counts. */
const ROW_OVERHEAD_BYTES = 23 + 4;
const ENTRY_OVERHEAD_BYTES = 8;
const WIDTH_UNKNOWN_BYTES = 16;
/** Above this share of HOT updates a table counts as one that lives on them. */
const HOT_TABLE_SHARE = 0.5;

export function budgetOf(load: WriteLoad): number {
  return CLASSES[load.kind].budget;
}

/** By table, from its counters and from the workload's statements that write it. */
export function writeLoads(
  workload: Workload,
  catalog: Catalog,
  parser: Parser,
): ReadonlyMap<number, WriteLoad> {
  const seen = seenWrites(workload, catalog, parser);
  const totalMs = workload.statements.reduce((sum, { totalMs }) => sum + totalMs, 0);
  const windowMs = workload.window.kind === "file" ? undefined : workload.window.sinceMs;
  const busy = windowMs === undefined || windowMs <= 0 ? undefined : totalMs / windowMs;
  return new Map(
    catalog.relations.map((relation) => [
      relation.oid,
      loadOf(relation, seen.get(relation.oid), { busy, countersMs: catalog.countersMs }),
    ]),
  );
}

interface Seen {
  share: number;
  updateCalls: number;
  readonly columns: Map<string, number>;
}

function seenWrites(workload: Workload, catalog: Catalog, parser: Parser): Map<number, Seen> {
  const totalMs = workload.statements.reduce((sum, { totalMs }) => sum + totalMs, 0);
  const seen = new Map<number, Seen>();
  for (const statement of workload.statements)
    for (const { relation, updates } of writtenBy(statement, catalog, parser)) {
      const it = seen.get(relation) ?? { share: 0, updateCalls: 0, columns: new Map() };
      seen.set(relation, it);
      // The rest of the statement's time is finding the rows.
      it.share +=
        workload.source === "file" || totalMs === 0
          ? statement.share
          : Math.min(statement.share, (statement.rows * ROW_MS) / totalMs);
      if (updates.length > 0) it.updateCalls += statement.calls;
      for (const column of updates)
        it.columns.set(column, (it.columns.get(column) ?? 0) + statement.calls);
    }
  return seen;
}

function loadOf(
  relation: Relation,
  seen: Seen | undefined,
  time: { readonly busy: number | undefined; readonly countersMs: number | undefined },
): WriteLoad {
  const { activity } = relation;
  const rows = activity.inserted + activity.updated + activity.deleted;
  const minutes = time.countersMs === undefined ? undefined : time.countersMs / MINUTE_MS;
  const perMinute = minutes === undefined || minutes <= 0 ? 0 : rows / minutes;
  const scans = activity.seqScans + activity.indexScans;
  const scansPerMinute = minutes === undefined || minutes <= 0 ? 0 : scans / minutes;
  const byRate =
    time.busy === undefined || time.busy <= 0 ? 0 : (perMinute * ROW_MS) / MINUTE_MS / time.busy;
  return {
    kind: classOf(perMinute, scansPerMinute),
    share: Math.min(1, Math.max(byRate, seen?.share ?? 0)),
    inserted: activity.inserted,
    updated: activity.updated,
    hotUpdated: activity.hotUpdated,
    deleted: activity.deleted,
    updates:
      seen === undefined || seen.updateCalls === 0
        ? undefined
        : new Map([...seen.columns].map(([name, calls]) => [name, calls / seen.updateCalls])),
  };
}

function classOf(writesPerMinute: number, scansPerMinute: number): WriteLoad["kind"] {
  const written = writesPerMinute > WRITES_PER_MINUTE;
  const read = scansPerMinute > SCANS_PER_MINUTE;
  if (written && read) return "balanced";
  if (!written && !read) return "quiet";
  return written ? "write-heavy" : "read-heavy";
}

/**
 * The published measure of pganalyze (index entry bytes by row bytes, times the part of the rows
 * that the index holds), over the rows that reach the index: inserts, deletes, updates that are not
 * HOT, and those that cease to be.
 */
export function upkeepOf(
  candidate: Candidate,
  relation: Relation,
  size: IndexSize,
  load: WriteLoad,
): Upkeep {
  const rowBytes =
    ROW_OVERHEAD_BYTES +
    widthOf(
      relation,
      relation.columns.map(({ name }) => name),
    );
  const existing = relation.indexes.map((index) =>
    index.rows > 0 ? index.bytes / index.rows : entryBytes(relation, index.keys),
  );
  const existingBytes = existing.reduce((sum, bytes) => sum + bytes, 0);
  const part = relation.rows > 0 ? Math.min(1, size.rows / relation.rows) : 1;
  const bytes = candidate.predicate === undefined ? 1 : part;
  const entry = entryOf(candidate, relation, size) * bytes;
  const lost = lostHot(candidate, relation, load);
  const events = load.inserted + load.updated + load.deleted;
  const reached = load.inserted + load.deleted + (load.updated - load.hotUpdated) + lost;
  const reachedShare = events === 0 ? 1 : Math.min(1, reached / events);
  const lostShare = events === 0 ? 0 : lost / events;
  const more = entry * reachedShare + existingBytes * lostShare;
  const writeShare = more / (rowBytes + existingBytes * (1 - lostShare));
  return {
    writeShare,
    losesHot: lost > 0,
    upkeep: UPKEEP_LEAST + load.share * (more / rowBytes) * CLASSES[load.kind].weight,
  };
}

/** Entries of GIN are many a row, so their size tells; a b-tree's is known from its columns. */
function entryOf(candidate: Candidate, relation: Relation, size: IndexSize): number {
  if (candidate.method === "brin") return size.rows > 0 ? size.bytes / size.rows : 0;
  const names = [...candidate.keys.flatMap(({ column }) => column ?? []), ...candidate.include];
  const expressions = candidate.keys.filter(({ column }) => column === undefined).length;
  const byColumns =
    ENTRY_OVERHEAD_BYTES + widthOf(relation, names) + expressions * WIDTH_UNKNOWN_BYTES;
  return candidate.method === "btree" || size.rows <= 0
    ? byColumns
    : Math.max(byColumns, size.bytes / size.rows);
}

function entryBytes(relation: Relation, keys: readonly { column: string | undefined }[]): number {
  return (
    ENTRY_OVERHEAD_BYTES +
    widthOf(
      relation,
      keys.flatMap(({ column }) => column ?? []),
    )
  );
}

function widthOf(relation: Relation, names: readonly string[]): number {
  const widths = new Map(relation.columns.map(({ name, numbers }) => [name, numbers?.widthBytes]));
  return names.reduce((sum, name) => sum + (widths.get(name) ?? WIDTH_UNKNOWN_BYTES), 0);
}

/** Updates that are HOT today and would touch the new index. */
function lostHot(candidate: Candidate, relation: Relation, load: WriteLoad): number {
  // BRIN summaries do not stand in the way of HOT from 16 on, and cost little before.
  if (candidate.method === "brin" || load.updated === 0) return 0;
  if (load.hotUpdated / load.updated <= HOT_TABLE_SHARE) return 0;
  const indexed = new Set(
    relation.indexes.flatMap((index) => [
      ...index.keys.flatMap(({ column }) => column ?? []),
      ...index.include,
    ]),
  );
  // Which columns an expression or predicate reads is in its text; a name found there counts.
  const texts = [candidate.predicate ?? "", ...candidate.keys.map(({ sql }) => sql)].join(" ");
  const touched = relation.columns.filter(
    ({ name }) =>
      !indexed.has(name) && (candidate.include.includes(name) || texts.includes(`"${name}"`)),
  );
  const shares = touched.map(({ name }) => load.updates?.get(name) ?? 0);
  return load.hotUpdated * Math.max(0, ...shares);
}
