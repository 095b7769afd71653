/**
 * One statement of an observed client: asked for, sent, ended.
 *
 * Invariants:
 * - It ends once, whatever the driver tells after that.
 * - One object for a statement: it is made for each, so it holds no closures.
 */
import { channels } from "../../core/channels.ts";
import type { Clock } from "../../core/clock.ts";
import type { QueryRecord, Trace } from "../../core/trace/index.ts";
import type { QueryEvent } from "../measure.ts";
import type { DriverClient } from "../watch/shapes.ts";
import type { ClientTransactions } from "./client-transactions.ts";
import { bytesReadOf, recordEnded, recordSent } from "./record.ts";
import { shapeOf } from "./shape.ts";

/** The client that runs it. */
export interface Seat {
  readonly client: DriverClient;
  readonly clock: Clock;
  readonly transactions: ClientTransactions;
  /** The application_name of its connection; empty where none is set. */
  readonly application: string;
}

export class StatementLife {
  readonly text: string;
  /** Whose it is. */
  readonly trace: Trace | undefined;
  /** Undefined where nobody records it. */
  readonly record: QueryRecord | undefined;
  readonly calledMs: number;
  /** What the server said of it last: `COMMIT`, `SELECT 3`. */
  completed = "";
  /** Those that came by while it was read. */
  rows = 0;
  /** Its rows, where the driver collects them. */
  answer: unknown = undefined;
  #seat: Seat | undefined = undefined;
  #wasSent = false;

  constructor(
    text: string,
    { trace, record, calledMs }: Pick<StatementLife, "trace" | "record" | "calledMs">,
  ) {
    this.text = text;
    this.trace = trace;
    this.record = record;
    this.calledMs = calledMs;
  }

  /** It is handed to this client. */
  takenBy(seat: Seat): void {
    this.#seat = seat;
  }

  /** It is on the wire. */
  sent(): void {
    this.#wasSent = true;
    const { record } = this;
    const seat = this.#seat;
    if (record === undefined || seat === undefined) return;
    recordSent(record, seat.clock.nowMs(), bytesReadOf(seat.client));
    record.application = seat.application;
    seat.transactions.sent(record, this.trace);
  }

  answered(): void {
    this.#ended(undefined);
  }

  failed(error: unknown): void {
    this.#ended(error ?? UNKNOWN);
  }

  #ended(error: unknown): void {
    const seat = this.#seat;
    if (seat === undefined) return;
    this.#seat = undefined;
    const { record } = this;
    const rows = Math.max(this.rows, rowsOf(this.completed));
    const database = seat.client.database ?? "";
    const nowMs = seat.clock.nowMs();
    if (record !== undefined) {
      const bytesRead = bytesReadOf(seat.client);
      recordEnded(record, { nowMs, bytesRead, rows, answer: this.answer, error, database });
    }
    if (seat.transactions.isOpen) this.#endedInTransaction(seat, error, nowMs);
    if (!channels.postgresQuery.hasSubscribers) return;
    const { statement } = shapeOf(this.text);
    const [durationMs, recorded] = [nowMs - this.calledMs, this.trace !== undefined];
    const told = { durationMs, rows, ok: error === undefined, database };
    const event: QueryEvent = { statement, ...told, trace: this.trace, recorded };
    channels.postgresQuery.publish(event);
  }

  #endedInTransaction({ client, transactions }: Seat, error: unknown, nowMs: number): void {
    const failed = error !== undefined;
    const lost = failed && this.#wasSent && !isServers(error);
    const status = failed ? undefined : client.getTransactionStatus?.();
    const shape = this.record?.shape ?? shapeOf(this.text);
    transactions.ended(shape, { failed, lost, completed: this.completed, status }, nowMs);
  }
}

const UNKNOWN: Error = new Error("failed");

const isServers = (error: unknown): boolean =>
  typeof (error as { severity?: unknown } | null)?.severity === "string";

/** `SELECT 3`, `INSERT 0 3`, `COPY 3`: 3. No pattern: it is asked for each statement. */
export function rowsOf(completed: string): number {
  let rows = 0;
  let unit = 1;
  for (let at = completed.length - 1; at >= 0; at--) {
    const digit = completed.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) break;
    rows += digit * unit;
    unit *= 10;
  }
  return rows;
}

const ZERO = 48;
