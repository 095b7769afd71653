/**
 * Watches what reaches PostgreSQL: `pg.Pool`, `pg.Client`, the `pg` module.
 *
 * Invariants:
 * - Watching twice is watching once; `close()` leaves every target as it was found.
 * - What cannot be watched is refused, and what is not watched makes answers untracked.
 */
import { type Clock, systemClock } from "../../core/clock.ts";
import type { ChangeSource } from "../coherence/source.ts";
import { optionInvalid, PostgresError, targetInvalid } from "../errors.ts";
import type { Analyzer } from "../statements/analysis.ts";
import { watchClient, watchedClients } from "./client.ts";
import type { Identity } from "./identity.ts";
import { watchOutbound } from "./outbound.ts";
import { watchedClass, watchPool } from "./pool.ts";
import { type DriverModule, isClient, isModule, isPool } from "./shapes.ts";
import { noticeUnwatched } from "./unwatched.ts";
import { watchedPools } from "./watched-pools.ts";
import { createWatching, type WatchEvent } from "./watching.ts";

export interface WatchOptions {
  /** Who understands statements now. */
  readonly analyzer: () => Analyzer;
  /** Where changes are learnt from now. */
  readonly source: () => ChangeSource;
  readonly clock?: Clock | undefined;
  readonly onEvent?: ((event: WatchEvent) => void) | undefined;
  /**
   * Asks the server whose changes are learnt who it is. Without it a database is known by its name
   * alone, which that of another server may have as well.
   */
  readonly identify?: (() => Promise<Identity>) | undefined;
  /**
   * Hosts (`redis.internal:6379`, `api.example.org`) whose answers do not matter to cached answers:
   * rate limits, logs. Anything else outbound makes the answer untracked.
   */
  readonly allow?: readonly string[] | undefined;
}

export interface Watch {
  /**
   * Returns the target; of the `pg` module one like it whose clients are watched. Each such module's
   * connections must show values alike: one for each ORM.
   */
  watch<T extends object>(target: T): T;
  close(): void;
}

interface Released {
  release(): void;
}

/** Who watches what was given to `watch`. */
const owners = new WeakMap<object, object>();

export function createWatch(options: WatchOptions): Watch {
  const { analyzer, source, onEvent, identify, clock = systemClock, allow = [] } = options;
  const watching = createWatching({ analyzer, source, clock, onEvent, identify });
  /** What was made of the `pg` module: watched already. */
  const modules = new WeakSet<object>();
  const released = new Set<Released>([noticeUnwatched(), watchOutbound(new Set(allow))]);

  const watchModule = (driver: DriverModule): object => {
    const family = { display: undefined, ofPool: false };
    const made = watchedClass(driver.Client, watching, family);
    released.add(made);
    const Pool = class extends (driver.Pool as new (given?: unknown) => object) {
      constructor(given?: unknown) {
        super(given);
        watch(this);
      }
    };
    const like = Object.create(driver, {
      Client: { value: made.Client, enumerable: true },
      Pool: { value: Pool, enumerable: true },
      native: { get: refuseNative },
    }) as object;
    modules.add(like);
    return like;
  };

  const watch = <T extends object>(target: T): T => {
    if (!isTarget(target)) throw notWatchable(target);
    if (watchedPools.has(target) || watchedClients.has(target)) {
      const owner = owners.get(target);
      if (owner !== undefined && owner !== watching) throw watchedElsewhere();
      return target;
    }
    if (modules.has(target)) return target;
    if (isModule(target)) return watchModule(target) as T;
    if (isPool(target)) released.add(watchPool(target, watching));
    else if (isClient(target))
      released.add(watchClient(target, watching, { display: undefined, ofPool: false }));
    else throw notWatchable(target);
    owners.set(target, watching);
    return target;
  };

  return {
    watch,
    close() {
      for (const one of released) one.release();
      released.clear();
    },
  };
}

const isTarget = (target: unknown): boolean =>
  (typeof target === "object" && target !== null) || typeof target === "function";

function notWatchable(target: unknown): Error {
  const wanted =
    "a pg.Pool, a pg.Client or the pg module (a Database: its .pool; of a library what it is made from)";
  return targetInvalid("watch", wanted, target);
}

const watchedElsewhere = (): Error =>
  new PostgresError("HST_PG_OPTION", {
    message: "Another coherence watches this pool or client until it is closed.",
    fix: "Close that one first, or give each a pool of its own.",
  });

function refuseNative(): never {
  throw optionInvalid("native", "left out: libpq's own client cannot be watched", true);
}
