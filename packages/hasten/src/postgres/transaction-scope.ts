/**
 * One level of a transaction: what its work can call.
 *
 * Invariants:
 * - statements run one after the other, in the order of their calls;
 * - a nested transaction shuts its parent until it ends, and so does what holds the connection;
 * - after the work ended nothing more is accepted.
 */
import type { QueryRecord } from "../core/trace/index.ts";
import { bulkInTransaction } from "./bulk/places.ts";
import { PostgresError } from "./errors.ts";
import { onlyRow, type QueryOptions, type Result } from "./queryable.ts";
import { readsInTransaction } from "./read/in-transaction.ts";
import { recordIn } from "./recording/record.ts";
import { runOn } from "./session.ts";
import { type Statement, trustedSql } from "./sql.ts";
import {
  type Committed,
  HOOKS_MAX,
  type InTurn,
  QUEUED_MAX,
  type TransactionParts,
  type Tx,
} from "./tx.ts";

type State = "open" | "closed" | { readonly holds: string };

export interface Scope {
  readonly tx: Tx;
  readonly hooks: readonly (() => unknown)[];
  /** Waits for statements that the work did not await; their failure shows at COMMIT. */
  settle(): Promise<void>;
  close(): void;
}

/** One level: the transaction itself or a savepoint in it. */
export function openScope(parts: TransactionParts, depth = 0): Scope {
  const hooks: (() => unknown)[] = [];
  let state: State = "open";
  let tail: Promise<unknown> = Promise.resolve();
  let queued = 0;

  const inTurn: InTurn = (run, holds) => {
    if (state !== "open") return Promise.reject(notOpen(state));
    if (queued >= QUEUED_MAX) return Promise.reject(tooMany("statements wait", QUEUED_MAX));
    queued++;
    const started = holds === undefined ? run : () => alone(holds, run);
    const turn = tail.then(started).finally(() => queued--);
    tail = turn.catch(() => undefined);
    return turn;
  };

  /** Shuts this level while `run` uses the connection in its own way. */
  const alone = async <R>(holds: string, run: () => Promise<R>): Promise<R> => {
    if (state !== "open") throw notOpen(state);
    state = { holds };
    const mine = state;
    try {
      return await run();
    } finally {
      if (state === mine) state = "open";
    }
  };

  const execute = <R>(statement: Statement, options: QueryOptions = {}): Promise<Result<R>> => {
    const record = state === "open" ? recordIn(parts, statement ?? {}) : undefined;
    return inTurn(() => executeIn<R>(parts, statement, { ...options, record }));
  };

  const tx: Tx = {
    ...bulkInTransaction({ parts, inTurn }),
    ...readsInTransaction({ parts, inTurn }),
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
        const nested = await runSavepoint(work, parts, depth + 1);
        for (const hook of nested.hooks) hooks.push(hook);
        return nested.value;
      }, "A nested transaction"),
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
  options: QueryOptions & { readonly record?: QueryRecord | undefined },
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
      record: options.record,
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
  const send = (text: string): Promise<Result<unknown>> =>
    executeIn(parts, trustedSql(text), { record: recordIn(parts, { text }) });
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

const notOpen = (state: State): PostgresError =>
  new PostgresError("HST_PG_TX", {
    message:
      typeof state === "string" ? "The transaction has ended." : `${state.holds} is still open.`,
    fix:
      typeof state === "string"
        ? "Await every statement inside the work."
        : "Await it before going on; inside nested work use the tx given to it.",
  });

const tooMany = (what: string, max: number): PostgresError =>
  new PostgresError("HST_PG_TX", {
    message: `A transaction takes at most ${max} ${what}.`,
    fix: "Await as you go, or split the work.",
  });
