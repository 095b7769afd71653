import type { ErrorRequestHandler, Express, RequestHandler } from "express";
import { cached, type ResponseCache } from "hasten/express";
import { authenticate, identityOf } from "../auth/authenticate.ts";
import type { Tokens } from "../auth/tokens.ts";
import { jsonBody } from "./body.ts";
import { methodNotAllowed } from "./problem.ts";
import type { Reply, Route } from "./route.ts";
import { validBody, validQuery } from "./validate.ts";

export interface MountParts {
  readonly tokens: Tokens;
  readonly responseCache: ResponseCache;
}

type Step = RequestHandler | ErrorRequestHandler;

/**
 * Mounts every route in one order: who asks, then the cache, then the body, then the handler.
 * A cached answer is therefore never given to someone who may not have it.
 */
export function mount(app: Express, routes: readonly Route[], parts: MountParts): void {
  for (const route of routes) {
    app[route.method](expressPath(route.path), ...steps(route, parts));
  }
  for (const [path, methods] of methodsByPath(routes)) {
    app.all(path, () => {
      throw methodNotAllowed(methods);
    });
  }
}

function steps(route: Route, parts: MountParts): Step[] {
  return [
    ...(route.access === "public" ? [] : [authenticate(parts.tokens, route.access)]),
    ...(route.cache === undefined ? [] : [cached(parts.responseCache, route.cache)]),
    ...(route.body === undefined ? [] : jsonBody(route.body.types)),
    answer(route),
  ];
}

function answer(route: Route): RequestHandler {
  return async (req, res) => {
    const reply = await route.handle({
      params: req.params as Record<string, string>,
      query: route.query === undefined ? {} : validQuery(route.query, req.query),
      body: route.body === undefined ? undefined : validBody(route.body.schema, req.body),
      // A public answer may not depend on who asks, so it does not even look.
      identity: route.access === "public" ? undefined : identityOf(req),
      req,
      res,
    });
    send(res, reply);
  };
}

function send(res: Parameters<RequestHandler>[1], reply: Reply): void {
  res.status(reply.status ?? 200);
  res.set("X-Content-Type-Options", "nosniff");
  if (reply.headers !== undefined) res.set(reply.headers);
  if (reply.body === undefined) res.end();
  else res.json(reply.body);
}

const expressPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ":$1");

function methodsByPath(routes: readonly Route[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const route of routes) {
    const path = expressPath(route.path);
    const methods = found.get(path) ?? [];
    methods.push(route.method.toUpperCase(), ...(route.method === "get" ? ["HEAD"] : []));
    found.set(path, methods);
  }
  return found;
}
