/**
 * Transactions.
 *
 * Invariants:
 * - COMMIT is sent at most once: when its answer is lost the outcome is unknown and nothing is retried;
 * - before COMMIT was sent a lost connection means rolled back, and the error says so;
 * - a COMMIT that PostgreSQL answers with ROLLBACK (an earlier statement had failed) is an error;
 * - hooks run only after COMMIT was acknowledged, and cannot undo that it was;
 * - statements of one transaction run one after the other; a nested one shuts its parent until it ends.
 */
import { optionInvalid, PostgresError } from "./errors.ts";
import { aborted, outcomeUnknown, timedOut } from "./failures.ts";
import { beginLimited } from "./pooler/begin.ts";
import { recordIn } from "./recording/record.ts";
import { type RunOutcome, runOn, stateAfter } from "./session.ts";
import { type Statement, sql, trustedSql } from "./sql.ts";
import { openScope } from "./transaction-scope.ts";
import type { Committed, TransactionParts, Tx } from "./tx.ts";

type Control = "begin" | "commit" | "rollback";

/** Runs `work` and COMMIT on a lease where BEGIN was answered, and gives the lease back. */
export async function runTransaction<T>(
  work: (tx: Tx) => Promise<T>,
  parts: TransactionParts,
): Promise<Committed<T>> {
  const scope = openScope(parts);
  const guard = guarded(parts);
  try {
    let value: T;
    try {
      value = await Promise.race([work(scope.tx), guard.expired]);
      await Promise.race([scope.settle(), guard.expired]);
    } catch (error) {
      scope.close();
      // Nested work that never ends must not outlast the deadline either.
      await Promise.race([scope.settle(), guard.expired]).catch(() => undefined);
      await rollback(parts);
      throw error;
    }
    scope.close();
    await commit(parts);
    parts.lease.release("clean");
    return { value, hooks: scope.hooks };
  } finally {
    guard.stop();
  }
}

/** Gives up the whole transaction at its deadline or abort, even while the work waits for something else. */
function guarded({ lease, options, around, deadlineMs }: TransactionParts) {
  const { signal } = options;
  const expired = Promise.withResolvers<never>();
  expired.promise.catch(() => undefined);
  const give = (error: PostgresError): void => {
    lease.abandon(error);
    expired.reject(error);
  };
  const onAbort = (): void => give(aborted(signal!));
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  const timer = Number.isFinite(deadlineMs)
    ? around.clock.schedule(Math.max(0, deadlineMs - around.clock.nowMs()), () =>
        give(timedOut(options.timeoutMs ?? 0, "transaction")),
      )
    : undefined;
  const stop = (): void => {
    timer?.cancel();
    signal?.removeEventListener("abort", onAbort);
  };
  return { expired: expired.promise, stop };
}

/** Sends BEGIN. One that got lost did nothing, so the caller may take another connection. */
export async function begin(parts: TransactionParts): Promise<RunOutcome> {
  const { isolation, readOnly } = parts.options;
  const level = isolation === undefined ? "" : ` isolation level ${checkedIsolation(isolation)}`;
  const access = readOnly === true ? " read only" : "";
  const outcome = await beginWith(`begin${level}${access}`, parts);
  if (outcome.kind === "failed") parts.lease.release("broken");
  return outcome;
}

async function beginWith(text: string, parts: TransactionParts): Promise<RunOutcome> {
  const { limits, options, lease, around } = parts;
  if (limits !== undefined) {
    const timeoutMs = boundOf("begin", parts);
    const onTimeout = (): PostgresError => timedOut(timeoutMs, text);
    const record = recordIn(parts, { text });
    return beginLimited(lease, { text, limits, timeoutMs, onTimeout, record }, around);
  }
  const outcome = await control(trustedSql(text), "begin", parts);
  const { statementTimeoutMs } = options;
  if (outcome.kind === "failed" || statementTimeoutMs === undefined) return outcome;
  const ms = String(statementTimeoutMs);
  return control(sql`select set_config('statement_timeout', ${ms}, true)`, "begin", parts);
}

async function rollback(parts: TransactionParts): Promise<void> {
  const outcome = await control(trustedSql("rollback"), "rollback", parts);
  parts.lease.release(outcome.kind === "answered" ? "clean" : "broken");
}

async function commit(parts: TransactionParts): Promise<void> {
  const { abandoned } = parts.lease;
  if (abandoned !== undefined) throw abandoned;
  const outcome = await control(trustedSql("commit"), "commit", parts);
  if (outcome.kind === "failed") {
    parts.lease.release(stateAfter(outcome.failure));
    const answered = outcome.failure === "refused" || outcome.failure === "unsent";
    throw answered ? outcome.error : outcomeUnknown("COMMIT", outcome.error, parts.around.full);
  }
  if (outcome.result.command === "COMMIT") return;
  parts.lease.release("clean");
  throw new PostgresError("HST_PG_ROLLED_BACK", {
    message: "COMMIT was answered with ROLLBACK: a statement of the transaction had failed.",
    fix: "Let the error of a failed statement end the work, or run it in a nested tx.transaction().",
  });
}

/** A rollback is given a second even after the deadline, so that the connection can be kept. */
const ROLLBACK_MIN_MS = 1_000;

function boundOf(
  kind: Control,
  { deadlineMs, defaultTimeoutMs, around }: TransactionParts,
): number {
  const leftMs = deadlineMs - around.clock.nowMs();
  return Math.min(defaultTimeoutMs, Math.max(kind === "rollback" ? ROLLBACK_MIN_MS : 1, leftMs));
}

function control(statement: Statement, kind: Control, parts: TransactionParts) {
  const timeoutMs = boundOf(kind, parts);
  const record = recordIn(parts, statement);
  return runOn(
    parts.lease,
    statement,
    { timeoutMs, onLost: kind === "commit" ? "unknown" : "rolled-back", record },
    parts.around,
  );
}

function checkedIsolation(isolation: string): string {
  if (["read committed", "repeatable read", "serializable"].includes(isolation)) return isolation;
  throw optionInvalid("isolation", "read committed, repeatable read or serializable", isolation);
}

/** True for what a repeat of the whole transaction can cure. */
export const isRetryable = (error: unknown): boolean =>
  error instanceof PostgresError && (error.sqlstate === "40001" || error.sqlstate === "40P01");
