/** What a category's metrics amount to: calculated once for all who ask, until one of its rows changes. */
import { type Cache, cachedCalculation } from "hasten/cache";
import { sql } from "hasten/postgres";
import type { z } from "zod";
import type { ApiStorage } from "../deps.ts";
import { type Route, route } from "../http/route.ts";
import { categoryStatistics } from "../schema/metric.ts";
import { READ } from "./read-options.ts";

type Statistics = z.output<typeof categoryStatistics>;

interface Parts {
  readonly storage: ApiStorage;
  readonly cache: Cache;
}

const TTL_MS = 600_000;

export function categoryStatisticsRoute({ storage, cache }: Parts): Route {
  // Which rows it was made from is not said: the cache sees what the statement reads.
  const calculated = cachedCalculation<{ readonly category: string }, Statistics>(cache, {
    name: "category-statistics",
    ttlMs: TTL_MS,
    calculate: ({ category }) => calculate(storage, category),
  });
  return route({
    method: "get",
    path: "/api/v1/metrics/stats/{category}",
    summary: "Count a category's metrics by owner, domain and tier",
    tag: "metrics",
    access: "viewer",
    replies: {
      200: { description: "Counts; zeros where there are none.", schema: categoryStatistics },
    },
    async handle({ params }) {
      return { body: await calculated({ category: params["category"] ?? "" }) };
    },
  });
}

async function calculate(storage: ApiStorage, category: string): Promise<Statistics> {
  const rows = await storage
    .current()
    .query<{ owner: string; domain: string; tier: string }>(
      sql`select owner, business_domain as domain, tier from metrics where category = ${category}`,
      READ,
    );
  const byTier: Record<string, number> = {};
  for (const { tier } of rows) byTier[tier] = (byTier[tier] ?? 0) + 1;
  return {
    category,
    total: rows.length,
    owners: new Set(rows.map(({ owner }) => owner)).size,
    business_domains: new Set(rows.map(({ domain }) => domain)).size,
    by_tier: byTier,
  };
}
