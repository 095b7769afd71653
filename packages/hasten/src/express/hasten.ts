import type { RequestListener, Server } from "node:http";
import type { ErrorRequestHandler, RequestHandler } from "express";
import type { Cache } from "../cache/index.ts";
import { ProblemError } from "../core/problem.ts";
import {
  type HastenOptions,
  type OpenParts,
  onStopSignal,
  openParts,
  type PoolWatch,
  type PoolWatchOptions,
  type WatchedPool,
} from "../facade/index.ts";
import type { FrontOptions, ResponseCache } from "../http/index.ts";
import { type CachedOptions, cached } from "./cached.ts";
import { type ProblemsOptions, problems } from "./problems.ts";
import { type RequestsHandler, type RequestsOptions, requests } from "./requests.ts";

/** How `listen` serves. */
export interface ListenOptions {
  /** @default all addresses */
  readonly host?: string;
  /** Closes everything on SIGTERM and SIGINT, and ends the process. @default true */
  readonly signals?: boolean;
  /** Problem details for errors that no handler took; false mounts none. @default true */
  readonly problems?: boolean | ProblemsOptions;
  /** Front mode; false runs Express for every request. @default true */
  readonly front?: boolean | FrontOptions;
}

/** An Express application, or any listener. */
export type Application = RequestListener & {
  use?(handler: ErrorRequestHandler): unknown;
};

/** What `hasten()` gives. Every part is the one that its own factory makes. */
export interface Hasten
  extends AsyncDisposable,
    Pick<OpenParts, "db" | "coherence" | "findings" | "sessions" | "status"> {
  /** A trace, timing and compression for each request. Mount it first. */
  requests(options?: RequestsOptions): RequestsHandler;
  /** Answers a route from the cache, and fills it. */
  cached(options?: CachedOptions): RequestHandler;
  /**
   * Serves the app: public routes before Express runs, problem details for errors, and on SIGTERM
   * or SIGINT requests under way finish before everything is closed. Resolves when it listens.
   */
  listen(app: Application, port?: number, options?: ListenOptions): Promise<Server>;
  /** Watches a `pg.Pool`, a `pg.Client` or the `pg` module, and returns it. */
  watch<T extends object>(target: T): T;
  /**
   * Watches the checkouts of a pool whose statements are not watched here: a Sequelize or Knex instance.
   * That of `h.db` and those given to `h.watch` are watched already.
   */
  watchPool(target: object, options?: PoolWatchOptions): PoolWatch;
  /** Every pool that is watched: for `registerPoolMetrics`. */
  readonly pools: () => readonly WatchedPool[];
  /** The watched pool, for an ORM or query builder. */
  readonly pool: OpenParts["db"]["pool"];
  readonly cache: Cache;
  readonly responses: ResponseCache;
  /** Stops serving, lets requests finish, and leaves no connection, slot or timer. */
  close(): Promise<void>;
}

/**
 * Everything for an Express application on PostgreSQL, wired.
 *
 * ```ts
 * const h = await hasten({ postgres: process.env.DATABASE_URL });
 * app.use(h.requests());
 * app.get("/api/orders", h.cached({ ttlMs: 60_000, scope: "role" }), listOrders);
 * await h.listen(app, 3000);
 * ```
 * @throws HastenError for options out of bounds; never because the database is down
 */
export async function hasten(options: HastenOptions): Promise<Hasten> {
  const parts = await openParts(options);
  const { db, cache, responses, coherence } = parts;
  const close = (): Promise<void> => parts.close();
  return {
    db,
    cache,
    responses,
    coherence,
    findings: parts.findings,
    sessions: parts.sessions,
    pool: db.pool,
    status: () => parts.status(),
    requests(given) {
      const handler = requests(given);
      parts.beforeClose(() => handler.close());
      return handler;
    },
    cached: (route) => cached(responses, route),
    async listen(app, port, given = {}) {
      const { front = true } = given;
      if (given.problems !== false) app.use?.(problems(problemsOf(given.problems, parts)));
      const options = front === true || front === false ? {} : front;
      const listener = front === false ? app : responses.front(app, options);
      const server = await parts.serve(listener, port, given.host);
      if (given.signals !== false) parts.beforeClose(onStopSignal(close));
      return server;
    },
    watch(target) {
      const watched = coherence.watch(target);
      parts.pools.noticed(target);
      return watched;
    },
    watchPool: (target, given) => parts.pools.watch(target, given),
    pools: () => [...(db.poolWatch?.pools ?? []), ...parts.pools.list()],
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A database that cannot be reached is no fault of the program: 503, and when to come again. */
function problemsOf(
  given: boolean | ProblemsOptions | undefined,
  { isUnavailable }: OpenParts,
): ProblemsOptions {
  const own = typeof given === "object" ? given : {};
  return {
    ...own,
    toProblem: (error, req) =>
      own.toProblem?.(error, req) ?? (isUnavailable(error) ? unavailable(error) : undefined),
  };
}

function unavailable(cause: unknown): ProblemError {
  const problem = { type: "about:blank", title: "Service Unavailable", status: 503 };
  return new ProblemError(problem, { "Retry-After": "1" }, { cause });
}
