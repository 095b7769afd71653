/**
 * Connections: the driver's pool, with establishing made patient and everything bounded.
 *
 * Invariants:
 * - only establishing a connection is retried: jittered exponential back-off within
 *   acquireTimeoutMs, behind a circuit breaker that counts failures to connect and nothing else;
 * - an idle connection is handed out whatever the breaker says;
 * - first come, first served, and every wait ends (wait-queue.ts); at most waitingMax callers wait for
 *   connections that are all in use;
 * - the watch of the pool sees each checkout once: its owner's here, those of others at the pool.
 */
import { type CircuitBreakerPolicy, CircuitState } from "cockatiel";
import type { Pool } from "pg";
import { channels } from "../core/channels.ts";
import { acquireFailed, acquireTimeout, poolFull, takenBack } from "./acquire-errors.ts";
import { cancelRequest } from "./cancel.ts";
import type { PgClient } from "./driver.ts";
import { createPool } from "./driver-pool.ts";
import { type Emit, establishing, type PoolEvent } from "./establish.ts";
import { aborted, closed, reasonOf } from "./failures.ts";
import { idleDropper } from "./idle-drop.ts";
import { createLease, type Lease } from "./lease.ts";
import type { ResolvedOptions } from "./options.ts";
import { offerLeases, serverOf } from "./own-leases.ts";
import { type OwnWatch, watchOwnPool } from "./pool-watch/own.ts";
import type { CheckoutKind, PoolWatch } from "./pool-watch/types.ts";
import type { Pooler } from "./pooler/pooler.ts";
import { poolerOf } from "./pooler/pooler-of.ts";
import { type Obtain, WaitQueue } from "./wait-queue.ts";

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

export interface AcquireLimit {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly use?: CheckoutKind;
}

export interface Connections {
  readonly pool: Pool;
  /** What stands between here and the server. */
  readonly pooler: Pooler;
  /** What is known of the pool; undefined where it is not watched. */
  readonly watch: PoolWatch | undefined;
  /** @param limit `use` is "query" for what gives its connection back by itself, "either" for hasten's own work that may run long. @default "held" */
  acquire(limit: AcquireLimit): Promise<Lease>;
  /** Opens connections up to pool.min, when nobody waits. Never rejects. */
  warm(): Promise<void>;
  /** The server just answered: a breaker whose pause has passed need not wait for a new connection. */
  answered(): void;
  stats(): PoolStats;
  /** Refuses newcomers, waits for leases up to the bound, then cancels them; ends when sockets are closed. */
  close(timeoutMs: number): Promise<void>;
}

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
  let isClosing = false;
  const emit = (kind: PoolEvent["kind"], because?: string): void => {
    if (channels.poolEvent.hasSubscribers)
      channels.poolEvent.publish({ kind, database, ...(because === undefined ? {} : { because }) });
  };
  const { policy, breaker } = establishing(options, emit);
  follow(pool, emit);

  const full = options.errors === "full";
  const held = new WeakMap<object, Lease>();
  const leaseOf = leasing(options, { leases, held, onSuspect: idleDropper(pool, clock) });
  const take = (): Promise<PgClient> => pool.connect() as unknown as Promise<PgClient>;
  const connect = (): Promise<PgClient> => (watch === undefined ? take() : watch.aside(take));

  const obtain: Obtain = (signal) =>
    pool.idleCount > pool.waitingCount ? connect() : policy.execute(connect, signal());
  const queue = new WaitQueue(obtain, clock);
  const watch = watchOwn(options, { pool, queue, leaseOf: (client) => held.get(client) });

  const acquire: Connections["acquire"] = async ({ timeoutMs, signal, use = "held" }) => {
    if (isClosing) throw closed();
    if (signal?.aborted) throw aborted(signal);
    const { waitingMax, acquireTimeoutMs } = options.pool;
    if (waitingIn(pool, queue) >= waitingMax && pool.idleCount === 0 && isFull(pool)) {
      watch?.watcher.shed();
      throw poolFull(waitingMax);
    }
    const boundMs = Math.min(timeoutMs, acquireTimeoutMs);
    const seen = watch?.watcher.requested(use);
    try {
      const taken = queue.take({ boundMs, signal, onTimeout: acquireTimeout, onAbort: aborted });
      watch?.watcher.asked();
      const client = await taken;
      if (seen !== undefined) watch?.watcher.acquired(seen, client);
      return leaseOf(client);
    } catch (error) {
      const failed = acquireFailed(error, { boundMs, full, emit });
      if (seen !== undefined) watch?.watcher.failed(seen, failed);
      throw failed;
    }
  };

  return {
    pool,
    pooler,
    acquire,
    answered: () => tryToClose(breaker),
    async warm() {
      const missing = options.pool.min - pool.totalCount;
      if (isClosing || missing <= 0 || pool.waitingCount > 0) return;
      const timeoutMs = options.pool.acquireTimeoutMs;
      const wanted = Array.from({ length: pool.idleCount + missing }, () =>
        acquire({ timeoutMs, use: "query" }),
      );
      for (const outcome of await Promise.allSettled(wanted))
        if (outcome.status === "fulfilled") outcome.value.release("clean");
    },
    watch: watch?.view,
    stats: () => ({
      ...poolStats(pool, options.pool.max, breaker),
      waiting: waitingIn(pool, queue),
    }),
    async close(timeoutMs) {
      isClosing = true;
      const deadlineMs = clock.nowMs() + timeoutMs;
      await until(() => leases.size === 0 && queue.size === 0, deadlineMs, options);
      queue.refuseAll(closed());
      for (const lease of leases) lease.abandon(closed());
      await until(() => leases.size === 0, clock.nowMs() + options.cancelTimeoutMs, options);
      withdraw();
      if (!pool.ending) void pool.end().catch(() => undefined);
      await until(() => open.size === 0, clock.nowMs() + GOODBYE_MS, options);
      for (const client of open) client.connection?.stream?.destroy();
      await until(() => open.size === 0, clock.nowMs() + GOODBYE_MS, options);
      watch?.release();
    },
  };
}

