/**
 * Answers that are asked for first are made before they are asked for: the list of each category
 * (fresh for 300 s) and the metrics, those changed last first (600 s). What is warmed are answers of
 * the routes themselves, by requests of this process to itself, so that a warm answer is what its
 * first reader would have got.
 */
import type { RequestListener } from "node:http";
import { type Cache, createWarmUp, type WarmTask, type WarmUp } from "hasten/cache";
import { type Queryable, sql } from "hasten/postgres";
import { createTokens, type Role } from "../api/auth/tokens.ts";
import type { Log } from "../lifecycle/log.ts";
import { ownRequests } from "./own-requests.ts";

export interface WarmingParts {
  readonly cache: Cache;
  readonly listener: RequestListener;
  readonly current: () => Queryable;
  readonly jwtSecret: string;
  readonly log: Log;
  /** 0: only at start. */
  readonly everyMs: number;
  readonly metricsMax: number;
  /** Answers are kept for each role. @default ["viewer"] */
  readonly roles?: readonly Role[] | undefined;
}

type Strategies = { readonly all: { readonly tasks: readonly WarmTask[] } };

const AT_ONCE = 4;
const CATEGORIES_MAX = 1_000;
/** Whom the tokens speak for: no user, so that nothing of one is in an answer. */
const NOBODY = { id: "00000000-0000-0000-0000-000000000000", email: "warm-up@localhost" };

/** Begins at once and goes on in the background; what fails is told and stops nothing. */
export function startWarming(parts: WarmingParts): WarmUp<Strategies> {
  const { cache, everyMs, log, roles = ["viewer"] } = parts;
  const task = (name: string, priority: number, paths: () => Promise<string[]>): WarmTask => ({
    name,
    priority,
    run: async ({ signal }) => requestAll(parts, roles, { paths: await paths(), signal }),
  });
  const warmUp = createWarmUp({
    cache,
    name: "metrics-api",
    strategies: {
      all: {
        tasks: [
          task("lists", 1, () => listPaths(parts)),
          task("metrics", 0, () => metricPaths(parts)),
        ],
      },
    },
    strategy: "all",
    everyMs,
    concurrency: 1,
  });
  const run = warmUp.start();
  void run?.report.then(({ done, failed, ms, cancelled }) => {
    if (cancelled) return;
    log.info("warmed", { done, ms: Math.round(ms) });
    for (const { task, error } of failed)
      log.warn(`not warmed: ${task}`, { reason: String(error) });
  });
  return warmUp;
}

async function requestAll(
  { listener, jwtSecret }: WarmingParts,
  roles: readonly Role[],
  { paths, signal }: { readonly paths: readonly string[]; readonly signal: AbortSignal },
): Promise<void> {
  await using requests = await ownRequests(listener);
  const tokens = createTokens({ secret: jwtSecret });
  for (const role of roles) {
    const { token } = await tokens.issue({ ...NOBODY, role });
    const waiting = [...paths];
    const take = async (): Promise<void> => {
      for (let path = waiting.shift(); path !== undefined; path = waiting.shift())
        await requests.get(path, token, signal);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, take));
  }
}

async function listPaths({ current }: WarmingParts): Promise<string[]> {
  const rows = await current().query<{ category: string }>(
    sql`select distinct category from metrics order by category limit ${CATEGORIES_MAX}`,
  );
  const each = rows.map(({ category }) => `/api/v1/metrics?${new URLSearchParams({ category })}`);
  return ["/api/v1/metrics", ...each];
}

async function metricPaths({ current, metricsMax }: WarmingParts): Promise<string[]> {
  const rows = await current().query<{ id: string }>(
    sql`select id from metrics order by updated_at desc, id desc limit ${metricsMax}`,
  );
  return rows.map(({ id }) => `/api/v1/metrics/${id}`);
}
