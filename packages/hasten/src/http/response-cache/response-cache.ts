import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Cache, Explanation, Outcome } from "../../cache/index.ts";
import type { StoredCodingStats } from "./codings.ts";
import { type Counters, createEngine } from "./engine.ts";
import { createFront, type FrontOptions } from "./front.ts";
import { type InvalidationTargets, invalidate, invalidateOnSuccess } from "./invalidation.ts";
import type { Incoming } from "./lookup.ts";
import { type ResponseCacheOptions, type RoutePolicy, resolveOptions } from "./options.ts";
import { type AnyPolicy, createRoute } from "./route.ts";
import { serve } from "./serve.ts";

/** Answers of an HTTP application, kept ready to send. Made once; routes take it by `cached`. */
export interface ResponseCache {
  /** The cache that holds the entries: its invalidations reach them. */
  readonly cache: Cache;
  readonly name: string;
  /** Prepares one route; adapters call what it returns for every request. */
  route<Req extends IncomingMessage, Res extends ServerResponse>(
    policy: RoutePolicy<Req, Res>,
  ): CachedRoute;
  /** Drops entries by tag and by path. Resolves when nobody can be given them any more. */
  invalidate(targets: InvalidationTargets): Promise<Outcome>;
  /** Drops them when this request's answer turns out a success, before that answer ends. */
  invalidateOnSuccess(
    req: IncomingMessage,
    res: ServerResponse,
    targetsOf?: () => InvalidationTargets | undefined,
  ): void;
  /** A listener that answers public routes itself and hands the rest to `app`. */
  front(app: RequestListener, options?: FrontOptions): RequestListener;
  /**
   * What a request for this URL would be given now, why, and what the answer rests on. Of answers
   * that everyone shares; those kept under a scope or a custom key have keys that hide who asked.
   */
  why(url: string): Explanation;
  stats(): ResponseCacheStats;
}

/** One cached route. */
export interface CachedRoute {
  serve(incoming: Incoming): void;
}

export interface ResponseCacheStats extends Readonly<Counters> {
  readonly codings: StoredCodingStats;
  /** Handlers that others may be waiting for now. */
  readonly flights: number;
  /** Refreshes in the background now. */
  readonly refreshing: number;
}

/**
 * Creates a response cache on a hasten cache, whose bounds it obeys. It starts nothing and holds
 * nothing but entries: closing the cache is enough.
 * @throws HastenError HST_HTTP_OPTION when an option is out of bounds.
 */
export function createResponseCache(options: ResponseCacheOptions): ResponseCache {
  const engine = createEngine(resolveOptions(options));
  return {
    cache: engine.cache,
    name: engine.options.name,
    route(policy) {
      const route = createRoute(policy as unknown as AnyPolicy);
      return { serve: (incoming) => serve(engine, route, incoming) };
    },
    invalidate: (targets) => invalidate(engine, targets),
    invalidateOnSuccess: (req, res, targetsOf) => invalidateOnSuccess(engine, req, res, targetsOf),
    front: (app, frontOptions = {}) => createFront(engine, app, frontOptions),
    why: (url) => engine.cache.why(engine.aliases.get(url) ?? engine.keys.front(url)),
    stats: () => ({
      ...engine.counters,
      codings: { ...engine.codings.stats },
      flights: engine.flights.size,
      refreshing: engine.refreshing.size,
    }),
  };
}
