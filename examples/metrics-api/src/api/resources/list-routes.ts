import { sql, trustedSql } from "hasten/postgres";
import { z } from "zod";
import type { ApiConfig } from "../deps.ts";
import { type Route, route } from "../http/route.ts";
import { components, cursorPagination, offsetPagination } from "../schema/common.ts";
import { metricStatistics } from "../schema/metric.ts";
import { metrics } from "./definitions.ts";
import type { RouteParts } from "./item-routes.ts";
import { locationOf } from "./links.ts";
import { list } from "./list.ts";
import { listQuery } from "./list-query.ts";
import { listSpecs } from "./list-specs.ts";
import { READ } from "./read-options.ts";
import type { Resource } from "./resource.ts";

/** The list of a resource for those who may read it. */
export function listRoute(resource: Resource, parts: RouteParts, config: ApiConfig): Route {
  const specs = listSpecs(resource, config);
  return route({
    method: "get",
    path: `/api/v1/${resource.name}`,
    summary: `List ${resource.name}`,
    tag: resource.name,
    access: resource.readRole,
    query: listQuery(resource),
    replies: { 200: { description: "A page.", schema: pageSchema(resource) } },
    cache: parts.policy.list(resource),
    handle: ({ query, req }) =>
      list({ resource, specs, query, location: locationOf(req), db: parts.storage.current() }),
  });
}

/** The metrics everyone may see, without a token: answered in front of Express when cached. */
export function publicMetricsRoute(parts: RouteParts, config: ApiConfig): Route {
  const specs = listSpecs(metrics, config);
  return route({
    method: "get",
    path: "/api/v1/public/metrics",
    summary: "List metrics, without a token",
    tag: "metrics",
    access: "public",
    query: listQuery(metrics),
    replies: { 200: { description: "A page.", schema: pageSchema(metrics) } },
    cache: parts.policy.everyone(metrics),
    handle: ({ query, req }) =>
      list({
        resource: metrics,
        specs,
        query,
        location: locationOf(req),
        db: parts.storage.current(),
      }),
  });
}

/** The distinct values of a column, one look into its index for each. Their names are ours. */
const distinct = (name: string, column: string) => sql`
  ${trustedSql(name)} (value) as (
    select min(${trustedSql(column)}) from metrics
    union all
    select (select min(${trustedSql(column)}) from metrics where ${trustedSql(column)} > ${trustedSql(name)}.value)
    from ${trustedSql(name)} where ${trustedSql(name)}.value is not null
  )`;

/** Owners and domains are few beside the metrics, so they are looked up; only categories are counted row by row. */
export const STATISTICS = sql`
  with recursive ${distinct("owned", "owner")}, ${distinct("domained", "business_domain")},
  counted as (
    select category, count(*)::float8 as metrics from metrics group by category
  ), shown as (
    select category, metrics from counted order by category limit 1000
  )
  select
    coalesce(sum(metrics), 0) as total,
    count(*)::float8 as categories,
    (select count(value)::float8 from owned) as owners,
    (select count(value)::float8 from domained) as business_domains,
    coalesce((select json_object_agg(category, metrics) from shown), '{}') as by_category
  from counted`;

/** Counts over all metrics, in one statement that reads indexes only. */
export function statisticsRoute({ storage, policy }: RouteParts): Route {
  return route({
    method: "get",
    path: "/api/v1/metrics/stats",
    summary: "Count metrics by category, owner and domain",
    tag: "metrics",
    access: "viewer",
    query: z.strictObject({}),
    replies: { 200: { description: "Counts.", schema: metricStatistics } },
    cache: policy.list(metrics),
    async handle() {
      return { body: await storage.current().queryOne(STATISTICS, READ) };
    },
  });
}

const pages = new Map<Resource, z.ZodType>();

/** What a list answers; named once per resource for the documentation. */
function pageSchema(resource: Resource): z.ZodType {
  const known = pages.get(resource);
  if (known !== undefined) return known;
  const page = z.object({
    data: z.array(resource.output).describe("With `fields`, only those members."),
    pagination: z.union([offsetPagination, cursorPagination]),
  });
  const singular = resource.singular;
  components.add(page, { id: `${singular[0]!.toUpperCase()}${singular.slice(1)}Page` });
  pages.set(resource, page);
  return page;
}
