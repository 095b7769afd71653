/**
 * What a driver's error means. One place decides it, from SQLSTATE and system error codes:
 * - "refused": the server answered; the session goes on.
 * - "dead": the connection is gone; what was sent may or may not have happened.
 * - "unsent": the driver knew before sending that the connection was gone.
 * - "driver": the driver could not encode a value or parse an answer.
 */
import { PostgresError } from "./errors.ts";
import { fixFor, tlsReason } from "./fixes.ts";

export type Failure = "refused" | "dead" | "unsent" | "driver";

interface DriverError {
  readonly code?: unknown;
  readonly severity?: unknown;
  readonly message?: unknown;
  readonly constraint?: string;
  readonly table?: string;
  readonly column?: string;
  readonly position?: string;
}

const NETWORK_CODES: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENOENT",
]);
const TERMINATED = /^Connection terminated|^timeout expired|connection timeout/i;
const UNSENT = /is not queryable$/;
/** crash_shutdown, admin_shutdown, cannot_connect_now, idle session and transaction time-outs. */
const SESSION_ENDED: ReadonlySet<string> = new Set(["57P01", "57P02", "57P03", "57P05", "25P03"]);
/** Worth another attempt to connect: starting up, shutting down, too many connections. */
const CONNECT_LATER: ReadonlySet<string> = new Set(["57P01", "57P02", "57P03", "53300"]);

const view = (error: unknown): DriverError =>
  typeof error === "object" && error !== null ? (error as DriverError) : {};

/** The SQLSTATE of a server's answer, or undefined for anything else. */
export function sqlstateOf(error: unknown): string | undefined {
  const { code, severity } = view(error);
  const answered = typeof severity === "string" && typeof code === "string";
  return answered && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Sorts an error of the driver's query(); see the kinds above. */
export function failureOf(error: unknown): Failure {
  const state = sqlstateOf(error);
  if (state !== undefined) {
    const fatal = view(error).severity === "FATAL" || view(error).severity === "PANIC";
    // Class 08 alone says nothing of this session: 08P01 also means a wrong number of values, and
    // foreign tables pass on the 08 of another server.
    return fatal || SESSION_ENDED.has(state) ? "dead" : "refused";
  }
  const { code, message } = view(error);
  if (NETWORK_CODES.has(code)) return "dead";
  if (typeof message !== "string") return "driver";
  if (UNSENT.test(message)) return "unsent";
  return TERMINATED.test(message) ? "dead" : "driver";
}

/** True for a failure to connect that a later attempt may not meet: network, start-up, no free slot. */
export function mayConnectLater(error: unknown): boolean {
  const state = sqlstateOf(error);
  if (state !== undefined) return CONNECT_LATER.has(state) || state.startsWith("08");
  const { code, message, errors } = view(error) as DriverError & { errors?: unknown };
  if (Array.isArray(errors)) return errors.some(mayConnectLater);
  return NETWORK_CODES.has(code) || (typeof message === "string" && TERMINATED.test(message));
}

const UNAVAILABLE_CODES: ReadonlySet<string> = new Set([
  "HST_PG_UNAVAILABLE",
  "HST_PG_ACQUIRE_TIMEOUT",
  "HST_PG_POOL_FULL",
  "HST_PG_OUTCOME_UNKNOWN",
  "HST_PG_CLOSED",
]);

/**
 * True when the error says that the database cannot be reached now (no connection, connection lost,
 * starting, stopping, out of connections), not that a statement was wrong: reads may be served
 * stale and a request answered 503. Understands hasten's errors, the driver's, and either as cause.
 */
export function isUnavailable(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at != null && depth < 5; depth++) {
    if (at instanceof PostgresError) {
      if (UNAVAILABLE_CODES.has(at.code)) return true;
      // The server answered; its own error, kept as cause, cannot say otherwise.
      if (at.code === "HST_PG_STATEMENT") return false;
    } else {
      const failure = failureOf(at);
      if (failure === "dead" || failure === "unsent" || mayConnectLater(at)) return true;
    }
    at = (at as { cause?: unknown }).cause;
  }
  return false;
}

/** What the messages may say: the normalised statement, and whether the server's own words. */
export interface FailureContext {
  readonly statement: string;
  readonly full: boolean;
}

const CONDITIONS: Readonly<Record<string, string>> = {
  "22001": "string_data_right_truncation",
  "22003": "numeric_value_out_of_range",
  "22007": "invalid_datetime_format",
  "22012": "division_by_zero",
  "22P02": "invalid_text_representation",
  "23502": "not_null_violation",
  "23503": "foreign_key_violation",
  "23505": "unique_violation",
  "23514": "check_violation",
  "23P01": "exclusion_violation",
  "25006": "read_only_sql_transaction",
  "25P02": "in_failed_sql_transaction",
  "25P03": "idle_in_transaction_session_timeout",
  "28000": "invalid_authorization_specification",
  "28P01": "invalid_password",
  "3D000": "invalid_catalog_name",
  "40001": "serialization_failure",
  "40P01": "deadlock_detected",
  "42501": "insufficient_privilege",
  "42601": "syntax_error",
  "42703": "undefined_column",
  "42883": "undefined_function",
  "42P01": "undefined_table",
  "53300": "too_many_connections",
  "55P03": "lock_not_available",
  "57014": "query_canceled",
  "57P01": "admin_shutdown",
  "57P02": "crash_shutdown",
  "57P03": "cannot_connect_now",
  "57P05": "idle_session_timeout",
};

