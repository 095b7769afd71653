/**
 * Watches a pool, whichever it is.
 *
 * Invariants:
 * - Watching twice is watching once: the options of the first stand, and the last to close ends it.
 * - After that the pool is as it was found, and there is no timer.
 */
import type { Timer } from "../../core/clock.ts";
import { tell } from "../../core/tell.ts";
import { targetInvalid } from "../errors.ts";
import { type PoolWatchOptions, resolveWatching, type Watching } from "./options.ts";
import { isPgPool, pgPoolPort, watchPgPool } from "./pg-pool.ts";
import type { PoolPort } from "./port.ts";
import {
  isSequelizePool,
  type SequelizePool,
  sequelizePort,
  watchSequelizePool,
} from "./sequelize-pool.ts";
import { isTarnPool, type KnexClient, tarnPort, watchTarn } from "./tarn.ts";
import type { PoolWatch, WatchedPool } from "./types.ts";
import { Watcher } from "./watcher.ts";

interface Shared {
  readonly pool: WatchedPool;
  users: number;
  end(): void;
}

const watched = new WeakMap<object, Shared>();

/**
 * Watches a `pg.Pool`, a Sequelize instance or its pool, a Knex instance or its pool (tarn); of a
 * `Database` its `pool`, which it watches already.
 * @throws HST_PG_OPTION for anything else, and for an option out of its bounds
 */
export function watchPool(target: object, options: PoolWatchOptions = {}): PoolWatch {
  const watching = resolveWatching(options);
  const shared = poolsOf(target).map(({ pool, client }) =>
    join(pool, () => begin(pool, watching, client)),
  );
  const [first] = shared;
  if (first === undefined) throw notWatchable(target);
  let over = false;
  return {
    ...viewOf(first.pool),
    pools: shared.map(({ pool }) => pool),
    close() {
      if (over) return;
      over = true;
      for (const one of shared) leave(one);
    },
  };
}

/** Makes known that the pool is watched by its owner. */
export function watchedBy(
  pool: object,
  watcher: Watcher,
  port: PoolPort,
): { readonly view: PoolWatch; end(): void } {
  const shared = start(watcher, port, { release: () => undefined });
  // The owner's own use: that of others never is the last.
  shared.users = 1;
  watched.set(pool, shared);
  const end = (): void => {
    watched.delete(pool);
    shared.end();
  };
  return { view: { ...viewOf(shared.pool), pools: [shared.pool], close: () => undefined }, end };
}

const viewOf = ({ name, kind, report, checkouts }: WatchedPool): WatchedPool => ({
  ...{ name, kind, report, checkouts },
});

function join(pool: object, make: () => Shared): Shared {
  let shared = watched.get(pool);
  if (shared === undefined) {
    shared = make();
    const { end } = shared;
    shared.end = () => {
      watched.delete(pool);
      end();
    };
    watched.set(pool, shared);
  }
  shared.users += 1;
  return shared;
}

function leave(shared: Shared): void {
  shared.users -= 1;
  if (shared.users === 0) shared.end();
}

function begin(pool: object, watching: Watching, client: KnexClient | undefined): Shared {
  if (isPgPool(pool)) {
    const port = pgPoolPort(pool);
    const watcher = new Watcher(port, watching);
    return start(watcher, port, watchPgPool(pool, watcher));
  }
  if (isTarnPool(pool)) {
    const port = tarnPort(pool);
    const watcher = new Watcher(port, watching);
    return start(watcher, port, watchTarn(pool, watcher, client));
  }
  const port = sequelizePort(pool as SequelizePool);
  const watcher = new Watcher(port, watching);
  return start(watcher, port, watchSequelizePool(pool as SequelizePool, watcher));
}

function start(watcher: Watcher, { kind }: PoolPort, adapter: { release(): void }): Shared {
  const { clock, logEveryMs, onReport } = watcher.watching;
  let timer: Timer | undefined;
  const plan = (): void => {
    timer = clock.schedule(logEveryMs, () => {
      plan();
      tell(onReport, watcher.report());
    });
  };
  if (onReport !== undefined) plan();
  return {
    users: 0,
    pool: {
      name: watcher.name,
      kind,
      report: () => watcher.report(),
      checkouts: () => watcher.checkouts(),
    },
    end() {
      timer?.cancel();
      adapter.release();
      watcher.close();
    },
  };
}

interface Found {
  readonly pool: object;
  /** Of Knex. */
  readonly client?: KnexClient;
}

/** The pools behind an object: of a Sequelize with replicas the one that writes, then the one that reads. */
function poolsOf(target: object): readonly Found[] {
  if (!isObject(target) && typeof target !== "function") return [];
  if (isPgPool(target) || isTarnPool(target) || isSequelizePool(target)) return [{ pool: target }];
  const { connectionManager, client, write, read } = target as Behind;
  if (write !== undefined && read !== undefined) return [...poolsOf(write), ...poolsOf(read)];
  if (isObject(connectionManager?.pool)) return poolsOf(connectionManager.pool);
  if (!isObject(client?.pool)) return [];
  return poolsOf(client.pool).map(({ pool }) => ({ pool, client: client as KnexClient }));
}

interface Behind {
  readonly connectionManager?: { readonly pool?: unknown };
  readonly client?: Partial<KnexClient> & { readonly pool?: unknown };
  readonly write?: object;
  readonly read?: object;
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

function notWatchable(target: unknown): Error {
  const wanted =
    "a pg.Pool, a Sequelize or Knex instance, or the pool of one (a Database: its .pool)";
  return targetInvalid("watchPool", wanted, target);
}
