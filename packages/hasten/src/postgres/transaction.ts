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
import type { Lease } from "./lease.ts";
import { onlyRow, type Queryable, type QueryOptions, type Result } from "./queryable.ts";
import { type RunOutcome, runOn, type Surroundings, stateAfter } from "./session.ts";
import { type Statement, sql, trustedSql } from "./sql.ts";

export interface TransactionOptions {
  /** @default the server's, normally "read committed" */
  readonly isolation?: "read committed" | "repeatable read" | "serializable";
  /** @default false */
  readonly readOnly?: boolean;
  /** Longest time for the whole transaction, waiting for a connection and repeats included. @default none beyond the statements' own. Bounds 1 to 86_400_000. */
  readonly timeoutMs?: number;
  /** `SET LOCAL statement_timeout`: also for statements longer than the database's. Bounds 1 to 86_400_000. */
  readonly statementTimeoutMs?: number;
  /** Further runs of the whole work after a serialization failure or deadlock; the work must be repeatable. @default 0. Bounds 0 to 10. */
  readonly retries?: number;
  readonly signal?: AbortSignal;
}

/** What the work of a transaction is given. Usable until the work ends. */
export interface Tx extends Queryable {
  /** A savepoint around `work`: an error inside undoes only what was done inside. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs after COMMIT was acknowledged and before `transaction()` resolves; not after a rollback. At most 10,000. */
  onCommit(hook: () => unknown): void;
}

/** Hooks and statements waiting in one transaction. */
export const HOOKS_MAX = 10_000;
export const QUEUED_MAX = 1_000;

export interface TransactionParts {
  readonly lease: Lease;
  readonly options: TransactionOptions;
  readonly around: Surroundings;
  /** Time for one statement where it does not say. */
  readonly defaultTimeoutMs: number;
  /** Monotonic time at which the whole must have ended; Infinity for none. */
  readonly deadlineMs: number;
}

export interface Committed<T> {
  readonly value: T;
  readonly hooks: readonly (() => unknown)[];
}

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
  const { isolation, readOnly, statementTimeoutMs } = parts.options;
  const level = isolation === undefined ? "" : ` isolation level ${checkedIsolation(isolation)}`;
  const access = readOnly === true ? " read only" : "";
  let outcome = await control(trustedSql(`begin${level}${access}`), "begin", parts);
  if (outcome.kind === "answered" && statementTimeoutMs !== undefined) {
    const text = String(statementTimeoutMs);
    const setting = sql`select set_config('statement_timeout', ${text}, true)`;
    outcome = await control(setting, "begin", parts);
  }
  if (outcome.kind === "failed") parts.lease.release("broken");
  return outcome;
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

function control(statement: Statement, kind: Control, parts: TransactionParts) {
  const leftMs = parts.deadlineMs - parts.around.clock.nowMs();
  const timeoutMs = Math.min(
    parts.defaultTimeoutMs,
    Math.max(kind === "rollback" ? ROLLBACK_MIN_MS : 1, leftMs),
  );
  return runOn(
    parts.lease,
    statement,
    { timeoutMs, onLost: kind === "commit" ? "unknown" : "rolled-back" },
    parts.around,
  );
}

function checkedIsolation(isolation: string): string {
  if (["read committed", "repeatable read", "serializable"].includes(isolation)) return isolation;
  throw optionInvalid("isolation", "read committed, repeatable read or serializable", isolation);
}

interface Scope {
  readonly tx: Tx;
  readonly hooks: readonly (() => unknown)[];
  /** Waits for statements that the work did not await; their failure shows at COMMIT. */
  settle(): Promise<void>;
  close(): void;
}

