import type { Clock } from "../core/clock.ts";
import type { QueryRecord } from "../core/trace/index.ts";
import type { PgResult } from "./driver.ts";
import type { PostgresError } from "./errors.ts";
import {
  driverFailed,
  type Failure,
  failureOf,
  outcomeUnknown,
  reasonOf,
  refusedError,
  sqlstateOf,
  timedOut,
  unavailable,
} from "./failures.ts";
import type { Lease } from "./lease.ts";
import type { Measure } from "./measure.ts";
import { recordEnded, recordSent } from "./recording/record.ts";
import type { Statement } from "./sql.ts";
import { toPgStatement } from "./statement.ts";

/** What running a statement needs of its surroundings. */
export interface Surroundings {
  readonly clock: Clock;
  readonly measure: Measure;
  readonly full: boolean;
  readonly statementTimeoutMs: number;
  /** The database's name. */
  readonly database: string;
}

/** A failed run: the error for the caller, and what it says about the connection. */
export interface RunFailure {
  readonly kind: "failed";
  readonly failure: Failure | "given-up";
  readonly error: PostgresError;
}

export type RunOutcome = { readonly kind: "answered"; readonly result: PgResult } | RunFailure;

export interface RunOne {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly name?: string | undefined;
  /** Inside a transaction a lost connection means rolled back; outside nobody knows. */
  readonly onLost: "unknown" | "rolled-back";
  /** Made by the public call, where it is recorded. */
  readonly record?: QueryRecord | undefined;
}

interface Ended {
  readonly answer?: unknown;
  readonly error?: unknown;
}

/** Runs one statement on a lease, measures it, and says what happened. Never rejects for a server's or network's error. */
export async function runOn(
  lease: Lease,
  statement: Statement,
  options: RunOne,
  around: Surroundings,
): Promise<RunOutcome> {
  const { clock, measure } = around;
  const pg = toPgStatement(statement, options.name);
  const startedMs = clock.nowMs();
  const { timeoutMs, signal, record } = options;
  if (record !== undefined) recordSent(record, startedMs, lease.bytesRead());
  const ended = (nowMs: number, rows: number, { answer, error }: Ended = {}): void => {
    const bytesRead = record === undefined ? 0 : lease.bytesRead();
    recordEnded(record, { nowMs, bytesRead, rows, answer, error, database: around.database });
    measure.statement(pg.text, nowMs - startedMs, { rows, ok: error === undefined });
  };
  const onTimeout = (): PostgresError => timedOut(timeoutMs, measure.nameOf(pg.text));
  try {
    const result = await lease.run(pg, { timeoutMs, signal, onTimeout });
    ended(clock.nowMs(), result.rowCount ?? 0, { answer: result.rows });
    return { kind: "answered", result };
  } catch (error) {
    const nowMs = clock.nowMs();
    ended(nowMs, 0, { error: error ?? new Error("failed") });
    const elapsedMs = nowMs - startedMs;
    return explain(error, { text: pg.text, elapsedMs, onLost: options.onLost }, around);
  }
}

interface Attempt {
  readonly text: string;
  readonly elapsedMs: number;
  readonly onLost: RunOne["onLost"];
}

/** Turns what a lease rejected with into an outcome. */
export function explain(error: unknown, attempt: Attempt, around: Surroundings): RunFailure {
  const failed = (failure: RunFailure["failure"], explained: PostgresError): RunFailure => ({
    kind: "failed",
    failure,
    error: explained,
  });
  if (error instanceof Error && error.name === "PostgresError")
    return failed("given-up", error as PostgresError);
  const statement = around.measure.nameOf(attempt.text);
  const context = { statement, full: around.full };
  const failure = failureOf(error);
  if (failure === "driver") return failed(failure, driverFailed(error, context));
  if (failure === "unsent" || (failure === "dead" && attempt.onLost === "rolled-back"))
    return failed(failure, lost(failure, error, { ...attempt, full: around.full }));
  if (failure === "dead") return failed(failure, outcomeUnknown("a statement", error, around.full));
  const byServer = sqlstateOf(error) === "57014" && attempt.elapsedMs >= around.statementTimeoutMs;
  return failed(
    failure,
    byServer ? timedOut(attempt.elapsedMs, statement) : refusedError(error, context),
  );
}

/** For an unsent statement the driver names no reason; the lease adds what the server said earlier. */
function lost(
  failure: Failure,
  error: unknown,
  { onLost, full }: { readonly onLost: RunOne["onLost"]; readonly full: boolean },
): PostgresError {
  const cause = failure === "unsent" ? ((error as Error).cause ?? error) : error;
  const because =
    onLost === "rolled-back"
      ? `the connection was lost inside the transaction (${reasonOf(cause)}), which is rolled back`
      : "the connection was lost before the statement was sent";
  return unavailable(because, cause, full);
}

/** After a failed run: may the client be used again? */
export const stateAfter = (failure: RunFailure["failure"]): "clean" | "broken" =>
  failure === "refused" || failure === "driver" ? "clean" : "broken";