/** The error for a statement that the server refused. */
export function refusedError(error: unknown, context: FailureContext): PostgresError {
  const state = sqlstateOf(error) ?? "XX000";
  const { constraint, table, column, message } = view(error);
  const several = state === "42601" && /multiple commands/.test(String(message));
  const facts = {
    sqlstate: state,
    constraint,
    table,
    column,
    cause: context.full ? error : undefined,
  };
  if (several)
    return new PostgresError(
      "HST_PG_MULTIPLE_STATEMENTS",
      {
        message: "The text holds more than one statement.",
        fix: "Send one statement a call; use a transaction to keep them together.",
      },
      facts,
    );
  const at = constraint === undefined ? "" : ` on constraint ${constraint}`;
  const name = CONDITIONS[state] ?? "error";
  return new PostgresError(
    "HST_PG_STATEMENT",
    {
      message: `PostgreSQL refused the statement: ${name} ${state}${at}${words(error, state, context)}. Statement: ${context.statement}`,
      fix: state === READ_ONLY ? READ_ONLY_FIX : STATEMENT_FIX,
    },
    facts,
  );
}

/** SQLSTATE of a write that a read-only transaction or server refused. */
export const READ_ONLY = "25006";
const READ_ONLY_FIX =
  "Write outside of read-only transactions; after a failover, repeat it: the next connection is a new one.";
const STATEMENT_FIX = 'See the SQLSTATE; errors: "full" keeps the server\'s own error as cause.';

/** The server's words, only where they can name objects but not quote data. */
function words(error: unknown, state: string, context: FailureContext): string {
  const message = String(view(error).message ?? "");
  const names = /^(42|3D|3F|0A|25|55|53|28)/.test(state);
  const quotesData = /'|at or near "\d/.test(message);
  return context.full || (names && !quotesData) ? ` (${message})` : "";
}

/** The connection was lost after sending: nobody knows whether the statement took effect. */
export const outcomeUnknown = (what: string, cause: unknown, full: boolean): PostgresError =>
  new PostgresError(
    "HST_PG_OUTCOME_UNKNOWN",
    {
      message: `The connection was lost after ${what} was sent: it may or may not have taken effect.`,
      fix: "Check before repeating it, or mark statements that are safe to repeat idempotent: true.",
    },
    { sqlstate: sqlstateOf(cause), cause: full ? cause : undefined },
  );

/** No connection, or none that worked. */
export const unavailable = (because: string, cause: unknown, full: boolean): PostgresError =>
  new PostgresError(
    "HST_PG_UNAVAILABLE",
    {
      message: `The database is unavailable: ${because}.`,
      fix: fixFor(sqlstateOf(cause), cause),
    },
    { sqlstate: sqlstateOf(cause), cause: full ? cause : undefined },
  );

/** A short reason without host, user or password. */
export function reasonOf(error: unknown): string {
  const state = sqlstateOf(error);
  if (state !== undefined) {
    const name = CONDITIONS[state];
    return `the server answered ${name === undefined ? state : `${state}, ${name}`}`;
  }
  const tls = tlsReason(error);
  if (tls !== undefined) return tls;
  const { code, errors } = view(error) as DriverError & { errors?: unknown };
  if (typeof code === "string") return code;
  if (Array.isArray(errors)) return reasonOf(errors[0]);
  return failureOf(error) === "driver" ? "the driver failed" : "the connection was lost";
}

/** The driver could not encode a value or a parser could not read one; its message may quote data. */
export const driverFailed = (error: unknown, context: FailureContext): PostgresError =>
  new PostgresError(
    "HST_PG_VALUE",
    {
      message: `A value could not be sent or read. Statement: ${context.statement}`,
      fix: "Check values for what JSON cannot hold (bigint, cycles), and custom parsers for errors.",
    },
    { cause: context.full ? error : undefined },
  );

export const timedOut = (timeoutMs: number, statement: string): PostgresError =>
  new PostgresError("HST_PG_TIMEOUT", {
    message: `No answer within ${Math.round(timeoutMs)} ms; the server was asked to cancel. Statement: ${statement}`,
    fix: "Make the statement faster or pass a longer timeoutMs; a write may still have taken effect.",
  });

export const waitTimedOut = (timeoutMs: number): PostgresError =>
  new PostgresError("HST_PG_TIMEOUT", {
    message: `No answer within ${Math.round(timeoutMs)} ms from the run of this query that callers share.`,
    fix: "Pass a longer timeoutMs; the shared run goes on and may fill the cache.",
  });

export const aborted = (signal: AbortSignal): PostgresError =>
  new PostgresError(
    "HST_PG_ABORTED",
    {
      message: "The caller aborted; the server was asked to cancel what had been sent.",
      fix: "Nothing to do; a write may still have taken effect.",
    },
    { cause: signal.reason },
  );

export const closed = (): PostgresError =>
  new PostgresError("HST_PG_CLOSED", {
    message: "The database was closed.",
    fix: "Drain it last, after everything that uses it has stopped.",
  });
