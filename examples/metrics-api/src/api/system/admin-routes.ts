import type { RequestsHandler } from "hasten/express";
import { z } from "zod";
import type { ApiDeps, SwitchOutcome } from "../deps.ts";
import { refused } from "../http/problem.ts";
import { JSON_TYPE, type Reply, type Route, route } from "../http/route.ts";
import { components } from "../schema/common.ts";

const mode = z.enum(["local", "postgres"]);

const storageStatus = z.object({
  mode,
  switching: z.boolean(),
  inFlightWrites: z.int(),
});
components.add(storageStatus, { id: "StorageStatus" });

const storageSwitch = z.strictObject({
  mode: mode.describe("local: the embedded server; postgres: the one of DATABASE_URL."),
});
components.add(storageSwitch, { id: "StorageSwitch" });

const storageSwitched = z.looseObject({ kind: z.enum(["switched", "unchanged"]) });
components.add(storageSwitched, { id: "StorageSwitched" });

const NO_STORE = { "Cache-Control": "no-store" };

type AdminDeps = Pick<ApiDeps, "storage" | "cache" | "responseCache"> & {
  readonly requests: RequestsHandler;
};

/** What only an administrator may see and do. */
export function adminRoutes(deps: AdminDeps): Route[] {
  const { storage, cache, responseCache, requests } = deps;
  const common = { tag: "admin", access: "admin" } as const;
  return [
    route({
      ...common,
      method: "get",
      path: "/api/v1/admin/storage",
      summary: "Which database is in use",
      replies: { 200: { description: "The storage.", schema: storageStatus } },
      handle: () => ({ headers: NO_STORE, body: storage.status() }),
    }),
    route({
      ...common,
      method: "post",
      path: "/api/v1/admin/storage",
      summary: "Copy everything to the other database and go on there",
      body: { schema: storageSwitch, types: [JSON_TYPE] },
      replies: {
        200: { description: "Switched, or already there.", schema: storageSwitched },
        409: { description: "Refused: the reason is in the problem." },
      },
      handle: async ({ body }) => switched(await storage.switchTo(body.mode)),
    }),
    route({
      ...common,
      method: "get",
      path: "/api/v1/admin/cache",
      summary: "How the cache is doing in this process, and what is promised of its answers",
      replies: { 200: { description: "Counts since the start.", schema: z.looseObject({}) } },
      handle: () => ({
        headers: NO_STORE,
        body: {
          cache: cache.stats(),
          responses: responseCache.stats(),
          coherence: storage.coherence(),
          redis: cache.shared?.status(),
        },
      }),
    }),
    route({
      ...common,
      method: "get",
      path: "/api/v1/admin/requests",
      summary: "What requests have cost in this process, by route, and the latest slow ones",
      replies: { 200: { description: "Costs since the start.", schema: z.looseObject({}) } },
      handle: () => ({ headers: NO_STORE, body: requests.snapshot() }),
    }),
  ];
}

function switched(outcome: SwitchOutcome): Reply {
  if (outcome.kind === "refused") throw refused(outcome.status, outcome.reason, outcome.detail);
  return { headers: NO_STORE, body: outcome };
}
