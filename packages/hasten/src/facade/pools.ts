import type {
  PoolWatch,
  PoolWatchEvent,
  PoolWatchOptions,
  WatchedPool,
} from "../postgres/index.ts";

/** How `hasten()` watches pools: its own, and those given to `h.watch` and `h.watchPool`. */
export interface PoolsOptions extends Omit<PoolWatchOptions, "name"> {
  /** Says leaks and waits at once, and a report every logEveryMs, in a line each. @default false */
  readonly say?: boolean | undefined;
}

export interface Pools {
  /** For the database's own pool. */
  readonly options: false | PoolWatchOptions;
  /** Watches a `pg.Pool`, a Sequelize or Knex instance; twice is once. */
  watch(target: object, options?: PoolWatchOptions): PoolWatch;
  /** Watches it if it is a pool of the driver. */
  noticed(target: object): void;
  /** Those that are watched here. */
  list(): readonly WatchedPool[];
  close(): void;
}

export type { PoolWatch, PoolWatchOptions, WatchedPool };

type Postgres = Pick<
  typeof import("../postgres/index.ts"),
  "watchPool" | "poolLine" | "poolEventLine"
>;

export function openPools(
  given: false | PoolsOptions | undefined,
  postgres: Postgres,
  say: (line: string) => void,
): Pools {
  const watches = new Set<PoolWatch>();
  const options = given === false ? false : saying(given ?? {}, postgres, say);
  const watch: Pools["watch"] = (target, own = {}) => {
    const made = postgres.watchPool(target, {
      ...(options === false ? {} : options),
      name: undefined,
      ...own,
    });
    watches.add(made);
    return made;
  };
  return {
    options,
    watch,
    noticed(target) {
      if (options !== false && "waitingCount" in target && "connect" in target) watch(target);
    },
    list: () => [...watches].flatMap(({ pools }) => pools),
    close() {
      for (const one of watches) one.close();
      watches.clear();
    },
  };
}

function saying(
  { say: aloud = false, ...options }: PoolsOptions,
  { poolLine, poolEventLine }: Postgres,
  say: (line: string) => void,
): PoolWatchOptions {
  if (!aloud) return options;
  const { onEvent, onReport } = options;
  return {
    ...options,
    onEvent(event: PoolWatchEvent) {
      // Callers that got no connection are in the report: there may be thousands.
      if (!("because" in event)) say(poolEventLine(event));
      onEvent?.(event);
    },
    onReport(report) {
      say(poolLine(report));
      onReport?.(report);
    },
  };
}
