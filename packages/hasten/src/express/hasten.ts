import type { RequestListener, Server } from "node:http";
import type { RequestHandler } from "express";
import type { Cache } from "../cache/index.ts";
import { type HastenOptions, type OpenParts, openParts } from "../facade/index.ts";
import type { ResponseCache } from "../http/index.ts";
import { type CachedOptions, cached } from "./cached.ts";

/** What `hasten()` gives. Every part is the one that its own factory makes. */
export interface Hasten extends AsyncDisposable, Pick<OpenParts, "db" | "coherence" | "status"> {
  /** A trace, timing and compression for each request. Mount it first. */
  requests(): RequestHandler;
  /** Answers a route from the cache, and fills it. */
  cached(options?: CachedOptions): RequestHandler;
  /**
   * Serves the app: public routes before Express runs, problem details for errors, and on SIGTERM
   * or SIGINT requests under way finish before everything is closed. Resolves when it listens.
   */
  listen(app: RequestListener, port?: number, host?: string): Promise<Server>;
  /** Watches a `pg.Pool`, a `pg.Client` or the `pg` module, and returns it. */
  watch<T extends object>(target: T): T;
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
 * h.listen(app, 3000);
 * ```
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
    pool: db.pool,
    status: () => parts.status(),
    requests: () => (_req, _res, next) => next(),
    cached: (route) => cached(responses, route),
    listen: (app, port, host) => parts.serve(responses.front(app), port, host),
    watch: (target) => coherence.watch(target),
    close,
    [Symbol.asyncDispose]: close,
  };
}
