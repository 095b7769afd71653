/** The demo's rows, each a pure function of its number. */
import { type Random, randomFor } from "./random.ts";

export interface SeedRow {
  readonly id: string;
  readonly document: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export const DOMAINS = 200;
export const OBJECTIVES = 2_000;
export const USERS = 50;
export const DEMO_PASSWORD = "hasten-demo";
export const DEMO_ROLES = ["viewer", "editor", "admin"] as const;

/** Everything happened before this moment, whenever the seed runs. */
const NOW_MS = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const HISTORY_DAYS = 700;

const AREAS = [
  "Sales",
  "Marketing",
  "Finance",
  "Logistics",
  "Support",
  "Product",
  "Platform",
  "Security",
  "People",
  "Legal",
  "Retail",
  "Payments",
  "Risk",
  "Growth",
  "Research",
  "Operations",
  "Procurement",
  "Quality",
  "Data",
  "Mobility",
] as const;
const REGIONS = [
  "Global",
  "Europe",
  "Americas",
  "Asia",
  "Africa",
  "Nordics",
  "Iberia",
  "Alps",
  "Pacific",
  "Online",
] as const;
const CATEGORIES = [
  "revenue",
  "cost",
  "latency",
  "availability",
  "quality",
  "growth",
  "retention",
  "satisfaction",
  "throughput",
  "compliance",
  "energy",
  "headcount",
] as const;
const TIERS = ["tier1", "tier2", "tier3"] as const;
const SUBJECTS = [
  "order",
  "invoice",
  "checkout",
  "session",
  "shipment",
  "ticket",
  "subscription",
  "refund",
  "delivery",
  "campaign",
  "login",
  "payment",
  "forecast",
  "inventory",
  "contract",
  "incident",
] as const;
const MEASURES = [
  "count",
  "rate",
  "ratio",
  "median time",
  "95th percentile time",
  "total value",
  "error share",
  "backlog",
  "conversion",
  "churn",
] as const;
const TAGS = [
  "daily",
  "weekly",
  "monthly",
  "board",
  "public",
  "internal",
  "audited",
  "experimental",
  "automated",
  "manual",
  "sla",
  "okr",
  "finance",
  "customer",
  "supplier",
  "realtime",
] as const;
const UNITS = ["EUR", "%", "ms", "items", "hours", null] as const;
const SENTENCES = [
  "Counted once a day after the nightly close.",
  "Taken from the ledger, corrected entries included.",
  "Owners review it in the first week of each quarter.",
  "Late events are added for up to three days.",
  "Test accounts and internal traffic are left out.",
  "A change of more than five percent is explained in the report.",
  "Comparable with earlier years since the method was fixed.",
  "Measured at the edge, before retries.",
] as const;

export const domainName = (row: number): string =>
  `${AREAS[row % AREAS.length]} ${REGIONS[Math.floor(row / AREAS.length) % REGIONS.length]}`;

export function domainRow(row: number): SeedRow {
  const random = randomFor("domain", row);
  const name = domainName(row);
  const id = random.uuid();
  return dated(random, id, {
    name,
    description: `Everything ${name} measures and answers for. ${random.pick(SENTENCES)}`,
    owner_team: `${AREAS[row % AREAS.length]!.toLowerCase()}-team-${1 + random.below(4)}`,
    contact_email: `${name.toLowerCase().replace(" ", ".")}@example.com`,
    attributes: {},
  });
}

export function metricRow(row: number): SeedRow {
  const random = randomFor("metric", row);
  const id = random.uuid();
  const subject = random.pick(SUBJECTS);
  const measure = random.pick(MEASURES);
  const first = random.below(SENTENCES.length);
  return dated(random, id, {
    name: `${capital(subject)} ${measure} ${row + 1}`,
    description: `The ${measure} of each ${subject} in the period. ${SENTENCES[first]} ${SENTENCES[(first + 1 + random.below(7)) % SENTENCES.length]}`,
    category: random.pick(CATEGORIES),
    tier: random.pick(TIERS),
    owner: `owner-${random.below(300)}@example.com`,
    business_domain: domainName(random.below(DOMAINS)),
    tags: distinct(random, 1 + random.below(4)),
    formula: `sum(${subject}_value) / nullif(count(${subject}_id), 0)`,
    unit: random.pick(UNITS),
    target: random.below(4) === 0 ? null : random.below(10_000) / 100,
    attributes: { source: `warehouse.${subject}s`, refresh_minutes: 5 * (1 + random.below(48)) },
  });
}

export function objectiveRow(row: number): SeedRow {
  const random = randomFor("objective", row);
  const id = random.uuid();
  const domain = random.below(DOMAINS);
  const subject = random.pick(SUBJECTS);
  const year = 2024 + random.below(3);
  return dated(random, id, {
    name: `Better ${subject} ${random.pick(MEASURES)} ${row + 1}`,
    description: `${domainName(domain)} improves every ${subject}. ${random.pick(SENTENCES)}`,
    domain_id: domainRow(domain).id,
    timeframe: random.below(5) === 0 ? `${year}` : `${year}-Q${1 + random.below(4)}`,
    target: random.below(100),
    status: random.pick(["draft", "active", "done"]),
    metric_ids: [],
    attributes: {},
  });
}

/** The first three can log in; the others are there to be listed. All belong to the demo. */
export function userRow(row: number): SeedRow {
  const random = randomFor("user", row);
  const id = random.uuid();
  const login = DEMO_ROLES[row];
  const role = login ?? random.pick(["viewer", "viewer", "viewer", "editor"]);
  return dated(random, id, {
    email: login === undefined ? `person-${row}@example.com` : `${login}@example.com`,
    name: login === undefined ? `Person ${row}` : `Demo ${login}`,
    role,
    active: login !== undefined || random.below(10) > 0,
    team: random.pick(AREAS),
  });
}

function dated(random: Random, id: string, document: SeedRow["document"]): SeedRow {
  const ageMs = random.below(HISTORY_DAYS * DAY_MS);
  const createdMs = NOW_MS - ageMs;
  const updatedMs = createdMs + random.below(ageMs);
  return {
    id,
    document,
    createdAt: timestamp(createdMs, random),
    updatedAt: timestamp(updatedMs, random),
  };
}

/** To the microsecond, as the server keeps it. */
const timestamp = (atMs: number, random: Random): string =>
  new Date(atMs).toISOString().replace("Z", `${String(random.below(1_000)).padStart(3, "0")}Z`);

function distinct(random: Random, count: number): readonly string[] {
  const tags = new Set<string>();
  while (tags.size < count) tags.add(random.pick(TAGS));
  return [...tags];
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
