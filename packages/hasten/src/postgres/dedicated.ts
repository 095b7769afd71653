import type { Core } from "./core.ts";
import { AFTER_SERVER_MS } from "./core.ts";
import { PostgresError } from "./errors.ts";
import type { Result } from "./queryable.ts";
import { runOn } from "./session.ts";
import { type Statement, sql } from "./sql.ts";

/** A connection of one's own for a while, for session settings and session locks. */
export interface Dedicated {
  run<R>(statement: Statement): Promise<Result<R>>;
}

export interface DedicatedOptions {
  /** The server's limit for each statement here. */
  readonly statementTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes a connection out of the pool (past a pooler, with `directUrl`), sets its time-out, and destroys
 * it afterwards: no setting or lock survives. @throws HST_PG_POOLER behind a pooler that keeps no sessions
 */
export async function dedicated<T>(
  core: Core,
  options: DedicatedOptions,
  work: (session: Dedicated) => Promise<T>,
): Promise<T> {
  const { statementTimeoutMs, signal } = options;
  const timeoutMs = core.options.pool.acquireTimeoutMs;
  const lease = await core.sessions.acquire({ timeoutMs, signal, use: "either" });
  const around = { ...core.around, statementTimeoutMs };
  const limit = {
    timeoutMs: statementTimeoutMs + AFTER_SERVER_MS,
    signal,
    onLost: "unknown" as const,
  };
  const run = async <R>(statement: Statement): Promise<Result<R>> => {
    const outcome = await runOn(lease, statement, limit, around);
    if (outcome.kind === "failed") throw outcome.error;
    const { rows, rowCount, command } = outcome.result;
    return { rows: rows as readonly R[], rowCount: rowCount ?? 0, command };
  };
  try {
    await run(sql`select set_config('statement_timeout', ${String(statementTimeoutMs)}, false)`);
    return await work({ run });
  } finally {
    lease.release("broken");
  }
}

const POLL_MS = 100;

/**
 * Takes a session advisory lock by trying, never by waiting in the server: a waiting statement
 * holds a snapshot, and CREATE INDEX CONCURRENTLY elsewhere would wait for it for ever.
 * The lock ends with the session. @throws HST_PG_TIMEOUT when another session keeps it for waitMs
 */
export async function lockSession(
  session: Dedicated,
  name: string,
  wait: { readonly waitMs: number; readonly signal?: AbortSignal | undefined; onWait?(): void },
): Promise<void> {
  const deadlineMs = performance.now() + wait.waitMs;
  for (let attempt = 0; ; attempt++) {
    const { rows } = await session.run<{ locked: boolean }>(
      sql`select pg_try_advisory_lock(hashtextextended(${name}, 7264)) as locked`,
    );
    if (rows[0]!.locked) return;
    if (attempt === 0) wait.onWait?.();
    if (performance.now() >= deadlineMs) throw lockBusy(name, wait.waitMs);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const lockBusy = (name: string, waitMs: number): PostgresError =>
  new PostgresError("HST_PG_TIMEOUT", {
    message: `Another session held the lock ${JSON.stringify(name)} for longer than ${waitMs} ms.`,
    fix: "Wait for it to end, or allow a longer wait.",
  });
