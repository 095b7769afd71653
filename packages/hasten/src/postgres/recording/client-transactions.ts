/**
 * The transactions that a program opens by statements of its own on one client.
 *
 * Invariants:
 * - A span belongs to the trace whose statement began it; statements of other traces in between are
 *   not counted in it.
 * - It is open from when BEGIN is sent until the server says that no transaction is open, or the
 *   connection is lost.
 */
import type {
  QueryLog,
  QueryRecord,
  QueryShape,
  Trace,
  TransactionSpan,
} from "../../core/trace/index.ts";

/** How a statement ended, for the transaction that it ran in. */
export interface StatementOutcome {
  readonly failed: boolean;
  /** The connection is gone. */
  readonly lost?: boolean | undefined;
  /** What the server said of it last: `COMMIT`, `SELECT 3`. */
  readonly completed: string;
  /** I, T or E after it, where that is known. */
  readonly status?: string | null | undefined;
}

export class ClientTransactions {
  #span: TransactionSpan | undefined;
  #log: QueryLog | undefined;

  get isOpen(): boolean {
    return this.#span !== undefined;
  }

  /** A statement is on the wire. */
  sent(record: QueryRecord, trace: Trace | undefined): void {
    if (this.#span === undefined) {
      if (!opens(record.shape)) return;
      this.#log = trace?.queries;
      this.#span = this.#log?.began(record.sentMs);
    }
    if (this.#span === undefined || this.#log !== trace?.queries) return;
    record.transaction = this.#span.number;
    if (record.shape.role !== "control") this.#span.statements += 1;
  }

  /** A statement ended, whosever it was. */
  ended(shape: QueryShape, outcome: StatementOutcome, nowMs: number): void {
    if (this.#span === undefined) return;
    const { completed, failed, lost, status } = outcome;
    if (!(status === "I" || lost === true || (status == null && closes(shape)))) return;
    const span = this.#span;
    span.endedMs = nowMs;
    if (lost === true && closes(shape)) span.outcome = "unknown";
    else span.outcome = !failed && completed.startsWith("COMMIT") ? "committed" : "rolled-back";
    this.#span = undefined;
    this.#log = undefined;
  }
}

const opens = ({ kind, statement }: QueryShape): boolean =>
  kind === "begin" || (kind === "start" && statement.startsWith("start transaction"));

const closes = ({ kind, statement }: QueryShape): boolean =>
  kind === "commit" ||
  kind === "end" ||
  kind === "abort" ||
  (kind === "rollback" && !/^rollback (?:work |transaction )?to\b/.test(statement));
