import type { Request, RequestHandler, Response } from "express";
import type { InvalidationTargets, ResponseCache } from "../http/index.ts";

/** Says, when a write has succeeded, what it made untrue. `undefined` adds nothing. */
export type TargetsOf = (req: Request, res: Response) => InvalidationTargets | undefined;

/**
 * Drops entries after a successful POST, PUT, PATCH or DELETE (2xx or 3xx), before the last byte
 * of its answer: the writer's next read sees the write. The request's own path, and those in
 * Location and Content-Location, are always included.
 *
 * ```ts
 * app.put("/api/orders/:id", invalidates(responses, (req) => ({ tags: ["orders"], paths: ["/api/stats"] })), replaceOrder);
 * ```
 */
export function invalidates(responseCache: ResponseCache, targetsOf?: TargetsOf): RequestHandler {
  return (req, res, next) => {
    responseCache.invalidateOnSuccess(
      req,
      res,
      targetsOf === undefined ? undefined : () => targetsOf(req, res),
    );
    next();
  };
}