/** One level: the transaction itself or a savepoint in it. */
function openScope(parts: TransactionParts, depth = 0): Scope {
  const hooks: (() => unknown)[] = [];
  let state: "open" | "nested" | "closed" = "open";
  let tail: Promise<unknown> = Promise.resolve();
  let queued = 0;

  const inTurn = <R>(run: () => Promise<R>): Promise<R> => {
    if (state !== "open") return Promise.reject(notOpen(state));
    if (queued >= QUEUED_MAX) return Promise.reject(tooMany("statements wait", QUEUED_MAX));
    queued++;
    const turn = tail.then(run).finally(() => queued--);
    tail = turn.catch(() => undefined);
    return turn;
  };

  const execute = <R>(statement: Statement, options: QueryOptions = {}): Promise<Result<R>> =>
    inTurn(() => executeIn<R>(parts, statement, options));

  const tx: Tx = {
    execute,
    query: async <R>(statement: Statement, options?: QueryOptions) =>
      (await execute<R>(statement, options)).rows,
    queryOne: async <R>(statement: Statement, options?: QueryOptions) =>
      onlyRow(await execute<R>(statement, options)),
    onCommit(hook) {
      if (state === "closed") throw notOpen(state);
      if (hooks.length >= HOOKS_MAX) throw tooMany("onCommit hooks", HOOKS_MAX);
      hooks.push(hook);
    },
    transaction: (work) =>
      inTurn(async () => {
        state = "nested";
        try {
          const nested = await runSavepoint(work, parts, depth + 1);
          for (const hook of nested.hooks) hooks.push(hook);
          return nested.value;
        } finally {
          if (state === "nested") state = "open";
        }
      }),
  };
  return {
    tx,
    hooks,
    settle: async () => void (await tail),
    close: () => {
      state = "closed";
    },
  };
}

async function executeIn<R>(
  parts: TransactionParts,
  statement: Statement,
  options: QueryOptions,
): Promise<Result<R>> {
  const leftMs = parts.deadlineMs - parts.around.clock.nowMs();
  const timeoutMs = Math.max(1, Math.min(options.timeoutMs ?? parts.defaultTimeoutMs, leftMs));
  const outcome = await runOn(
    parts.lease,
    statement,
    {
      timeoutMs,
      signal: options.signal,
      name: options.name,
      onLost: "rolled-back",
    },
    parts.around,
  );
  if (outcome.kind === "failed") throw outcome.error;
  const { rows, rowCount, command } = outcome.result;
  return { rows: rows as readonly R[], rowCount: rowCount ?? 0, command };
}

async function runSavepoint<T>(
  work: (tx: Tx) => Promise<T>,
  parts: TransactionParts,
  depth: number,
): Promise<Committed<T>> {
  const name = `hasten_${depth}`;
  const scope = openScope(parts, depth);
  const send = (text: string): Promise<Result<unknown>> => executeIn(parts, trustedSql(text), {});
  await send(`savepoint ${name}`);
  try {
    const value = await work(scope.tx);
    await scope.settle();
    scope.close();
    await send(`release savepoint ${name}`);
    return { value, hooks: scope.hooks };
  } catch (error) {
    scope.close();
    await scope.settle();
    // Where this fails too, the whole transaction is lost and its own end says so.
    await send(`rollback to savepoint ${name}`).then(
      () => send(`release savepoint ${name}`),
      () => undefined,
    );
    throw error;
  }
}

const notOpen = (state: "nested" | "closed"): PostgresError =>
  new PostgresError("HST_PG_TX", {
    message:
      state === "closed" ? "The transaction has ended." : "A nested transaction is still open.",
    fix:
      state === "closed"
        ? "Await every statement inside the work."
        : "Use the tx given to the nested work, and await it before going on.",
  });

const tooMany = (what: string, max: number): PostgresError =>
  new PostgresError("HST_PG_TX", {
    message: `A transaction takes at most ${max} ${what}.`,
    fix: "Await as you go, or split the work.",
  });

/** True for what a repeat of the whole transaction can cure. */
export const isRetryable = (error: unknown): boolean =>
  error instanceof PostgresError && (error.sqlstate === "40001" || error.sqlstate === "40P01");
