import { z } from "zod";
import { attributes, components, stored, tags, text } from "./common.ts";

export const TIERS = ["tier1", "tier2", "tier3"] as const;

/** What a client writes. */
export const metricInput = z.strictObject({
  name: text(200),
  description: z.string().max(4_000),
  category: text(100),
  tier: z.enum(TIERS),
  owner: text(200),
  business_domain: text(100),
  tags: tags.default([]),
  formula: z.string().max(4_000).nullable().default(null),
  unit: z.string().max(50).nullable().default(null),
  target: z.number().nullable().default(null),
  attributes: attributes.default({}),
});
components.add(metricInput, { id: "MetricInput" });

export const metric = z.object({ ...metricInput.shape, ...stored });
components.add(metric, { id: "Metric" });

export const metricStatistics = z.object({
  total: z.int(),
  categories: z.int().describe("Distinct categories."),
  owners: z.int().describe("Distinct owners."),
  business_domains: z.int().describe("Distinct business domains."),
  by_category: z.record(z.string(), z.int()).describe("Number of metrics in each category."),
});
components.add(metricStatistics, { id: "MetricStatistics" });

export const categoryStatistics = z.object({
  category: z.string(),
  total: z.int(),
  owners: z.int().describe("Distinct owners."),
  business_domains: z.int().describe("Distinct business domains."),
  by_tier: z.record(z.string(), z.int()).describe("Number of metrics in each tier."),
});
components.add(categoryStatistics, { id: "CategoryStatistics" });
