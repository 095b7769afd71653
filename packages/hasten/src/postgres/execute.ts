import type { QueryRecord } from "../core/trace/index.ts";
import { queryKey } from "./cached-query.ts";
import { type Core, checkedTimeout, UNSENT_RETRIES } from "./core.ts";
import type { PgResult } from "./driver.ts";
import { aborted, waitTimedOut } from "./failures.ts";
import type { Lease } from "./lease.ts";
import type { CachedQueryOptions, QueryOptions, Result } from "./queryable.ts";
import { recordEnded, recordHit, recordQuietly, tellAsked } from "./recording/record.ts";
import { type RunFailure, type RunOne, runOn, stateAfter } from "./session.ts";
import type { Statement } from "./sql.ts";

interface ExecuteOptions extends QueryOptions {
  readonly idempotent?: boolean;
  /** Its rows will be kept for others. */
  readonly fills?: boolean;
}

type Recorded<O> = O & { readonly record: QueryRecord | undefined };

/** Runs one statement on a connection of its own. Call it synchronously from the public call. */
export function executeOn<R>(
  core: Core,
  statement: Statement,
  options: ExecuteOptions,
): Promise<Result<R>> {
  const record = recordStatement(core, statement);
  if (record !== undefined) tellAsked(record);
  return executeRecorded(core, statement, { ...options, record });
}

function recordStatement(core: Core, statement: Statement): QueryRecord | undefined {
  const { text, values } = (statement ?? {}) as Partial<Statement>;
  return typeof text === "string" ? recordQuietly(core.around.clock, text, values) : undefined;
}

async function executeRecorded<R>(
  core: Core,
  statement: Statement,
  options: Recorded<ExecuteOptions>,
): Promise<Result<R>> {
  try {
    return await attempts<R>(core, statement, options);
  } catch (error) {
    const { clock, database } = core.around;
    // No connection for it, or it could not be sent.
    if (options.record?.outcome === "running")
      recordEnded(options.record, { nowMs: clock.nowMs(), rows: 0, error, database });
    throw error;
  }
}

async function attempts<R>(
  core: Core,
  statement: Statement,
  options: Recorded<ExecuteOptions>,
): Promise<Result<R>> {
  const timeoutMs = core.connections.pooler.limitOf(checkedTimeout(options.timeoutMs, core));
  const { clock } = core.around;
  const deadlineMs = clock.nowMs() + timeoutMs;
  if (core.replicas !== undefined) {
    const elsewhere = await core.replicas.read(statement, { ...options, timeoutMs });
    if (elsewhere !== undefined) return resultOf<R>(elsewhere);
  }
  let last: RunFailure | undefined;
  let { name } = options;
  for (let attempt = 0; attempt === 0 || worthAnother(core, last!, attempt, options); attempt++) {
    const leftMs = deadlineMs - clock.nowMs();
    if (last !== undefined && leftMs <= 0) break;
    if (last !== undefined && options.record !== undefined) tellAsked(options.record);
    const lease = await core.connections.acquire({
      timeoutMs: Math.max(1, leftMs),
      signal: options.signal,
      use: "query",
    });
    const outcome = await runReleasing(core, lease, statement, {
      ...options,
      name,
      timeoutMs: Math.max(1, deadlineMs - clock.nowMs()),
    });
    if (outcome.kind === "failed") {
      last = outcome;
      if (planIsOld(outcome)) name = undefined;
      continue;
    }
    return resultOf<R>(outcome.result);
  }
  throw last!.error;
}

const resultOf = <R>({ rows, rowCount, command }: PgResult): Result<R> => ({
  rows: rows as readonly R[],
  rowCount: rowCount ?? 0,
  command,
});

/**
 * A table changed under a prepared statement: the server refuses it on this connection from now on,
 * before it runs. The connection is given up, and the statement sent without its name.
 */
const planIsOld = ({ failure, error }: RunFailure): boolean =>
  failure === "refused" && error.sqlstate === "0A000" && /cached plan/.test(error.message);

function worthAnother(
  core: Core,
  last: RunFailure,
  attempt: number,
  options: { readonly idempotent?: boolean },
): boolean {
  if (planIsOld(last)) return attempt === 1;
  if (last.failure === "unsent") return attempt <= UNSENT_RETRIES;
  const { idempotentRetries } = core.options.retry;
  return options.idempotent === true && last.failure === "dead" && attempt <= idempotentRetries;
}

async function runReleasing(
  core: Core,
  lease: Lease,
  statement: Statement,
  options: Omit<RunOne, "onLost">,
) {
  const { timeoutMs, signal, name, record } = options;
  try {
    const outcome = await runOn(
      lease,
      statement,
      { timeoutMs, signal, name, record, onLost: "unknown" },
      core.around,
    );
    const state = outcome.kind === "answered" ? "clean" : stateAfter(outcome.failure);
    lease.release(outcome.kind === "failed" && planIsOld(outcome) ? "broken" : state);
    return outcome;
  } catch (error) {
    lease.release("clean");
    throw error;
  }
}

/** Runs a read, through the cache when asked to. */
export async function queryOn<R>(
  core: Core,
  statement: Statement,
  options: CachedQueryOptions,
): Promise<readonly R[]> {
  const { cache, signal, ...rest } = options;
  const store = core.options.cache;
  if (cache === undefined || store === undefined)
    return (await executeOn<R>(core, statement, options)).rows;
  const { clock, database } = core.around;
  const record = recordStatement(core, statement);
  let asked = false;
  const load = async (context: { signal: AbortSignal }): Promise<readonly unknown[]> => {
    asked = true;
    const given = { idempotent: true, fills: true, ...rest, signal: context.signal };
    // One that begins when its caller has its answer already is a statement of its own.
    if (record === undefined || record.outcome !== "running")
      return (await executeOn(core, statement, given)).rows;
    record.cache = "miss";
    tellAsked(record);
    return (await executeRecorded(core, statement, { ...given, record })).rows;
  };
  try {
    const { key = queryKey(core.keyIdentity, statement), ...kept } = cache;
    if (signal?.aborted) throw aborted(signal);
    const answer = store.getOrSet(key, load, kept);
    const rows = (await (isPending(answer)
      ? ownWait(core, answer, { ...options, asked: () => asked })
      : answer)) as readonly R[];
    core.measure.cached(!asked);
    if (!asked) recordHit(record, { nowMs: clock.nowMs(), rows: rows.length, database });
    return rows;
  } catch (error) {
    if (!asked) recordHit(record, { nowMs: clock.nowMs(), rows: 0, error, database });
    throw error;
  }
}

const isPending = (answer: unknown): answer is PromiseLike<unknown> =>
  typeof (answer as { then?: unknown } | undefined)?.then === "function";

/** One caller's abort or time-out ends that caller's wait; the load, which others may share, goes on. */
function ownWait(
  core: Core,
  answer: PromiseLike<unknown>,
  { signal, timeoutMs, asked }: QueryOptions & { readonly asked: () => boolean },
): PromiseLike<unknown> {
  if (signal === undefined && timeoutMs === undefined) return answer;
  const waitMs = checkedTimeout(timeoutMs, core);
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(aborted(signal!));
    // One's own load has this limit itself, and stale rows to fall back on.
    const timer = core.around.clock.schedule(waitMs, () => {
      if (!asked()) reject(waitTimedOut(waitMs));
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    Promise.resolve(answer)
      .finally(() => {
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
      })
      .then(resolve, reject);
  });
}
