import type { Candidate } from "../candidates/types.ts";
import type { Advice, AdviceResult, CreateAdvice } from "../choose/types.ts";

const ORDERS = 16_401;
const PRODUCTS = 16_410;
const EVENTS = 16_420;

function candidate(
  relation: number,
  method: Candidate["method"],
  keys: readonly string[],
): Candidate {
  return {
    id: `${relation} ${method} ${keys.join(",")}`,
    relation,
    method,
    keys: keys.map((key) => ({
      column: key,
      sql: `"${key}"`,
      descending: key === "created_at",
      nullsFirst: key === "created_at",
      opclass: method === "gin" ? "jsonb_path_ops" : undefined,
    })),
    include: [],
    predicate: undefined,
    reasons: ["equality", "order"],
    statements: ["3141592653"],
    extension: undefined,
  };
}

const create: CreateAdvice = {
  kind: "create",
  id: "create/public.orders/customer_id,created_at",
  table: "public.orders",
  columns: ["customer_id", "created_at"],
  type: "btree",
  reason: "Finds a customer's orders and gives them newest first, so that nothing is sorted.",
  ddl: [
    'CREATE INDEX CONCURRENTLY "orders_customer_id_created_at_idx" ON "public"."orders" USING btree ("customer_id", "created_at" DESC);',
  ],
  rollback: ['DROP INDEX CONCURRENTLY "public"."orders_customer_id_created_at_idx";'],
  cleanup: ['DROP INDEX CONCURRENTLY IF EXISTS "public"."orders_customer_id_created_at_idx";'],
  badge: "model",
  unverifiedBecause: undefined,
  caveats: [],
  candidate: candidate(ORDERS, "btree", ["customer_id", "created_at"]),
  replaces: [],
  statements: [
    {
      id: "3141592653",
      share: 0.412,
      calls: 148_800,
      meanMs: 812.4,
      costBefore: 12_747.31,
      costAfter: 84.2,
      untrusted: undefined,
    },
    {
      id: "1618033988",
      share: 0.061,
      calls: 41_200,
      meanMs: 434.1,
      costBefore: 12_731.2,
      costAfter: 61.9,
      untrusted: undefined,
    },
  ],
  savedShare: 0.468,
  impact: "high",
  sizeBytes: 42_991_616,
  buildMs: 6_200,
  writeShare: 0.031,
  losesHot: false,
};

const replace: CreateAdvice = {
  ...create,
  kind: "replace",
  id: "replace/public.products/category_id,price",
  table: "public.products",
  columns: ["category_id", "price"],
  type: "covering btree",
  reason:
    "Answers the category page from the index alone; products_category_id_idx is its beginning and goes.",
  ddl: [
    'CREATE INDEX CONCURRENTLY "products_category_id_price_idx" ON "public"."products" USING btree ("category_id", "price") INCLUDE ("name");',
    'DROP INDEX CONCURRENTLY "public"."products_category_id_idx";',
  ],
  rollback: [
    "CREATE INDEX CONCURRENTLY products_category_id_idx ON public.products USING btree (category_id);",
    'DROP INDEX CONCURRENTLY "public"."products_category_id_price_idx";',
  ],
  cleanup: ['DROP INDEX CONCURRENTLY IF EXISTS "public"."products_category_id_price_idx";'],
  candidate: candidate(PRODUCTS, "btree", ["category_id", "price"]),
  replaces: ["products_category_id_idx"],
  statements: [
    {
      id: "1414213562",
      share: 0.083,
      calls: 910_000,
      meanMs: 26.7,
      costBefore: 1_904.4,
      costAfter: 212.8,
      untrusted: undefined,
    },
  ],
  savedShare: 0.074,
  impact: "medium",
  sizeBytes: 3_407_872,
  buildMs: 340,
  writeShare: 0.004,
  losesHot: true,
  caveats: ["Updates of price are HOT now (61 %) and would touch this index afterwards."],
};

const unverified: CreateAdvice = {
  ...create,
  id: "create/audit.events/payload",
  table: "audit.events",
  columns: ["payload"],
  type: "gin",
  reason: "Finds events by what their payload contains.",
  ddl: [
    'CREATE INDEX CONCURRENTLY "events_payload_idx" ON "audit"."events" USING gin ("payload" jsonb_path_ops);',
  ],
  rollback: ['DROP INDEX CONCURRENTLY "audit"."events_payload_idx";'],
  cleanup: ['DROP INDEX CONCURRENTLY IF EXISTS "audit"."events_payload_idx";'],
  badge: "unverified",
  unverifiedBecause: "this role may not read audit.events, so its statistics are not known",
  candidate: candidate(EVENTS, "gin", ["payload"]),
  statements: [
    {
      id: "5772156649",
      share: 0.047,
      calls: 5_100,
      meanMs: 2_704.3,
      costBefore: 0,
      costAfter: 0,
      untrusted: "no statistics",
    },
  ],
  savedShare: 0,
  impact: "low",
  sizeBytes: 120_586_240,
  buildMs: 41_000,
  writeShare: 0.12,
};

const drop: Advice = {
  kind: "drop",
  id: "drop/public.sessions_token_old_idx",
  table: "public.sessions",
  columns: ["token"],
  type: "btree",
  reason: "Nothing has read it for 47 days, and every write keeps it up to date.",
  ddl: ['DROP INDEX CONCURRENTLY "public"."sessions_token_old_idx";'],
  rollback: [
    "CREATE INDEX CONCURRENTLY sessions_token_old_idx ON public.sessions USING btree (token);",
  ],
  cleanup: [],
  badge: "model",
  unverifiedBecause: undefined,
  caveats: ["A replica may read it: look there before dropping it."],
  index: "public.sessions_token_old_idx",
  because: "unused",
  evidence: ["0 scans", "counters are 47 days old", "not unique, backs no constraint"],
  freedBytes: 325_058_560,
};

export const fixtureIndexes: AdviceResult = {
  advice: [create, replace, unverified, drop],
  considered: { statements: 11, candidates: 214, plans: 1_862 },
  uncovered: [{ id: "6931471805", because: "it calls a function that the model does not have" }],
  calibration: { compared: 10, within10Percent: 9 },
  notes: ["The target would run one of these statements in parallel; costs are compared without."],
};
