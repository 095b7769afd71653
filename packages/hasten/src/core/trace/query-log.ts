/**
 * The statements of one request or job, in the order in which they were asked for.
 *
 * Invariants:
 * - One log for a request, whatever traces are opened inside it: the loads of cached values that it
 *   caused are its statements too.
 * - Bounded: at most RECORDS_MAX records and TRANSACTIONS_MAX spans; later ones are only counted.
 * - A stack is captured from the `siteCapture.from`th statement of one shape on, and at most
 *   `siteCapture.max` times for it.
 * - Values are kept until the log is let go, are never shown (neither by JSON nor by `inspect`), and
 *   never leave the process.
 * - Of answers at most one row is kept, of the latest statement, until the next one is asked for.
 */
import { siteHere } from "./capture-site.ts";
import { followsFrom } from "./follows.ts";
import { siteCapture } from "./judging.ts";
import { newRecord, type QueryRecord } from "./query-record.ts";
import type { QueryShape } from "./query-shape.ts";

/** Statements of one trace that are kept as records. */
export const RECORDS_MAX = 1_000;
/** Transactions of one trace that are kept as spans. */
export const TRANSACTIONS_MAX = 1_000;
/** From this many records on, those of a shape are counted apart. */
const SCANNED_MAX = 12;

/** One transaction of the trace. */
export interface TransactionSpan {
  readonly number: number;
  readonly startedMs: number;
  /** 0 while it runs. */
  endedMs: number;
  /** Those that read or write. */
  statements: number;
  /** `unknown`: the connection was lost at COMMIT. */
  outcome: "running" | "committed" | "rolled-back" | "unknown";
}

export interface QueryTotals {
  /** Statements that reached the database, without those that only begin and end transactions. */
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
  #counts: Map<string, number> | undefined = undefined;

  /** The application asks for a statement: call this synchronously from the public call, so that the stack leads to the caller. */
  called(
    shape: QueryShape,
    values: readonly unknown[] | undefined,
    nowMs: number,
  ): QueryRecord | undefined {
    if (this.records.length >= RECORDS_MAX) {
      if (isWork(shape)) this.beyond += 1;
      return undefined;
    }
    const record = newRecord(shape, values, nowMs);
    const earlier = this.#earlier(shape);
    const before = this.records.at(-1);
    if (before !== undefined) succeed(before, record);
    this.records.push(record);
    const at = earlier - (siteCapture.from - 1);
    if (at >= 0 && at < siteCapture.max && isWork(shape)) record.site = siteHere();
    return record;
  }

  /** A transaction begins now; undefined beyond TRANSACTIONS_MAX. */
  began(nowMs: number): TransactionSpan | undefined {
    if (this.transactions.length >= TRANSACTIONS_MAX) return undefined;
    const span: TransactionSpan = {
      number: this.transactions.length + 1,
      startedMs: nowMs,
      endedMs: 0,
      statements: 0,
      outcome: "running",
    };
    this.transactions.push(span);
    return span;
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
      if (one.shape.role !== "control") sum.count += 1;
      sum.rows += one.rows;
      sum.bytes += one.bytes;
      if (one.outcome === "failed") sum.failed += 1;
      if (one.sentMs !== 0) sum.waitMs += one.sentMs - one.calledMs;
      else if (one.endedMs !== 0) sum.waitMs += one.endedMs - one.calledMs;
      if (one.sentMs !== 0 && one.endedMs !== 0) sum.databaseMs += one.endedMs - one.sentMs;
    }
    return sum;
  }

  /** How many of the same statement there are already. */
  #earlier({ statement }: QueryShape): number {
    const { records } = this;
    let found = 0;
    if (records.length < SCANNED_MAX) {
      for (const one of records) if (one.shape.statement === statement) found += 1;
      return found;
    }
    this.#counts ??= counted(records);
    found = this.#counts.get(statement) ?? 0;
    this.#counts.set(statement, found + 1);
    return found;
  }
}

/** The answer of the one before is looked at for the last time. */
function succeed(before: QueryRecord, record: QueryRecord): void {
  const { answer, shape, values } = before;
  if (answer !== undefined && shape === record.shape)
    record.follows = followsFrom(answer, values, record.values);
  before.isLatest = false;
  before.answer = undefined;
}

const isWork = ({ role }: QueryShape): boolean => role === "read" || role === "write";

function counted(records: readonly QueryRecord[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { shape } of records)
    counts.set(shape.statement, (counts.get(shape.statement) ?? 0) + 1);
  return counts;
}
