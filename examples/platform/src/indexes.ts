/** What the platform's requests ask for, table by table. Each index names the question it answers. */
import { type IndexSpec, sql } from "hasten/postgres";

const newestFirst = (column: string) => ({ column, direction: "desc" }) as const;

const users: readonly IndexSpec[] = [
  // log in, whatever the case
  { table: "users", columns: [{ expression: sql`lower(email)` }], unique: true },
  // the people of a team, those who work here first by name
  { table: "users", columns: ["team", "display_name"], where: sql`active` },
  { table: "users", columns: ["role"], where: sql`active` },
  { table: "users", columns: [{ column: "last_seen_at", direction: "desc", nulls: "last" }] },
];

const blueprints: readonly IndexSpec[] = [
  { table: "blueprints", columns: ["owner_id", newestFirst("updated_at")] },
  { table: "blueprints", columns: ["name", newestFirst("version")], unique: true },
  // the catalogue: published, not archived, newest first
  {
    table: "blueprints",
    columns: ["provider", newestFirst("updated_at")],
    where: sql`published and archived_at is null`,
  },
  { table: "blueprints", columns: ["tags"], method: "gin" },
  // search by words of name and description
  {
    table: "blueprints",
    columns: [{ expression: sql`to_tsvector('english', name || ' ' || description)` }],
    method: "gin",
  },
  {
    table: "blueprints",
    columns: [{ column: "template", opclass: "jsonb_path_ops" }],
    method: "gin",
  },
];

const infrastructure: readonly IndexSpec[] = [
  {
    table: "infrastructure",
    columns: ["owner_id", newestFirst("created_at")],
    where: sql`deleted_at is null`,
  },
  {
    table: "infrastructure",
    columns: ["environment", "status", newestFirst("updated_at")],
    where: sql`deleted_at is null`,
  },
  { table: "infrastructure", columns: ["blueprint_id"] },
  { table: "infrastructure", columns: ["region"], where: sql`deleted_at is null` },
  {
    table: "infrastructure",
    columns: ["owner_id", "name"],
    unique: true,
    where: sql`deleted_at is null`,
  },
  {
    table: "infrastructure",
    columns: [{ column: "labels", opclass: "jsonb_path_ops" }],
    method: "gin",
  },
];

const deployments: readonly IndexSpec[] = [
  // the history of one piece, and its last state without the table
  {
    table: "deployments",
    columns: ["infrastructure_id", newestFirst("started_at")],
    include: ["status"],
  },
  { table: "deployments", columns: ["blueprint_id", newestFirst("started_at")] },
  { table: "deployments", columns: ["started_by", newestFirst("started_at")] },
  // what runs now: few rows of many
  {
    table: "deployments",
    columns: ["status", "started_at"],
    where: sql`finished_at is null`,
  },
  {
    table: "deployments",
    columns: [newestFirst("finished_at")],
    where: sql`status = 'failed'`,
  },
  { table: "deployments", columns: ["commit_sha"], where: sql`commit_sha is not null` },
];

const resources: readonly IndexSpec[] = [
  { table: "resources", columns: ["infrastructure_id", "kind"], where: sql`deleted_at is null` },
  // the foreign key: a cascade finds its rows, deleted ones among them
  { table: "resources", columns: ["infrastructure_id"] },
  { table: "resources", columns: ["external_id"], method: "hash" },
  {
    table: "resources",
    columns: ["kind", "region", newestFirst("monthly_cost")],
    where: sql`deleted_at is null`,
  },
  {
    table: "resources",
    columns: [{ column: "properties", opclass: "jsonb_path_ops" }],
    method: "gin",
  },
];

const costs: readonly IndexSpec[] = [
  // a month's bill of one piece, by service, from the index alone
  {
    table: "cost_analysis",
    columns: ["infrastructure_id", "day", "service"],
    include: ["amount"],
  },
  { table: "cost_analysis", columns: ["service", "day"], include: ["amount"] },
  { table: "cost_analysis", columns: ["resource_id"], where: sql`resource_id is not null` },
  // days arrive in order: a range of them is found by a few pages of summaries
  { table: "cost_analysis", columns: ["day"], method: "brin" },
];

const audit: readonly IndexSpec[] = [
  { table: "audit_logs", columns: ["user_id", newestFirst("created_at")] },
  { table: "audit_logs", columns: ["entity_type", "entity_id", newestFirst("created_at")] },
  { table: "audit_logs", columns: ["action", newestFirst("created_at")] },
  { table: "audit_logs", columns: ["created_at"], method: "brin" },
  {
    table: "audit_logs",
    columns: [{ column: "detail", opclass: "jsonb_path_ops" }],
    method: "gin",
  },
];

const access: readonly IndexSpec[] = [
  { table: "sessions", columns: ["token_hash"], unique: true },
  { table: "sessions", columns: ["user_id", newestFirst("created_at")] },
  { table: "sessions", columns: ["expires_at"], where: sql`revoked_at is null` },
  { table: "api_keys", columns: ["key_hash"], unique: true, where: sql`revoked_at is null` },
  { table: "api_keys", columns: ["user_id", newestFirst("created_at")] },
  {
    table: "api_keys",
    columns: ["expires_at"],
    where: sql`revoked_at is null and expires_at is not null`,
  },
  { table: "api_keys", columns: ["scopes"], method: "gin" },
];

const notifications: readonly IndexSpec[] = [
  { table: "notifications", columns: ["user_id", newestFirst("created_at")] },
  // the badge: how many are unread
  {
    table: "notifications",
    columns: ["user_id", newestFirst("created_at")],
    where: sql`read_at is null`,
  },
  { table: "notifications", columns: ["kind", newestFirst("created_at")] },
  {
    table: "notifications",
    columns: [{ expression: sql`to_tsvector('english', title || ' ' || body)` }],
    method: "gin",
  },
];

/** Every index of the platform, in the order in which they are made. */
export const INDEXES: readonly IndexSpec[] = [
  ...users,
  ...blueprints,
  ...infrastructure,
  ...deployments,
  ...resources,
  ...costs,
  ...audit,
  ...access,
  ...notifications,
];
