/**
 * `pg.Pool`, watched.
 *
 * Invariants:
 * - Callers get what the pool gives: clients, errors, callbacks and `done` are its own; a promise is one
 *   of the pool's Promise class, settled in the same turn.
 * - What its owner takes (`aside`) is told by the owner, not here; that it comes back is seen here.
 * - Everything that was put on the pool goes again with `release`.
 */
import { currentTrace, isTracing } from "../../core/trace/index.ts";
import { addLayer } from "../layers.ts";
import { timedPools } from "../timed-pools.ts";
import type { Checkout } from "./checkouts.ts";
import { rejectedFull } from "./full.ts";
import type { PoolPort } from "./port.ts";
import { doing, isAbandoned, isBusy } from "./statements.ts";
import type { CheckoutKind } from "./types.ts";
import type { Watcher } from "./watcher.ts";

type Release = (error?: unknown) => unknown;
type Taken = (error: unknown, client?: PooledClient, done?: Release) => void;

interface PooledClient {
  release: Release;
}

type Connect = (callback?: Taken) => Promise<PooledClient> | undefined;
type Query = (...parts: unknown[]) => unknown;
type PoolEventName = "connect" | "remove" | "release";

/** What is used of a `pg.Pool`. */
export interface PgPool {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly Promise?: PromiseConstructor;
  readonly connect: Connect;
  readonly query: Query;
  on(event: PoolEventName, listener: (...parts: never[]) => void): unknown;
  removeListener(event: PoolEventName, listener: (...parts: never[]) => void): unknown;
}

export function isPgPool(target: object): target is PgPool {
  const pool = target as Partial<PgPool>;
  return (
    typeof pool.connect === "function" &&
    typeof pool.query === "function" &&
    typeof pool.waitingCount === "number" &&
    typeof pool.on === "function"
  );
}

const QUEUE_TIMEOUT = /^timeout exceeded when trying to connect|due to connection timeout$/;

export function pgPoolPort(pool: PgPool): PoolPort {
  const { options } = pool;
  return {
    kind: "pg-pool",
    name: nameOf(options),
    counts: () => pgPoolCounts(pool),
    isTimeout: (error) => error instanceof Error && QUEUE_TIMEOUT.test(error.message),
    destroy: (client) => void (client as PooledClient).release(true),
  };
}

/** The database's name: nothing else of a URL may be shown. */
function nameOf({ database, connectionString }: PgPool["options"]): string {
  if (typeof database === "string" && database !== "") return database;
  if (typeof connectionString !== "string" || !URL.canParse(connectionString)) return "pg";
  return new URL(connectionString).pathname.slice(1) || "pg";
}

export function pgPoolCounts(pool: PgPool): ReturnType<PoolPort["counts"]> {
  const { totalCount: total, idleCount: idle, waitingCount, options } = pool;
  return {
    total,
    idle,
    active: total - idle,
    // Those for whom there is an idle one are in its queue until the next tick.
    waiting: Math.max(0, waitingCount - idle),
    min: Number(options["min"] ?? 0),
    max: Number(options["max"] ?? 10),
  };
}

export interface WatchedPgPool {
  /** Runs what takes connections for the pool's owner, which tells the watcher itself. */
  aside<T>(take: () => T): T;
  release(): void;
}

export function watchPgPool(pool: PgPool, watcher: Watcher): WatchedPgPool {
  let isAside = false;
  let isQuery = false;
  timedPools.add(pool);
  const undo = [
    addLayer<Query>(pool, "query", (below) => (...parts) => {
      isQuery = true;
      try {
        return Reflect.apply(below, pool, parts);
      } finally {
        isQuery = false;
      }
    }),
    addLayer<Connect>(pool, "connect", (below) => {
      const connect: Connect = (callback) => Reflect.apply(below, pool, [callback]);
      const asked = (callback?: Taken): ReturnType<Connect> => {
        if (isAside) return connect(callback);
        const kind: CheckoutKind = isQuery ? "query" : "held";
        isQuery = false;
        if (isFull(pool, watcher)) return rejectedFull(watcher, pool.Promise, callback);
        return take({ watcher, connect, kind, callback });
      };
      return asked;
    }),
    ...listening(pool, watcher),
  ];
  return {
    aside(taking) {
      const before = isAside;
      isAside = true;
      try {
        return taking();
      } finally {
        isAside = before;
      }
    },
    release() {
      timedPools.delete(pool);
      for (const one of undo) one();
    },
  };
}

function listening(pool: PgPool, watcher: Watcher): (() => void)[] {
  const listeners = [
    ["connect", () => watcher.opened()],
    ["remove", (client: object) => watcher.closed(client)],
    ["release", (_error: unknown, client: object) => watcher.returned(client)],
  ] as const;
  return listeners.map(([event, listener]) => {
    pool.on(event, listener);
    return () => void pool.removeListener(event, listener);
  });
}

function isFull(pool: PgPool, { watching }: Watcher): boolean {
  const { waitingMax } = watching;
  if (waitingMax === undefined) return false;
  const { total, idle, waiting, max } = pgPoolCounts(pool);
  return idle === 0 && total >= max && waiting >= waitingMax;
}

interface Taking {
  readonly watcher: Watcher;
  readonly connect: Connect;
  readonly kind: CheckoutKind;
  readonly callback: Taken | undefined;
}

function take({ watcher, connect, kind, callback }: Taking): ReturnType<Connect> {
  const checkout = watcher.requested(kind);
  const trace = kind === "held" && isTracing() ? currentTrace() : undefined;
  const got = (client: PooledClient): void => {
    watcher.acquired(checkout, client);
    if (kind !== "held") return;
    if (trace !== undefined)
      trace.queries.checkoutWaitMs += checkout.takenMs - checkout.requestedMs;
    client.release = guarded(client, watcher, checkout);
  };
  const asked =
    callback === undefined
      ? connect()?.then(
          (client) => {
            got(client);
            return client;
          },
          (error: unknown) => {
            watcher.failed(checkout, error);
            throw error;
          },
        )
      : connect((error, client, done) => {
          if (error || client === undefined) {
            watcher.failed(checkout, error);
            return callback(error, client, done);
          }
          got(client);
          callback(error, client, client.release);
        });
  watcher.asked();
  return asked;
}

/** Looks at a connection before the pool has it back. */
function guarded(client: PooledClient, watcher: Watcher, checkout: Checkout): Release {
  const { release } = client;
  return (error) => {
    if (error || watcher.isOver || checkout.client !== client) return release(error);
    const { returnedBusy } = watcher.watching;
    if (isBusy(client)) {
      const destroyed =
        returnedBusy === "destroy" || (returnedBusy === "destroy-abandoned" && isAbandoned(client));
      watcher.returnedAs("returned-busy", client, destroyed);
      return release(destroyed ? true : error);
    }
    if (doing(client) === "idle in transaction")
      watcher.returnedAs("returned-in-transaction", client, false);
    return release(error);
  };
}
