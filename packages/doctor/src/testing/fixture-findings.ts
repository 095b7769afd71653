import { type DoctorFinding, SEVERITY_RANK } from "../finding.ts";
import { fixturePlans } from "./fixture-plans.ts";

const health: readonly DoctorFinding[] = [
  {
    id: "health/sequence-exhaustion",
    severity: "critical",
    title: "Sequence public.order_items_id_seq has used 94 % of what its column can hold",
    subject: "public.order_items_id_seq",
    evidence: [
      { label: "used", value: 0.941, unit: "share" },
      { label: "left", value: 126_812_004, unit: "count" },
    ],
    why: "When it is used up every insert into order_items fails, until the column is widened.",
    fix: {
      kind: "sql",
      statements: ['ALTER TABLE "public"."order_items" ALTER COLUMN "id" TYPE bigint;'],
      note: "This rewrites the table under an exclusive lock: at this size, add a bigint column and swap.",
    },
  },
  {
    id: "health/foreign-key-without-index",
    severity: "warning",
    title: "order_items.order_id refers to orders and has no index",
    subject: "public.order_items",
    evidence: [
      { label: "rows", value: 12_004_000, unit: "rows" },
      { label: "deletes of orders", value: 4_120, unit: "count" },
    ],
    why: "Every delete of an order reads all of order_items.",
    fix: {
      kind: "sql",
      statements: [
        'CREATE INDEX CONCURRENTLY "order_items_order_id_idx" ON "public"."order_items" ("order_id");',
      ],
    },
  },
  {
    id: "health/idle-in-transaction",
    severity: "warning",
    title: "A session has been idle in a transaction for 7 minutes",
    subject: "session 41822 (shop-worker)",
    evidence: [{ label: "idle for", value: 431_000, unit: "ms" }],
    why: "Its locks stay, and vacuum can remove nothing that died since.",
    fix: {
      kind: "sql",
      statements: ["ALTER ROLE \"shop\" SET idle_in_transaction_session_timeout = '60s';"],
    },
  },
  {
    id: "health/table-bloat",
    severity: "warning",
    title: "About 38 % of public.sessions is empty space",
    subject: "public.sessions",
    evidence: [
      { label: "estimated waste", value: 1_288_490_189, unit: "bytes" },
      { label: "of the table", value: 0.38, unit: "share" },
    ],
    why: "Scans read it and the cache holds it. An estimate from statistics, within about 10 %.",
    fix: { kind: "advice", text: "pg_repack, or VACUUM FULL in a maintenance window." },
  },
  {
    id: "health/dead-rows",
    severity: "warning",
    title: "12 % of the rows of public.carts are dead",
    subject: "public.carts",
    evidence: [
      { label: "dead rows", value: 812_004, unit: "rows" },
      { label: "share", value: 0.12, unit: "share" },
    ],
    why: "Autovacuum does not keep up with the updates.",
    fix: {
      kind: "sql",
      statements: ['ALTER TABLE "public"."carts" SET (autovacuum_vacuum_scale_factor = 0.02);'],
    },
  },
  {
    id: "health/cache-hit",
    severity: "info",
    title: "96.1 % of the pages came from the cache",
    subject: "shop",
    evidence: [{ label: "hit ratio", value: 0.961, unit: "share" }],
    why: "Most of the rest is one statement that reads all of orders.",
    fix: { kind: "advice", text: "Create the first index of this report, then look again." },
  },
  {
    id: "health/statement-timeout",
    severity: "info",
    title: "Statements may run for ever",
    subject: "shop",
    evidence: [{ label: "statement_timeout", value: 0, unit: "ms" }],
    why: "One runaway report can hold the whole server.",
    fix: {
      kind: "sql",
      statements: ["ALTER ROLE \"shop\" SET statement_timeout = '30s';"],
    },
  },
  {
    id: "health/io-timing",
    severity: "info",
    title: "track_io_timing is off",
    subject: "shop",
    evidence: [],
    why: "How long reads from disk take is not known.",
    fix: {
      kind: "sql",
      statements: ["ALTER SYSTEM SET track_io_timing = on;", "SELECT pg_reload_conf();"],
    },
  },
];

export const fixtureFindings: readonly DoctorFinding[] = [
  ...health,
  ...fixturePlans.flatMap(({ findings }) => findings),
].toSorted((a, b) => SEVERITY_RANK[a.severity] - SEVERITY_RANK[b.severity]);
