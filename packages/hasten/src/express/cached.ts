import type { Request, RequestHandler, Response } from "express";
import type { Adapter, CachedRoute, Replay, ResponseCache, RoutePolicy } from "../http/index.ts";

/** How a route is cached. See `RoutePolicy` for each option; durations are milliseconds. */
export type CachedOptions = RoutePolicy<Request, Response>;

/**
 * Answers GET and HEAD of a route from the cache, and fills it. Put it after authentication, so
 * that a cached answer is never given to someone who may not have it.
 *
 * ```ts
 * app.get("/api/orders", authenticate, cached(responses, { ttlMs: 60_000, scope: "role" }), listOrders);
 * ```
 * @throws HastenError HST_HTTP_OPTION or HST_HTTP_POLICY for options out of bounds or in conflict.
 */
export function cached(responseCache: ResponseCache, options: CachedOptions = {}): RequestHandler {
  const route: CachedRoute = responseCache.route(options);
  const middleware: RequestHandler = (req, res, next) => {
    route.serve({ req, res, next, adapter });
  };
  const adapter: Adapter = {
    name: (req) => routeName(req as Request),
    replay: (req) => replayOf(req as Request, middleware),
  };
  return middleware;
}

function routeName(req: Request): string {
  const path: unknown = req.route?.path;
  return `GET ${req.baseUrl}${typeof path === "string" ? path : req.path}`;
}

interface Layer {
  readonly handle: (...args: unknown[]) => unknown;
  readonly method?: string | undefined;
}

/** The steps after this middleware on its route; undefined where it is not mounted on a route. */
function replayOf(req: Request, middleware: RequestHandler): Replay | undefined {
  const stack: readonly Layer[] | undefined = req.route?.stack;
  const at = stack?.findIndex((layer) => layer.handle === middleware) ?? -1;
  if (stack === undefined || at === -1) return undefined;
  const layers = stack.slice(at + 1).filter((layer) => isGet(layer.method));
  return (copy, res, failed) => runLayers(layers, [copy, res], failed);
}

function isGet(method: string | undefined): boolean {
  return method === undefined || method === "get";
}

/** Runs the steps in order, as a route does; an error that no step takes ends it. */
function runLayers(
  layers: readonly Layer[],
  pair: readonly [unknown, unknown],
  failed: (error: unknown) => void,
): void {
  let at = 0;
  const next = (error?: unknown): void => {
    const layer = layers[at++];
    if (layer === undefined) {
      failed(error ?? new Error("no handler answered"));
      return;
    }
    const takesErrors = layer.handle.length > 3;
    if (takesErrors !== (error !== undefined && error !== null)) {
      next(error);
      return;
    }
    run(layer, takesErrors ? [error, ...pair, next] : [...pair, next], next);
  };
  next();
}

function run(layer: Layer, args: readonly unknown[], next: (error: unknown) => void): void {
  try {
    const result = layer.handle(...args);
    if (result instanceof Promise) result.catch(next);
  } catch (error) {
    next(error);
  }
}
