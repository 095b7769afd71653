/** Hand-made plans for the tests of what renders them. */
import type { RawPlan } from "../model/types.ts";
import type { NodeActual, Plan, PlanNode, PlanReport } from "../plans/types.ts";

interface Sketch {
  readonly type: string;
  readonly relation?: string;
  readonly indexName?: string;
  readonly cost: number;
  readonly rows: number;
  readonly actual?: { readonly rows: number; readonly ms: number; readonly loops?: number };
  readonly raw?: Readonly<Record<string, unknown>>;
  readonly children?: readonly Sketch[];
}

const WIDTH = 48;
const MS_PER_BLOCK = 0.02;

export function sketchPlan(sketch: Sketch, executionMs: number | undefined): Plan {
  const nodes: PlanNode[] = [];
  const grow = (at: Sketch, parent: PlanNode | undefined, path: string): PlanNode => {
    const below = at.children ?? [];
    const node: PlanNode & { children: PlanNode[] } = {
      index: nodes.length,
      path,
      depth: parent === undefined ? 0 : parent.depth + 1,
      parent,
      children: [],
      type: at.type,
      relationship: parent === undefined ? undefined : "Outer",
      relation: at.relation,
      schema: at.relation === undefined ? undefined : "public",
      alias: at.relation,
      indexName: at.indexName,
      cost: { startup: 0, total: at.cost, own: at.cost - sum(below.map(({ cost }) => cost)) },
      planRows: at.rows,
      width: WIDTH,
      actual: at.actual === undefined ? undefined : actualOf(at, executionMs ?? 1),
      raw: rawOf(at),
    };
    nodes.push(node);
    node.children.push(...below.map((child, i) => grow(child, node, `${path}.${i}`)));
    return node;
  };
  const root = grow(sketch, undefined, "0");
  const planningMs = executionMs === undefined ? undefined : 0.41;
  const analyzed = executionMs !== undefined;
  return {
    root,
    nodes,
    analyzed,
    planningMs,
    executionMs,
    jitMs: undefined,
    triggers: [],
    settings: { random_page_cost: "1.1" },
  };
}

function rawOf(at: Sketch): RawPlan {
  return {
    "Node Type": at.type,
    ...(at.relation === undefined ? {} : { "Relation Name": at.relation }),
    ...(at.indexName === undefined ? {} : { "Index Name": at.indexName }),
    "Total Cost": at.cost,
    "Plan Rows": at.rows,
    ...at.raw,
    ...(at.children === undefined ? {} : { Plans: at.children.map(rawOf) }),
  };
}

function actualOf(at: Sketch, executionMs: number): NodeActual {
  const totalMs = at.actual?.ms ?? 0;
  const ownMs = totalMs - sum((at.children ?? []).map(({ actual }) => actual?.ms ?? 0));
  const read = Math.round(ownMs / MS_PER_BLOCK);
  return {
    loops: at.actual?.loops ?? 1,
    rowsTotal: at.actual?.rows ?? 0,
    totalMs,
    ownMs,
    share: ownMs / executionMs,
    blocks: { hit: read * 4, read, tempRead: 0, tempWritten: at.type === "Sort" ? 5120 : 0 },
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

const customerOrders: Plan = sketchPlan(
  {
    type: "Limit",
    cost: 12_747.31,
    rows: 20,
    actual: { rows: 20, ms: 812.4 },
    children: [
      {
        type: "Sort",
        cost: 12_747.2,
        rows: 310,
        actual: { rows: 20, ms: 812.3 },
        raw: { "Sort Key": ["created_at DESC"], "Sort Method": "external merge" },
        children: [
          {
            type: "Seq Scan",
            relation: "orders",
            cost: 12_730,
            rows: 310,
            actual: { rows: 284, ms: 640.2 },
            raw: { Filter: "(customer_id = $1)", "Rows Removed by Filter": 4_999_716 },
          },
        ],
      },
    ],
  },
  812.6,
);

const report: Plan = sketchPlan(
  {
    type: "Aggregate",
    cost: 98_120.5,
    rows: 24,
    children: [
      {
        type: "Hash Join",
        cost: 91_004.1,
        rows: 1_200_400,
        raw: { "Hash Cond": "(order_items.product_id = products.id)" },
        children: [
          { type: "Seq Scan", relation: "order_items", cost: 71_200, rows: 1_200_400 },
          {
            type: "Hash",
            cost: 2_104,
            rows: 48_000,
            children: [
              {
                type: "Index Only Scan",
                relation: "products",
                indexName: "products_pkey",
                cost: 2_104,
                rows: 48_000,
              },
            ],
          },
        ],
      },
    ],
  },
  undefined,
);

export const fixturePlans: readonly PlanReport[] = [
  {
    id: "3141592653",
    plan: customerOrders,
    findings: [
      {
        id: "plan/disk-sort",
        severity: "warning",
        title: "A sort of 284 rows spills 40 MB to disk",
        subject: "orders",
        evidence: [
          { label: "written to disk", value: 41_943_040, unit: "bytes" },
          { label: "of the plan's time", value: 0.21, unit: "share" },
        ],
        why: "Sorting on disk is several times slower than in memory, and every caller pays for it.",
        fix: {
          kind: "advice",
          text: "An index that gives the order makes the sort unneeded; otherwise raise work_mem for this statement.",
        },
        node: 1,
        share: 0.21,
      },
      {
        id: "plan/seq-scan-selective-filter",
        severity: "critical",
        title: "5,000,000 rows of orders are read to keep 284",
        subject: "orders",
        evidence: [
          { label: "rows removed by the filter", value: 4_999_716, unit: "rows" },
          { label: "of the plan's time", value: 0.79, unit: "share" },
        ],
        why: "The time grows with the table, not with the answer.",
        fix: {
          kind: "sql",
          statements: [
            'CREATE INDEX CONCURRENTLY "orders_customer_id_idx" ON "public"."orders" ("customer_id");',
          ],
        },
        node: 2,
        share: 0.79,
      },
    ],
  },
  { id: "2718281828", plan: report, findings: [] },
];
