/**
 * One bulk write from its first row to its result.
 *
 * Invariants:
 * - the first rows are read before a transaction begins;
 * - whatever ends it, `committedRows` counts exactly the rows whose COMMIT was acknowledged, and
 *   `unknownRows` those whose COMMIT got no answer;
 * - the input is closed once, and never waited for after a failure.
 */
import type { Clock } from "../../core/clock.ts";
import { optionInvalid, PostgresError } from "../errors.ts";
import { type Table, tableOf } from "./catalog.ts";
import { rowEncoder } from "./encode-rows.ts";
import { type Feed, feedOf, HEAD_ROWS, type Head } from "./feed.ts";
import { type Kind, type Layout, layoutOf } from "./layout.ts";
import { type Line, untilAborted } from "./line.ts";
import { type Source, sourceOf } from "./source.ts";
import {
  type BulkMethod,
  type BulkOptions,
  type BulkResult,
  type BulkRows,
  bulkOutcome,
  type UpsertOptions,
  withOutcome,
} from "./types.ts";
import { writeSome } from "./write.ts";
import type { ReturnedRows, Tally } from "./write-types.ts";

/** Where a bulk write happens: on a database, or in a transaction of the caller. */
export interface Place {
  readonly clock: Clock;
  /** The row of the catalog for a table. */
  catalog(table: string | readonly string[]): Promise<unknown>;
  /** Runs `work` in one transaction, and resolves when it is committed (or released). */
  transact(options: BulkOptions, work: (line: Line) => Promise<void>): Promise<void>;
  /** False in a transaction of the caller. */
  readonly commits: boolean;
}

export type AnyOptions = Omit<UpsertOptions, "on"> & { readonly on?: readonly string[] | string };

export interface Wanted {
  readonly kind: Kind;
  readonly table: string | readonly string[];
  readonly rows: BulkRows;
  readonly options: AnyOptions;
}

const CHUNK_ROWS = 50_000;
const CHUNK_ROWS_MAX = 1_000_000;
const DAY_MS = 86_400_000;

export async function runBulk(place: Place, wanted: Wanted): Promise<BulkResult> {
  const { options } = wanted;
  checkOptions(options);
  const startedMs = place.clock.nowMs();
  const source = sourceOf(wanted.rows);
  const state = createState(startedMs);
  try {
    const first = await untilAborted(Promise.resolve(source.next()), options.signal);
    if (first !== undefined) {
      const table = tableOf(wanted.table, await place.catalog(wanted.table));
      await writeAll(place, { ...wanted, table, source, first }, state);
    }
  } catch (error) {
    void source.close().catch(() => undefined);
    throw toldApart(error, state);
  }
  return resultOf(state, place.clock.nowMs());
}

interface Job extends Omit<Wanted, "table"> {
  readonly table: Table;
  readonly source: Source;
  readonly first: object;
}

interface State {
  readonly startedMs: number;
  readonly total: Tally;
  committedRows: number;
  unknownRows: number;
  chunks: number;
  statements: number;
  method: BulkMethod;
}

const createState = (startedMs: number): State => ({
  startedMs,
  total: emptyTally(),
  committedRows: 0,
  unknownRows: 0,
  chunks: 0,
  statements: 0,
  method: "unnest",
});

const emptyTally = (): Tally => ({ rows: 0, bytes: 0, inserted: 0, updated: 0, deleted: 0 });