function tryToClose(breaker: CircuitBreakerPolicy): void {
  if (breaker.state !== CircuitState.Closed)
    void breaker.execute(() => undefined).catch(() => undefined);
}

interface Leased {
  readonly leases: Set<Lease>;
  /** By client, where a checkout may be ended by force. */
  readonly held: WeakMap<object, Lease>;
  readonly onSuspect: ReturnType<typeof idleDropper>;
}

function leasing(
  { clock, cancelTimeoutMs, poolWatch }: ResolvedOptions,
  { leases, held, onSuspect }: Leased,
): (client: PgClient) => Lease {
  const byForce = poolWatch !== false && (poolWatch.destroyAfterMs ?? 0) > 0;
  return (client) => {
    const lease = createLease(client, {
      clock,
      cancel: (target) => cancelRequest(target, { timeoutMs: cancelTimeoutMs, clock }),
      onSuspect,
      onOver: (ended) => leases.delete(ended),
    });
    leases.add(lease);
    if (byForce) held.set(client, lease);
    return lease;
  };
}

/** Callers in the driver's queue, without attempts that nobody waits for any more. */
const waitingIn = (pool: Pool, queue: WaitQueue): number =>
  Math.max(0, pool.waitingCount - queue.surplus);

interface OwnParts {
  readonly pool: Pool;
  readonly queue: WaitQueue;
  readonly leaseOf: (client: object) => Lease | undefined;
}

function watchOwn(options: ResolvedOptions, parts: OwnParts): OwnWatch | undefined {
  const { poolWatch, clock } = options;
  if (poolWatch === false) return undefined;
  const { pool, queue, leaseOf } = parts;
  return watchOwnPool(pool as never, {
    options: { clock, ...poolWatch },
    surplus: () => queue.surplus,
    abandon(client) {
      const lease = leaseOf(client);
      lease?.abandon(takenBack());
      return lease !== undefined;
    },
  });
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
