import { sql } from "hasten/postgres";
import { z } from "zod";
import type { ApiDeps } from "../deps.ts";
import { type Route, route } from "../http/route.ts";
import { components } from "../schema/common.ts";

const READY_WITHIN_MS = 2_000;
const NO_STORE = { "Cache-Control": "no-store" };

const health = z.object({
  status: z.enum(["ok", "unavailable"]),
  database: z.enum(["ok", "unavailable"]).optional(),
  draining: z.boolean().optional(),
  coherence: z
    .object({
      state: z
        .string()
        .describe("live: the promise is kept. Otherwise nothing is served as fresh."),
      promise: z.enum(["stream", "triggers", "own-writes", "ttl"]),
      bound_ms: z.number().describe("A change by anyone is seen within this."),
      confirmed_ago_ms: z.number().nullable().describe("Since the latest proof of it."),
    })
    .optional()
    .describe("How cached answers follow the database."),
  redis: z
    .object({
      state: z.string().describe("ready: shared by the processes. Otherwise each caches alone."),
      queued: z.int().describe("Invalidations that wait to be told."),
    })
    .optional()
    .describe("The cache's second tier, where REDIS_URL or REDIS_HOST is set."),
});
components.add(health, { id: "Health" });

type HealthDeps = Pick<ApiDeps, "storage" | "cache" | "isDraining">;

/** Whether the process lives, and whether it should be sent requests. */
export function healthRoutes({ storage, cache, isDraining }: HealthDeps): Route[] {
  const common = { method: "get", tag: "system", access: "public" } as const;
  return [
    route({
      ...common,
      path: "/healthz",
      summary: "Is the process alive",
      replies: { 200: { description: "It is.", schema: health } },
      handle: () => ({ headers: NO_STORE, body: { status: "ok" } }),
    }),
    route({
      ...common,
      path: "/readyz",
      summary: "Can the process answer everything",
      replies: {
        200: { description: "It can.", schema: health },
        503: { description: "It is stopping, or its database is away.", schema: health },
      },
      async handle() {
        const draining = isDraining?.() ?? false;
        const database = (await answers(storage)) ? "ok" : "unavailable";
        const ready = database === "ok" && !draining;
        const body = {
          status: ready ? "ok" : "unavailable",
          database,
          draining,
          coherence: coherenceOf(storage),
          redis: redisOf(cache),
        };
        return { status: ready ? 200 : 503, headers: NO_STORE, body };
      },
    }),
  ];
}

/** Shown, and no reason to send requests elsewhere: without it answers come from the database. */
function coherenceOf(storage: HealthDeps["storage"]): z.output<typeof health>["coherence"] {
  const { state, promise, boundMs, confirmedAgoMs } = storage.coherence();
  const agoMs = confirmedAgoMs === undefined ? null : Math.round(confirmedAgoMs);
  return { state, promise, bound_ms: boundMs, confirmed_ago_ms: agoMs };
}

/** Likewise: without it each process goes on alone. */
function redisOf({ shared }: HealthDeps["cache"]): z.output<typeof health>["redis"] {
  if (shared === undefined) return undefined;
  const { state, queued } = shared.status();
  return { state, queued };
}

async function answers(storage: HealthDeps["storage"]): Promise<boolean> {
  try {
    await storage.current().execute(sql`select 1`, { timeoutMs: READY_WITHIN_MS });
    return true;
  } catch {
    return false;
  }
}