async function writeAll(place: Place, job: Job, state: State): Promise<void> {
  const { kind, table, first, options, source } = job;
  const layout = layoutOf(kind, table, { first, options });
  const named = !Array.isArray(first);
  const encoder = rowEncoder(layout, named);
  const feed = feedOf(source, first, { encoder, columns: layout.columns });
  const inChunks = options.transaction === "chunks" && place.commits;
  const copyRows = options.chunkRows ?? CHUNK_ROWS;
  const returns = layout.returning.length > 0;
  const chunkRows = returns ? Math.min(copyRows, HEAD_ROWS) : copyRows;
  const rowsMax = inChunks ? chunkRows : Number.POSITIVE_INFINITY;
  while (!feed.ended) {
    const head = await untilAborted(feed.head(rowsMax), options.signal);
    if (head.rows === 0) break;
    const method = methodFor(options, layout, { feed, head, rowsMax });
    if (method === "copy") state.method = "copy";
    const tally = emptyTally();
    const kept: ReturnedRows[] = [];
    const onRows = async (returned: ReturnedRows): Promise<void> => {
      if (inChunks) {
        if (returned.length > 0) kept.push(returned);
        return;
      }
      if (returned.length > 0) await options.onReturned?.(returned);
      await progress(place, { options, state, tally });
    };
    const portion = { head, rowsMax, copyRows, method, tally, onRows };
    try {
      await place.transact(options, async (line) => {
        try {
          await writeSome({ line, layout, feed, clock: place.clock }, portion);
        } finally {
          state.statements += line.statements;
        }
      });
    } catch (error) {
      if (isUnknown(error)) state.unknownRows = tally.rows;
      throw error;
    }
    add(state.total, tally);
    state.chunks++;
    if (place.commits) state.committedRows += tally.rows;
    for (const returned of kept) await options.onReturned?.(returned);
    if (inChunks || place.commits) await progress(place, { options, state, tally: emptyTally() });
  }
}

function methodFor(
  { method }: AnyOptions,
  { kind, table, returning }: Layout,
  { feed, head, rowsMax }: { feed: Feed; head: Head; rowsMax: number },
): BulkMethod {
  if (returning.length > 0) return "unnest";
  if (method === undefined && kind === "insert" && table.rowSecurity) return "unnest";
  return method ?? (feed.ended || head.rows >= rowsMax ? "unnest" : "copy");
}

async function progress(
  place: Place,
  { options, state, tally }: { options: AnyOptions; state: State; tally: Tally },
): Promise<void> {
  if (options.onProgress === undefined) return;
  const rows = state.total.rows + tally.rows;
  const seconds = Math.max(1, place.clock.nowMs() - state.startedMs) / 1_000;
  await options.onProgress({
    rows,
    bytes: state.total.bytes + tally.bytes,
    rowsPerSecond: rows / seconds,
    committedRows: state.committedRows,
  });
}

function add(total: Tally, more: Tally): void {
  total.rows += more.rows;
  total.bytes += more.bytes;
  total.inserted += more.inserted;
  total.updated += more.updated;
  total.deleted += more.deleted;
}

const isUnknown = (error: unknown): boolean =>
  error instanceof PostgresError && error.code === "HST_PG_OUTCOME_UNKNOWN";

/** Any error, the input's own too, says what was left behind. */
function toldApart(error: unknown, { committedRows, unknownRows }: State): unknown {
  if (typeof error !== "object" || error === null) return error;
  const known = bulkOutcome(error);
  return withOutcome(error, {
    row: known?.row,
    column: known?.column,
    rows: known?.rows,
    committedRows,
    unknownRows,
  });
}

function resultOf(state: State, nowMs: number): BulkResult {
  const { total, chunks, statements, method, startedMs } = state;
  const { rows, bytes, inserted, updated, deleted } = total;
  const durationMs = nowMs - startedMs;
  const unchanged = rows - inserted - updated - deleted;
  const rowsPerSecond = rows / (Math.max(1, durationMs) / 1_000);
  const counts = { rows, inserted, updated, deleted, unchanged };
  return { ...counts, chunks, statements, bytes, method, durationMs, rowsPerSecond };
}

function checkOptions(options: AnyOptions): void {
  const { chunkRows, method, timeoutMs, transaction, returning, onReturned } = options;
  whole("chunkRows", chunkRows, CHUNK_ROWS_MAX);
  whole("timeoutMs", timeoutMs, DAY_MS);
  if (method !== undefined && method !== "unnest" && method !== "copy")
    throw optionInvalid("method", '"unnest" or "copy"', method);
  if (transaction !== undefined && transaction !== "one" && transaction !== "chunks")
    throw optionInvalid("transaction", '"one" or "chunks"', transaction);
  if ((returning === undefined) !== (onReturned === undefined))
    throw optionInvalid("returning", "given together with onReturned", returning);
  if (returning !== undefined && method === "copy")
    throw optionInvalid("method", '"unnest" where rows are returned', method);
}

function whole(name: string, value: number | undefined, max: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= max)) return;
  throw optionInvalid(name, `an integer from 1 to ${max}`, value);
}
