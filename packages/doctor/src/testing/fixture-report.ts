/** A whole report of an invented shop: what the renderers are tried on. */
import type { Report, WorkloadReport } from "../report/types.ts";
import type { WorkStatement } from "../workload/types.ts";
import { fixtureIndexes } from "./fixture-advice.ts";
import { fixtureFindings } from "./fixture-findings.ts";
import { fixturePlans } from "./fixture-plans.ts";

type Statement = Omit<WorkStatement, "planText">;

/** Id, text, calls, mean in ms, share, blocks read. */
const STATEMENTS: readonly (readonly [string, string, number, number, number, number])[] = [
  [
    "3141592653",
    "select id, total, status, created_at from orders where customer_id = $1 order by created_at desc limit $2",
    148_800,
    812.4,
    0.412,
    91_204_000,
  ],
  [
    "2718281828",
    "select p.category_id, sum(i.quantity * i.price) from order_items i join products p on p.id = i.product_id group by p.category_id",
    4_020,
    11_204.6,
    0.154,
    40_120_000,
  ],
  [
    "1414213562",
    "select name, price from products where category_id = $1 order by price limit $2",
    910_000,
    26.7,
    0.083,
    1_204_000,
  ],
  [
    "1618033988",
    "select count(*) from orders where customer_id = $1",
    41_200,
    434.1,
    0.061,
    20_110_000,
  ],
  ["6931471805", "select * from search_products($1, $2)", 88_000, 190.2, 0.057, 804_000],
  [
    "5772156649",
    "select id, at from audit.events where payload @> $1",
    5_100,
    2_704.3,
    0.047,
    12_000_000,
  ],
  [
    "2236067977",
    "update carts set items = $1, updated_at = now() where id = $2",
    2_204_000,
    4.1,
    0.031,
    91_000,
  ],
  ["1732050807", "select * from sessions where token = $1", 14_020_000, 0.4, 0.019, 4_000],
  [
    "2645751311",
    "insert into order_items (order_id, product_id, quantity, price) values ($1, $2, $3, $4)",
    3_100_000,
    1.6,
    0.017,
    61_000,
  ],
  [
    "3316624790",
    "select u.id, u.name from users u where u.id = any($1)",
    1_020_000,
    3.9,
    0.014,
    9_000,
  ],
  ["3605551275", "delete from sessions where expires_at < now()", 96, 28_100.4, 0.009, 2_100_000],
  ["4123105625", "select id, name from categories order by name", 720_000, 1.1, 0.003, 0],
];

const ROWS_PER_CALL = 12;

const statements: readonly Statement[] = STATEMENTS.map(
  ([id, text, calls, meanMs, share, blocksRead]) => ({
    id,
    text,
    calls,
    totalMs: calls * meanMs,
    meanMs,
    maxMs: undefined,
    rows: calls * ROWS_PER_CALL,
    blocksHit: blocksRead * 24 + calls * 3,
    blocksRead,
    tempBlocksWritten: id === "3141592653" ? 761_000_000 : 0,
    walBytes: text.startsWith("select") ? 0 : calls * 310,
    share,
  }),
);

const by = (measure: (statement: Statement) => number): readonly string[] =>
  statements.toSorted((a, b) => measure(b) - measure(a)).map(({ id }) => id);

const workload: WorkloadReport = {
  source: "pg_stat_statements",
  window: { kind: "delta", sinceMs: 86_400_000 },
  statements,
  shareSeen: 0.907,
  unreadable: 2,
  notes: ["318 entries were evicted in this window: pg_stat_statements.max is too small."],
  slowest: by(({ meanMs }) => meanMs),
  mostFrequent: by(({ calls }) => calls),
  mostIo: by(({ blocksRead }) => blocksRead),
  slowMs: 1000,
};

/** Name, bytes, rows, dead rows, sequential scans. */
const TABLES: readonly (readonly [string, number, number, number, number])[] = [
  ["public.orders", 4_402_341_478, 5_000_000, 91_000, 190_000],
  ["public.order_items", 3_758_096_384, 12_004_000, 14_000, 4_020],
  ["public.sessions", 3_435_973_836, 1_204_000, 61_000, 96],
  ["public.carts", 912_680_550, 5_954_000, 812_004, 12],
  ["public.products", 48_234_496, 48_000, 210, 0],
];

export const fixtureReport: Report = {
  schema: "hasten-doctor/1",
  generatedAt: "2026-11-21T19:40:12.000Z",
  durationMs: 14_320,
  target: {
    database: "shop",
    version: "17.6",
    rights: { role: "doctor", superuser: false, statistics: true, data: false },
    spent: { statements: 112, waitedMs: 894 },
  },
  score: {
    value: 31,
    word: "critical",
    deductions: [
      { points: 25, because: "one statement takes 41 % of the time", severity: "warning" },
      { points: 20, because: "a sequence is 94 % used", severity: "critical" },
      { points: 12, because: "a foreign key of 12 million rows has no index", severity: "warning" },
      { points: 8, because: "38 % of a table of 3.4 GB is empty space", severity: "warning" },
      { points: 4, because: "dead rows are not cleaned up in time", severity: "warning" },
    ],
  },
  coverage: [
    { part: "statements", share: 0.91, missing: ["2 statements of other roles are hidden"] },
    { part: "indexes", share: 0.86, missing: ["audit.events cannot be read by this role"] },
    { part: "health", share: 0.97, missing: ["no pgstattuple: bloat is an estimate"] },
    { part: "plans", share: 1, missing: [] },
  ],
  grants: ['GRANT SELECT ON "audit"."events" TO "doctor";'],
  workload,
  indexes: fixtureIndexes,
  figures: {
    cacheHitShare: 0.961,
    indexScanShare: 0.902,
    deadRowShare: 0.031,
    databaseBytes: 18_253_611_008,
    connections: { used: 61, usable: 97 },
    waiting: 2,
    deadlocks: 0,
    tables: TABLES.map(([table, bytes, rows, deadRows, sequentialScans]) => ({
      table,
      bytes,
      rows,
      deadRows,
      sequentialScans,
      sequentialRowsRead: sequentialScans * rows,
      indexScans: 1_204_000,
    })),
  },
  findings: fixtureFindings,
  plans: fixturePlans,
  notes: ["Counters of tables and indexes are 47 days old."],
};
