/**
 * Connections: the driver's pool, with establishing made patient and everything bounded.
 *
 * Invariants:
 * - only establishing a connection is retried: jittered exponential back-off within
 *   acquireTimeoutMs, behind a circuit breaker that counts failures to connect and nothing else;
 * - an idle connection is handed out whatever the breaker says;
 * - at most waitingMax callers wait; every wait ends by a connection, a time-out, an abort or close();
 * - a connection that arrives after its caller gave up goes straight back to the pool.
 */
import { type CircuitBreakerPolicy, CircuitState, isBrokenCircuitError } from "cockatiel";
import type { Pool } from "pg";
import { channels } from "../core/channels.ts";
import type { Clock } from "../core/clock.ts";
import { cancelRequest } from "./cancel.ts";
import type { PgClient } from "./driver.ts";
import { createPool } from "./driver-pool.ts";
import { PostgresError } from "./errors.ts";
import { type Emit, establishing, type PoolEvent } from "./establish.ts";
import { aborted, closed, reasonOf, unavailable } from "./failures.ts";
import { createLease, type Lease } from "./lease.ts";
import type { ResolvedOptions } from "./options.ts";
import { offerLeases, serverOf } from "./own-leases.ts";
import type { Pooler } from "./pooler/pooler.ts";
import { poolerOf } from "./pooler/pooler-of.ts";

export interface PoolStats {
  readonly total: number;
  readonly idle: number;
  readonly active: number;
  readonly waiting: number;
  readonly max: number;
  /** active / max. */
  readonly utilisation: number;
  readonly breaker: "closed" | "open" | "half-open";
}

export interface Connections {
  readonly pool: Pool;
  /** What stands between here and the server. */
  readonly pooler: Pooler;
  acquire(limit: { timeoutMs: number; signal?: AbortSignal | undefined }): Promise<Lease>;
  /** Opens connections up to pool.min, when nobody waits. Never rejects. */
  warm(): Promise<void>;
  stats(): PoolStats;
  /** Refuses newcomers, waits for leases up to the bound, then cancels them; ends when sockets are closed. */
  close(timeoutMs: number): Promise<void>;
}

const QUEUE_TIMEOUT = /^timeout exceeded when trying to connect/;
/** Longest wait for polite goodbyes before sockets are destroyed. */
const GOODBYE_MS = 500;

/** Makes the pool and what guards it; connects to nothing yet. */
export function createConnections(options: ResolvedOptions, database: string): Connections {
  const open = new Set<PgClient>();
  const pooler = poolerOf(options, (because) => emit("pooler", because));
  const pool = createPool(options, { open, pooler });
  const { clock } = options;
  const leases = new Set<Lease>();
  const withdraw = offerLeases(serverOf(pool.options), leases);
  const waiters = new Set<(error: PostgresError) => void>();
  let isClosing = false;
  const emit = (kind: PoolEvent["kind"], because?: string): void => {
    if (channels.poolEvent.hasSubscribers)
      channels.poolEvent.publish({ kind, database, ...(because === undefined ? {} : { because }) });
  };
  const { policy, breaker } = establishing(options, emit);
  follow(pool, emit);

  const full = options.errors === "full";
  const leaseOf = (client: PgClient): Lease => {
    const lease = createLease(client, {
      clock,
      cancel: (target) => cancelRequest(target, { timeoutMs: options.cancelTimeoutMs, clock }),
      onOver: (ended) => leases.delete(ended),
    });
    leases.add(lease);
    return lease;
  };
  const connect = (): Promise<PgClient> => pool.connect() as unknown as Promise<PgClient>;

  const obtain: Obtain = (signal) =>
    pool.idleCount > pool.waitingCount ? connect() : policy.execute(connect, signal());

  const acquire: Connections["acquire"] = async ({ timeoutMs, signal }) => {
    if (isClosing) throw closed();
    if (signal?.aborted) throw aborted(signal);
    if (pool.waitingCount >= options.pool.waitingMax && pool.idleCount === 0 && isFull(pool))
      throw poolFull(options.pool.waitingMax);
    const boundMs = Math.min(timeoutMs, options.pool.acquireTimeoutMs);
    try {
      return leaseOf(await waitForClient(obtain, { boundMs, signal, clock, waiters }));
    } catch (error) {
      throw acquireFailed(error, { boundMs, full, emit });
    }
  };

  return {
    pool,
    pooler,
    acquire,
    async warm() {
      const missing = options.pool.min - pool.totalCount;
      if (isClosing || missing <= 0 || pool.waitingCount > 0) return;
      const timeoutMs = options.pool.acquireTimeoutMs;
      const wanted = Array.from({ length: pool.idleCount + missing }, () => acquire({ timeoutMs }));
      for (const outcome of await Promise.allSettled(wanted))
        if (outcome.status === "fulfilled") outcome.value.release("clean");
    },
    stats: () => poolStats(pool, options.pool.max, breaker),
    async close(timeoutMs) {
      isClosing = true;
      const deadlineMs = clock.nowMs() + timeoutMs;
      await until(() => leases.size === 0 && pool.waitingCount === 0, deadlineMs, options);
      for (const give of waiters) give(closed());
      for (const lease of leases) lease.abandon(closed());
      await until(() => leases.size === 0, clock.nowMs() + options.cancelTimeoutMs, options);
      withdraw();
      if (!pool.ending) void pool.end().catch(() => undefined);
      await until(() => open.size === 0, clock.nowMs() + GOODBYE_MS, options);
      for (const client of open) client.connection?.stream?.destroy();
      await until(() => open.size === 0, clock.nowMs() + GOODBYE_MS, options);
    },
  };
}

