import type { RequestListener } from "node:http";
import express, { type Express, type Request } from "express";
import { front, problems, requests } from "hasten/express";
import { createLoginAttempts } from "./auth/attempts.ts";
import { loginRoute } from "./auth/login.ts";
import { createTokens } from "./auth/tokens.ts";
import type { ApiDeps } from "./deps.ts";
import { databaseFailures } from "./http/failures.ts";
import { mount } from "./http/mount.ts";
import { notFound } from "./http/problem.ts";
import type { Route } from "./http/route.ts";
import { openApiDocument } from "./openapi/document.ts";
import { mountDocs } from "./openapi/pages.ts";
import { cachePolicy } from "./resources/cache-policy.ts";
import { categoryStatisticsRoute } from "./resources/category-statistics.ts";
import { RESOURCES } from "./resources/definitions.ts";
import { itemRoutes, type RouteParts } from "./resources/item-routes.ts";
import { listRoute, publicMetricsRoute, statisticsRoute } from "./resources/list-routes.ts";
import { meRoute } from "./resources/me.ts";
import { adminRoutes } from "./system/admin-routes.ts";
import { healthRoutes } from "./system/health-routes.ts";

export type { ApiConfig, ApiDeps, ApiLog, ApiStorage } from "./deps.ts";

export interface Api {
  readonly app: Express;
  /** What `http.createServer` is given: public answers that are cached never reach Express. */
  readonly listener: RequestListener;
  /** The OpenAPI document of every route. */
  readonly document: Readonly<Record<string, unknown>>;
  /** Stops listening to the diagnostics channels. Connections are the server's. */
  close(): Promise<void>;
}

/** Requests that take longer are logged. */
const SLOW_REQUEST_MS = 1_000;

/** The HTTP API, wired by explicit parts. It owns no connection and no timer. */
export function createApi(deps: ApiDeps): Api {
  const { storage, responseCache, config, log, clock } = deps;
  const tokens = createTokens({
    secret: config.jwtSecret,
    demoExists: () => storage.mode === "local",
  });
  const tracked = requests({
    timing: {
      slowMs: SLOW_REQUEST_MS,
      onSlow: (slow) => log.warn("slow request", { ...slow }),
      serverTiming: wantsTiming,
    },
    ...(clock && { clock }),
  });
  const routes = [...routesOf(deps, tokens), ...adminRoutes({ ...deps, requests: tracked })];
  const document = openApiDocument(routes);

  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use(tracked);
  mount(app, routes, { tokens, responseCache });
  mountDocs(app, document);
  app.use(() => {
    throw notFound("Nothing is found here: see /docs.");
  });
  app.use(databaseFailures(log));
  app.use(problems());
  return {
    app,
    listener: front(app, responseCache),
    document,
    close: async () => tracked.close(),
  };
}

/** How long the database took is told to holders of a token who ask, such as a load test. */
const wantsTiming = (req: Request): boolean =>
  req.headers["x-server-timing"] === "1" && req.headers.authorization !== undefined;

function routesOf(deps: ApiDeps, tokens: ReturnType<typeof createTokens>): Route[] {
  const { storage, config } = deps;
  const parts: RouteParts = { storage, policy: cachePolicy(config.listTtlMs) };
  // Express tries routes in this order: the busiest first, fixed names before ids.
  return [
    ...RESOURCES.map((resource) => listRoute(resource, parts, config)),
    statisticsRoute(parts),
    categoryStatisticsRoute(deps),
    ...RESOURCES.flatMap((resource) => itemRoutes(resource, parts)),
    publicMetricsRoute(parts, config),
    meRoute(parts),
    loginRoute({ storage, tokens, attempts: createLoginAttempts() }),
    ...healthRoutes(deps),
  ];
}
