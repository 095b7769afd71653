import { PostgresError } from "../errors.ts";
import { type PoolWatchOptions, resolveWatching } from "./options.ts";
import { type PgPool, pgPoolCounts, pgPoolPort, watchPgPool } from "./pg-pool.ts";
import type { PoolPort } from "./port.ts";
import type { PoolWatch } from "./types.ts";
import { watchedBy } from "./watch-pool.ts";
import { Watcher } from "./watcher.ts";

/** The watch of the pool of a `Database`, whose own checkouts it tells of itself. */
export interface OwnWatch {
  readonly watcher: Watcher;
  readonly view: PoolWatch;
  aside<T>(take: () => T): T;
  release(): void;
}

export interface OwnPool {
  readonly options: PoolWatchOptions;
  /** Attempts in the driver's queue that nobody waits for. */
  readonly surplus: () => number;
  /** Takes the connection from one of the database's own; false if it is somebody else's. */
  readonly abandon: (client: object) => boolean;
}

export function watchOwnPool(pool: PgPool, { options, surplus, abandon }: OwnPool): OwnWatch {
  const foreign = pgPoolPort(pool);
  const port: PoolPort = {
    ...foreign,
    counts() {
      const counts = pgPoolCounts(pool);
      return { ...counts, waiting: Math.max(0, counts.waiting - surplus()) };
    },
    isTimeout: (error) =>
      error instanceof PostgresError
        ? error.code === "HST_PG_ACQUIRE_TIMEOUT"
        : foreign.isTimeout(error),
    destroy(client) {
      if (!abandon(client)) foreign.destroy?.(client);
    },
  };
  const watching = resolveWatching(options);
  const watcher = new Watcher(port, watching);
  const adapter = watchPgPool(pool, watcher);
  const { view, end } = watchedBy(pool, watcher, port);
  return {
    watcher,
    view,
    aside: adapter.aside,
    release() {
      end();
      adapter.release();
    },
  };
}
