/**
 * The statements of one request or job, in the order in which they were asked for.
 *
 * Invariants:
 * - One log for a request, whatever traces are opened inside it: the loads of cached values that it
 *   caused are its statements too.
 * - Bounded: at most RECORDS_MAX records; later statements are only counted.
 * - A stack is captured from the second statement of one shape on, and at most `sitesMax` times for it.
 * - Values are kept until the log is let go, are never shown, and never leave the process.
 */
import type { CallSite } from "./call-site.ts";
import { isUnjudged } from "./judging.ts";
import type { QueryShape } from "./query-shape.ts";

/** Statements of one trace that are kept as records. */
export const RECORDS_MAX = 1_000;

/** `hit`: answered by a cache, the database was not asked. */
export type CacheOutcome = "none" | "hit" | "miss";

/** One statement. Times are monotonic milliseconds. */
export interface QueryRecord {
  readonly shape: QueryShape;
  readonly values: readonly unknown[] | undefined;
  /** When the application asked. */
  readonly calledMs: number;
  /** When it was sent: the difference was spent waiting for a connection. 0 while it was not. */
  sentMs: number;
  /** When its answer was complete. 0 while it is not. */
  endedMs: number;
  rows: number;
  /** Received for it from the server; 0 where nobody counted. */
  bytes: number;
  outcome: "running" | "answered" | "failed";
  cache: CacheOutcome;
  /** The transaction of this trace that it ran in: 1, 2, …; 0 outside. */
  transaction: number;
  /** Undefined for the first of its shape, and where the stack holds no line of the application. */
  site: CallSite | undefined;
  /** The application_name of its connection, where it is known: what belongs to a queue is not judged. */
  application: string;
  /** Its rows are handed on as they come: a cursor, a COPY. No answer is held in memory. */
  streamed: boolean;
  /** Asked for by what the application has excepted from being judged. */
  readonly unjudged: boolean;
}

/** One transaction of the trace. */
export interface TransactionSpan {
  readonly number: number;
  readonly startedMs: number;
  endedMs: number;
  statements: number;
  outcome: "running" | "committed" | "rolled-back";
}

export interface QueryTotals {
  /** Statements that reached the database. */
  readonly count: number;
  readonly databaseMs: number;
  readonly waitMs: number;
  readonly rows: number;
  readonly bytes: number;
  readonly failed: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
}

export class QueryLog {
  readonly records: QueryRecord[] = [];
  readonly transactions: TransactionSpan[] = [];
  /** Statements beyond RECORDS_MAX. */
  beyond = 0;
  /** Time spent waiting for connections that the application took out of a pool itself. */
  checkoutWaitMs = 0;

  /** A statement is asked for now: call it synchronously from the public call, so that the stack leads to the caller. */
  called(
    shape: QueryShape,
    values: readonly unknown[] | undefined,
    nowMs: number,
  ): QueryRecord | undefined {
    if (this.records.length >= RECORDS_MAX) {
      this.beyond += 1;
      return undefined;
    }
    const record: QueryRecord = {
      shape,
      values,
      calledMs: nowMs,
      sentMs: 0,
      endedMs: 0,
      rows: 0,
      bytes: 0,
      outcome: "running",
      cache: "none",
      transaction: 0,
      site: undefined,
      application: "",
      streamed: false,
      unjudged: isUnjudged(),
    };
    this.records.push(record);
    return record;
  }

  totals(): QueryTotals {
    const sum = {
      count: this.beyond,
      databaseMs: 0,
      waitMs: this.checkoutWaitMs,
      rows: 0,
      bytes: 0,
      failed: 0,
      cacheHits: 0,
      cacheMisses: 0,
    };
    for (const one of this.records) {
      if (one.cache === "hit") sum.cacheHits += 1;
      else if (one.cache === "miss") sum.cacheMisses += 1;
      if (one.cache === "hit" || one.shape.role === "internal") continue;
      sum.count += 1;
      sum.rows += one.rows;
      sum.bytes += one.bytes;
      if (one.outcome === "failed") sum.failed += 1;
      if (one.sentMs === 0) continue;
      sum.waitMs += one.sentMs - one.calledMs;
      if (one.endedMs !== 0) sum.databaseMs += one.endedMs - one.sentMs;
    }
    return sum;
  }
}
