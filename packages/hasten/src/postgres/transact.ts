import { channels } from "../core/channels.ts";
import { tell } from "../core/tell.ts";
import { currentTrace, type TransactionSpan } from "../core/trace/index.ts";
import { AFTER_SERVER_MS, type Core, checkedTimeout, databaseOf, UNSENT_RETRIES } from "./core.ts";
import { optionInvalid, PostgresError } from "./errors.ts";
import type { Lease } from "./lease.ts";
import { type ExecuteManyOptions, type ManyResult, sendBatches } from "./many.ts";
import { waitedForConnection } from "./recording/record.ts";
import type { Statement } from "./sql.ts";
import { begin, isRetryable, runTransaction } from "./transaction.ts";
import type { Committed, TransactionOptions, TransactionParts, Tx } from "./tx.ts";

/** Runs a transaction on a connection of its own, with its repeats and its hooks. */
export async function transactionOn<T>(
  core: Core,
  work: (tx: Tx) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const { retries = 0 } = options;
  if (!Number.isInteger(retries) || retries < 0 || retries > 10)
    throw optionInvalid("retries", "an integer from 0 to 10", retries);
  const { clock } = core.around;
  const deadlineMs = deadlineOf(core, options);
  const bounded = { ...options, deadlineMs };
  for (let attempt = 0; ; attempt++) {
    try {
      const committed = await oneTransaction(core, bounded, (parts) => runTransaction(work, parts));
      await runHooks(core, committed);
      return committed.value;
    } catch (error) {
      const delayMs = Math.random() * 10 * 2 ** attempt;
      const late = clock.nowMs() + delayMs >= deadlineMs;
      if (attempt >= retries || late || !isRetryable(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
}

type Bounded = TransactionOptions & { readonly deadlineMs: number };
type Spanned = Bounded & { readonly span: TransactionSpan | undefined };

const isUnknown = (error: unknown): boolean =>
  error instanceof PostgresError && error.code === "HST_PG_OUTCOME_UNKNOWN";

/** One deadline for all repeats. */
function deadlineOf(core: Core, { timeoutMs }: TransactionOptions): number {
  if (timeoutMs === undefined) return Number.POSITIVE_INFINITY;
  return core.around.clock.nowMs() + checkedTimeout(timeoutMs, core);
}

async function oneTransaction<T>(
  core: Core,
  options: Bounded,
  run: (parts: TransactionParts) => Promise<T>,
): Promise<T> {
  const { clock } = core.around;
  const startedMs = clock.nowMs();
  const span = currentTrace()?.queries.began(startedMs);
  let outcome: TransactionSpan["outcome"] = "rolled-back";
  let parts: TransactionParts | undefined;
  try {
    parts = await begun(core, { ...options, span });
    const value = await run(parts);
    outcome = "committed";
    return value;
  } catch (error) {
    if (isUnknown(error)) outcome = "unknown";
    throw error;
  } finally {
    const endedMs = clock.nowMs();
    if (span !== undefined) Object.assign(span, { endedMs, outcome });
    if (parts !== undefined) core.measure.transaction(endedMs - startedMs, outcome === "committed");
  }
}

/** Takes a connection and begins; a connection that turns out dead at BEGIN is replaced. */
async function begun(core: Core, options: Spanned): Promise<TransactionParts> {
  const { around } = core;
  const { deadlineMs, span } = options;
  const own = options.statementTimeoutMs;
  if (own !== undefined) checkedTimeout(own, core);
  const defaultTimeoutMs = own === undefined ? core.defaultTimeoutMs : own + AFTER_SERVER_MS;
  const ownAround = own === undefined ? around : { ...around, statementTimeoutMs: own };
  for (let attempt = 0; ; attempt++) {
    const timeoutMs = Math.max(1, deadlineMs - around.clock.nowMs());
    const askedMs = around.clock.nowMs();
    const taken = await core.connections.acquire({ timeoutMs, signal: options.signal });
    waitedForConnection(around.clock.nowMs() - askedMs);
    const limits = limitsOf(core, own);
    const { lease, retire } = retirable(taken);
    const base = { lease, retire, options, around: ownAround };
    const parts = { ...base, defaultTimeoutMs, deadlineMs, limits, span };
    const outcome = await begin(parts).catch((error: unknown) => {
      lease.release("clean");
      throw error;
    });
    if (outcome.kind === "answered") return parts;
    const lost = outcome.failure === "dead" || outcome.failure === "unsent";
    if (!lost || attempt >= UNSENT_RETRIES) throw outcome.error;
  }
}

/** Behind a pooler the session keeps none. */
function limitsOf(core: Core, own: number | undefined): TransactionParts["limits"] {
  const { statementTimeoutMs, idleInTransactionTimeoutMs } = core.options;
  if (core.connections.pooler.kind !== "transaction") return undefined;
  return { statementTimeoutMs: own ?? statementTimeoutMs, idleInTransactionTimeoutMs };
}

/** A lease whose connection can be kept from going back to the pool. */
function retirable(taken: Lease): { readonly lease: Lease; retire(): void } {
  let retired = false;
  const release: Lease["release"] = (state) => taken.release(retired ? "broken" : state);
  const lease: Lease = Object.create(taken, { release: { value: release } });
  return {
    lease,
    retire() {
      retired = true;
    },
  };
}

/** Runs `work` on the connection of a transaction of its own. */
export async function onTransaction<T>(
  core: Core,
  signal: AbortSignal | undefined,
  work: (parts: TransactionParts) => Promise<T>,
): Promise<T> {
  const deadlineMs = Number.POSITIVE_INFINITY;
  const given = signal === undefined ? { deadlineMs } : { deadlineMs, signal };
  const committed = await oneTransaction(core, given, (parts) =>
    runTransaction(() => work(parts), parts),
  );
  return committed.value;
}

/** Runs many statements in one transaction. */
export async function executeManyOn<S>(
  core: Core,
  sets: { readonly items: Iterable<S>; readonly build: (item: S) => Statement },
  options: ExecuteManyOptions,
): Promise<ManyResult> {
  const { signal } = options;
  const deadlineMs = Number.POSITIVE_INFINITY;
  const given = signal === undefined ? { deadlineMs } : { deadlineMs, signal };
  const { defaultTimeoutMs } = core;
  const committed = await oneTransaction(core, given, (parts) =>
    runTransaction(() => sendBatches(parts, sets, { ...options, defaultTimeoutMs }), parts),
  );
  return committed.value;
}

/** The commit stands whatever a hook does; a late or failed one is reported. */
async function runHooks(core: Core, { hooks }: Committed<unknown>): Promise<void> {
  if (hooks.length === 0) return;
  const { commitHooksTimeoutMs, clock, onHookError } = core.options;
  const report = (error: unknown): void => {
    const database = databaseOf(core.options);
    channels.poolEvent.publish({ kind: "hook-failed", database });
    tell(onHookError, error);
  };
  const all = Promise.all(hooks.map(async (hook) => hook()).map((done) => done.catch(report)));
  const late = Promise.withResolvers<"late">();
  const timer = clock.schedule(commitHooksTimeoutMs, () => late.resolve("late"));
  if ((await Promise.race([all, late.promise])) === "late") report(hooksLate(commitHooksTimeoutMs));
  timer.cancel();
}

const hooksLate = (timeoutMs: number): PostgresError =>
  new PostgresError("HST_PG_TIMEOUT", {
    message: `The onCommit hooks took longer than ${timeoutMs} ms; the commit stands and they go on.`,
    fix: "Make hooks faster or raise commitHooksTimeoutMs.",
  });
