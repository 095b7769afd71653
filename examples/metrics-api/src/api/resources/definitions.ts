import { z } from "zod";
import { ROLES } from "../auth/tokens.ts";
import { domain, domainInput } from "../schema/domain.ts";
import { metric, metricInput, TIERS } from "../schema/metric.ts";
import { objective, objectiveInput, timeframe } from "../schema/objective.ts";
import { email, user, userInput } from "../schema/user.ts";
import { anyTag, columnsOf, equals, equalsUuid, isActive } from "./columns.ts";
import type { Resource } from "./resource.ts";

export const metrics: Resource = {
  name: "metrics",
  singular: "metric",
  input: metricInput,
  output: metric,
  columns: columnsOf(Object.keys(metricInput.shape), [
    "name",
    "category",
    "tier",
    "owner",
    "business_domain",
  ]),
  filters: {
    category: equals("category"),
    tier: equals("tier", z.enum(TIERS)),
    owner: equals("owner"),
    business_domain: equals("business_domain"),
    tags: anyTag,
  },
  sorts: ["updated_at", "created_at", "name"],
  searchable: true,
  readRole: "viewer",
  writeRole: "editor",
};

export const domains: Resource = {
  name: "domains",
  singular: "domain",
  input: domainInput,
  output: domain,
  columns: columnsOf(Object.keys(domainInput.shape), ["name", "owner_team"]),
  filters: { name: equals("name"), owner_team: equals("owner_team") },
  sorts: ["updated_at", "created_at", "name"],
  searchable: false,
  readRole: "viewer",
  writeRole: "editor",
};

export const objectives: Resource = {
  name: "objectives",
  singular: "objective",
  input: objectiveInput,
  output: objective,
  columns: columnsOf(Object.keys(objectiveInput.shape), ["name", "timeframe"]),
  filters: { domain_id: equalsUuid("domain_id"), timeframe: equals("timeframe", timeframe) },
  sorts: ["updated_at", "created_at", "name"],
  searchable: false,
  readRole: "viewer",
  writeRole: "editor",
};

export const users: Resource = {
  name: "users",
  singular: "user",
  input: userInput,
  output: user,
  columns: columnsOf(
    Object.keys(userInput.shape).filter((name) => name !== "password"),
    ["email", "name", "role"],
  ),
  filters: { email: equals("email", email), role: equals("role", z.enum(ROLES)), active: isActive },
  sorts: ["updated_at", "created_at", "name", "email"],
  searchable: false,
  readRole: "admin",
  writeRole: "admin",
};

export const RESOURCES: readonly Resource[] = [metrics, domains, objectives, users];
