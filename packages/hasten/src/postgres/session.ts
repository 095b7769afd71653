import type { Clock } from "../core/clock.ts";
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
import type { Statement } from "./sql.ts";
import { toPgStatement } from "./statement.ts";

/** What running a statement needs of its surroundings. */
export interface Surroundings {
  readonly clock: Clock;
  readonly measure: Measure;
  readonly full: boolean;
  readonly statementTimeoutMs: number;
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
  const { timeoutMs, signal } = options;
  const onTimeout = (): PostgresError => timedOut(timeoutMs, measure.nameOf(pg.text));
  try {
    const result = await lease.run(pg, { timeoutMs, signal, onTimeout });
    const rows = result.rowCount ?? 0;
    measure.statement(pg.text, clock.nowMs() - startedMs, { rows, ok: true });
    return { kind: "answered", result };
  } catch (error) {
    const elapsedMs = clock.nowMs() - startedMs;
    measure.statement(pg.text, elapsedMs, { rows: 0, ok: false });
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
    return failed(failure, unavailable(lostReason(failure, error), error, around.full));
  if (failure === "dead") return failed(failure, outcomeUnknown("a statement", error, around.full));
  const byServer = sqlstateOf(error) === "57014" && attempt.elapsedMs >= around.statementTimeoutMs;
  return failed(
    failure,
    byServer ? timedOut(attempt.elapsedMs, statement) : refusedError(error, context),
  );
}

const lostReason = (failure: Failure, error: unknown): string =>
  failure === "unsent"
    ? "the connection was lost before the statement was sent"
    : `the connection was lost inside the transaction (${reasonOf(error)}), which is rolled back`;

/** After a failed run: may the client be used again? */
export const stateAfter = (failure: RunFailure["failure"]): "clean" | "broken" =>
  failure === "refused" || failure === "driver" ? "clean" : "broken";
