/**
 * The life of one statement's record: made synchronously in the public call, carried to where it is
 * sent, ended where its outcome is known.
 *
 * Invariants:
 * - Where nobody records (no trace, nobody listening) there is no record, and nothing is measured.
 * - A statement is recorded by whoever the application called, once: what that one hands on to carries
 *   the record, or is told that there is one.
 */
import type { Clock } from "../../core/clock.ts";
import {
  currentTrace,
  hasStatementHooks,
  isApart,
  newRecord,
  type QueryRecord,
  type Trace,
  type TransactionSpan,
  tellCalled,
  tellEnded,
} from "../../core/trace/index.ts";
import { shapeOf } from "./shape.ts";

/** The application asks for a statement. Call it synchronously in the public call, so that the stack leads to the caller. */
export function recordCall(
  clock: Clock,
  text: string,
  values: readonly unknown[] | undefined,
): QueryRecord | undefined {
  return recordCallIn(currentTrace(), clock, text, values);
}

/** Tells those who listen; again for each time that it is sent again. */
export function tellAsked(record: QueryRecord): void {
  if (hasStatementHooks() && record.shape.role !== "internal") tellCalled(record);
}

/** Like {@link recordCall}, and nobody is told before it is known whether a cache has the answer. */
export function recordQuietly(
  clock: Clock,
  text: string,
  values: readonly unknown[] | undefined,
): QueryRecord | undefined {
  return recordFor(currentTrace(), clock, text, values);
}

function recordFor(
  trace: Trace | undefined,
  clock: Clock,
  text: string,
  values: readonly unknown[] | undefined,
): QueryRecord | undefined {
  if (trace !== undefined) return trace.queries.called(shapeOf(text), values, clock.nowMs());
  if (!hasStatementHooks() || isApart()) return undefined;
  return newRecord(shapeOf(text), values, clock.nowMs());
}

/** Like {@link recordCall} for the trace that runs now, which its caller has looked up. */
export function recordCallIn(
  trace: Trace | undefined,
  clock: Clock,
  text: string,
  values: readonly unknown[] | undefined,
): QueryRecord | undefined {
  const record = recordFor(trace, clock, text, values);
  if (record !== undefined) tellAsked(record);
  return record;
}

/** It is on the wire, or sent again. */
export function recordSent(
  record: QueryRecord | undefined,
  nowMs: number,
  bytesRead: number,
): void {
  if (record === undefined) return;
  record.sentMs = nowMs;
  record.bytesBefore = bytesRead;
}

/** The running trace waited for a connection that it took out of a pool itself. */
export function waitedForConnection(waitMs: number): void {
  const trace = currentTrace();
  if (trace !== undefined) trace.queries.checkoutWaitMs += waitMs;
}

/** The application asks for a statement inside a transaction that hasten runs. */
export function recordIn(
  { around, span }: { readonly around: Around; readonly span?: TransactionSpan | undefined },
  { text, values }: Asked,
): QueryRecord | undefined {
  if (typeof text !== "string") return undefined;
  const record = recordCall(around.clock, text, values);
  if (record === undefined || span === undefined) return record;
  record.transaction = span.number;
  if (record.shape.role !== "control") span.statements += 1;
  return record;
}

interface Around {
  readonly clock: Clock;
}

interface Asked {
  readonly text?: string;
  readonly values?: readonly unknown[] | undefined;
}

export interface RecordEnd {
  readonly nowMs: number;
  /** What its connection has received by now; leave it out where several share one. */
  readonly bytesRead?: number | undefined;
  readonly rows: number;
  /** Its rows, where they are at hand. */
  readonly answer?: unknown;
  /** What it failed with. */
  readonly error?: unknown;
  /** The database's name. */
  readonly database: string;
}

/** Its outcome is known. */
export function recordEnded(record: QueryRecord | undefined, end: RecordEnd): void {
  if (record === undefined) return;
  record.endedMs = end.nowMs;
  record.rows = end.rows;
  if (end.rows === 1 && record.isLatest) record.answer = loneRow(end.answer);
  if (end.bytesRead !== undefined && record.sentMs !== 0)
    record.bytes = Math.max(0, end.bytesRead - record.bytesBefore);
  record.outcome = end.error === undefined ? "answered" : "failed";
  // Nobody was told of most.
  if (record.begun === undefined) return;
  tellEnded(record, { database: end.database, error: end.error });
}

function loneRow(rows: unknown): object | undefined {
  const row: unknown = Array.isArray(rows) && rows.length === 1 ? rows[0] : undefined;
  return typeof row === "object" && row !== null ? row : undefined;
}

/** A cache answered, or failed to: the database was not asked for this one. */
export function recordHit(record: QueryRecord | undefined, end: RecordEnd): void {
  if (record === undefined) return;
  record.cache = "hit";
  recordEnded(record, end);
}

/** The rows that the driver's own query has collected; undefined where it has not. */
export const collectedBy = (query: object): unknown =>
  (query as { readonly _result?: { readonly rows?: unknown } })._result?.rows;

/** What a client of the driver has received so far. */
export function bytesReadOf(client: object): number {
  const { connection } = client as { connection?: { stream?: { bytesRead?: unknown } } };
  const read = connection?.stream?.bytesRead;
  return typeof read === "number" ? read : 0;
}