const isFull = (pool: Pool): boolean => pool.totalCount >= (pool.options.max ?? 0);

function poolStats(pool: Pool, max: number, breaker: CircuitBreakerPolicy): PoolStats {
  const active = pool.totalCount - pool.idleCount;
  const state = breaker.state;
  return {
    total: pool.totalCount,
    idle: pool.idleCount,
    active,
    waiting: pool.waitingCount,
    max,
    utilisation: active / max,
    breaker:
      state === CircuitState.Closed
        ? "closed"
        : state === CircuitState.HalfOpen
          ? "half-open"
          : "open",
  };
}

function follow(pool: Pool, emit: Emit): void {
  pool.on("connect", () => emit("connected"));
  pool.on("remove", () => emit("removed"));
  pool.on("error", (error) => emit("lost", reasonOf(error)));
}

/** Gets a client; asks for the signal only where it may retry, for making one costs as much as the rest of a wait. */
type Obtain = (signal: () => AbortSignal) => Promise<PgClient>;

interface Waiting {
  readonly boundMs: number;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly waiters: Set<(error: PostgresError) => void>;
}

/** Settles once, and decides at that moment whose the client is: a late one goes back to the pool. */
function waitForClient(
  obtain: Obtain,
  { boundMs, signal, clock, waiters }: Waiting,
): Promise<PgClient> {
  return new Promise((resolve, reject) => {
    let stop: AbortController | undefined;
    let settled = false;
    const settle = (): void => {
      settled = true;
      timer.cancel();
      waiters.delete(give);
      signal?.removeEventListener("abort", onAbort);
    };
    const give = (error: unknown): void => {
      if (settled) return;
      settle();
      stop?.abort();
      reject(error);
    };
    const onAbort = (): void => give(aborted(signal!));
    const timer = clock.schedule(boundMs, () => give(acquireTimeout(boundMs)));
    signal?.addEventListener("abort", onAbort, { once: true });
    waiters.add(give);
    const stopped = (): AbortSignal => {
      stop ??= new AbortController();
      return stop.signal;
    };
    obtain(stopped).then((client) => {
      if (settled) return client.release();
      settle();
      resolve(client);
    }, give);
  });
}

function acquireFailed(
  error: unknown,
  context: { boundMs: number; full: boolean; emit: Emit },
): PostgresError {
  const given =
    error instanceof Error && QUEUE_TIMEOUT.test(error.message)
      ? acquireTimeout(context.boundMs)
      : error;
  if (given instanceof PostgresError) {
    if (given.code === "HST_PG_ACQUIRE_TIMEOUT") context.emit("acquire-timeout");
    return given;
  }
  if (isBrokenCircuitError(error))
    return unavailable("connecting failed repeatedly and is paused", error, context.full);
  return unavailable(`connecting failed (${reasonOf(error)})`, error, context.full);
}

const acquireTimeout = (boundMs: number): PostgresError =>
  new PostgresError("HST_PG_ACQUIRE_TIMEOUT", {
    message: `No connection became free or could be opened within ${Math.round(boundMs)} ms.`,
    fix: "Look for slow or leaked transactions, or raise pool.max or pool.acquireTimeoutMs.",
  });

const poolFull = (waitingMax: number): PostgresError =>
  new PostgresError("HST_PG_POOL_FULL", {
    message: `All connections are in use and ${waitingMax} callers wait already.`,
    fix: "Shed load earlier, or raise pool.max or pool.waitingMax.",
  });

const POLL_MS = 5;

/** Waits for a state of the pool, which has no event for it; a referenced timer, so that drain is not cut short. */
async function until(
  reached: () => boolean,
  deadlineMs: number,
  { clock }: ResolvedOptions,
): Promise<void> {
  while (!reached() && clock.nowMs() < deadlineMs)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
