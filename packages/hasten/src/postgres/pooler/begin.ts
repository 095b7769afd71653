import type { QueryRecord } from "../../core/trace/index.ts";
import type { PgStatement } from "../driver.ts";
import type { Lease } from "../lease.ts";
import { recordEnded, recordSent } from "../recording/record.ts";
import { explain, type RunOutcome, type Surroundings } from "../session.ts";

/** Limits of a transaction where the session cannot keep them, in milliseconds. */
export interface LocalLimits {
  readonly statementTimeoutMs: number;
  readonly idleInTransactionTimeoutMs: number;
}

interface Beginning {
  /** `begin`, with its isolation level. */
  readonly text: string;
  readonly limits: LocalLimits;
  readonly timeoutMs: number;
  readonly onTimeout: () => Parameters<Lease["abandon"]>[0];
  /** Of BEGIN; its limits are part of it. */
  readonly record?: QueryRecord | undefined;
}

/** BEGIN and its limits in one round trip. What is set ends with the transaction. */
export async function beginLimited(
  lease: Lease,
  { text, limits, timeoutMs, onTimeout, record }: Beginning,
  around: Surroundings,
): Promise<RunOutcome> {
  const texts = [
    text,
    `set local statement_timeout = ${Math.round(limits.statementTimeoutMs)}`,
    `set local idle_in_transaction_session_timeout = ${Math.round(limits.idleInTransactionTimeoutMs)}`,
  ];
  const { clock, measure, database } = around;
  const startedMs = clock.nowMs();
  if (record !== undefined) recordSent(record, startedMs, lease.bytesRead());
  const ended = (error?: unknown): void => {
    const bytesRead = record === undefined ? 0 : lease.bytesRead();
    recordEnded(record, { nowMs: clock.nowMs(), bytesRead, rows: 0, error, database });
    measure.statement(text, elapsedMs(), { rows: 0, ok: error === undefined });
  };
  const elapsedMs = (): number => clock.nowMs() - startedMs;
  const failed = (error: unknown): RunOutcome => {
    ended(error);
    return explain(error, { text, elapsedMs: elapsedMs(), onLost: "rolled-back" }, around);
  };
  try {
    const sent = texts.map(
      (one): PgStatement => ({ text: one, values: [], queryMode: "extended" }),
    );
    const answers = await lease.runAll(sent, { timeoutMs, onTimeout });
    for (const answer of answers) if (answer.status === "rejected") return failed(answer.reason);
    ended();
    const [first] = answers as readonly PromiseFulfilledResult<never>[];
    return { kind: "answered", result: first!.value };
  } catch (error) {
    return failed(error);
  }
}
