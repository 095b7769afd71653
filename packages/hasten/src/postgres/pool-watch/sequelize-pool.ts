/**
 * sequelize-pool, the pool of Sequelize 6, watched.
 *
 * Invariant: `acquire` gives the pool's own answer, a promise that settles in the same turn.
 */
import { addLayer } from "../layers.ts";
import { refusedFull } from "./full.ts";
import { isTimeoutError, type PoolPort } from "./port.ts";
import { cutOff } from "./statements.ts";
import type { Watcher } from "./watcher.ts";

/** What is used of a pool of sequelize-pool. */
export interface SequelizePool {
  readonly name?: string | undefined;
  readonly size: number;
  readonly available: number;
  readonly using: number;
  readonly waiting: number;
  readonly maxSize: number;
  readonly minSize: number;
  readonly _factory?: object;
  acquire(): Promise<object>;
  release(client: object): unknown;
  destroy(client: object): Promise<unknown>;
}

export function isSequelizePool(target: object): target is SequelizePool {
  const pool = target as Partial<SequelizePool>;
  return typeof pool.acquire === "function" && typeof pool.using === "number";
}

export function sequelizePort(pool: SequelizePool): PoolPort {
  return {
    kind: "sequelize-pool",
    name: pool.name ?? "sequelize",
    counts: () => countsOf(pool),
    isTimeout: isTimeoutError,
    destroy(client) {
      cutOff(client);
      void pool.destroy(client).catch(() => undefined);
    },
  };
}

function countsOf(pool: SequelizePool): ReturnType<PoolPort["counts"]> {
  const { size, available: idle, using: active, maxSize: max, minSize: min } = pool;
  const coming = size - idle - active;
  const waiting = Math.max(0, pool.waiting - coming - idle);
  return { total: size, idle, active, waiting, min, max };
}

export function watchSequelizePool(pool: SequelizePool, watcher: Watcher): { release(): void } {
  const undo = [
    addLayer<SequelizePool["acquire"]>(pool, "acquire", (below) => () => {
      const { waitingMax } = watcher.watching;
      const { active, max, waiting } = countsOf(pool);
      if (waitingMax !== undefined && active >= max && waiting >= waitingMax)
        return Promise.reject(refusedFull(watcher));
      const checkout = watcher.requested("either");
      const asked = (Reflect.apply(below, pool, []) as Promise<object>).then(
        (client) => {
          watcher.acquired(checkout, client);
          return client;
        },
        (error: unknown) => {
          watcher.failed(checkout, error);
          throw error;
        },
      );
      watcher.asked();
      return asked;
    }),
    addLayer<SequelizePool["release"]>(pool, "release", (below) => (client) => {
      watcher.returned(client);
      return Reflect.apply(below, pool, [client]);
    }),
    addLayer<SequelizePool["destroy"]>(pool, "destroy", (below) => (client) => {
      watcher.closed(client);
      return Reflect.apply(below, pool, [client]) as Promise<unknown>;
    }),
  ];
  const { _factory: factory } = pool;
  if (factory !== undefined) undo.push(countingCreated(factory, watcher));
  return {
    release() {
      for (const one of undo) one();
    },
  };
}

function countingCreated(factory: object, watcher: Watcher): () => void {
  return addLayer<() => Promise<object>>(
    factory,
    "create",
    (below) => () =>
      (Reflect.apply(below, factory, []) as Promise<object>).then((client) => {
        watcher.opened();
        return client;
      }),
  );
}
