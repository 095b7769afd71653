import { z } from "zod";
import { ROLES } from "../auth/tokens.ts";
import { domain, domainInput } from "../schema/domain.ts";
import { metric, metricInput, TIERS } from "../schema/metric.ts";
import { objective, objectiveInput, timeframe } from "../schema/objective.ts";
import { email, user, userInput } from "../schema/user.ts";
import {
  anyTag,
  documentColumns,
  equals,
  equalsUuid,
  isActive,
  storedColumns,
  textColumns,
} from "./columns.ts";
import type { Resource } from "./resource.ts";

export const metrics: Resource = {
  name: "metrics",
  singular: "metric",
  input: metricInput,
  output: metric,
  columns: {
    id: storedColumns.id,
    ...documentColumns(Object.keys(metricInput.shape)),
    ...textColumns(["name", "category", "tier", "owner", "business_domain"]),
    ...storedColumns,
  },
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
  columns: {
    id: storedColumns.id,
    ...documentColumns(Object.keys(domainInput.shape)),
    ...textColumns(["name", "owner_team"]),
    ...storedColumns,
  },
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
  columns: {
    id: storedColumns.id,
    ...documentColumns(Object.keys(objectiveInput.shape)),
    ...textColumns(["name", "timeframe"]),
    ...storedColumns,
  },
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
  columns: {
    id: storedColumns.id,
    ...documentColumns(Object.keys(userInput.shape).filter((name) => name !== "password")),
    ...textColumns(["email", "name", "role"]),
    ...storedColumns,
  },
  filters: { email: equals("email", email), role: equals("role", z.enum(ROLES)), active: isActive },
  sorts: ["updated_at", "created_at", "name", "email"],
  searchable: false,
  readRole: "admin",
  writeRole: "admin",
};

export const RESOURCES: readonly Resource[] = [metrics, domains, objectives, users];
