import { conditionOf, listOf, tableOf, totalOf } from "../fields.ts";
import type { Plan, PlanNode, PlanRule, RuleHit } from "../types.ts";

const BYTES_MIN = 10 * 1024 * 1024;
const COUNTED_MIN = 10_000;
/** What may stand between a count and the scan whose rows it counts. */
const PASSING: ReadonlySet<string> = new Set(["Gather", "Gather Merge", "Append", "Aggregate"]);
const SCANS: ReadonlySet<string> = new Set(["Seq Scan", "Index Only Scan", "Index Scan"]);
const CONDITIONS = ["Filter", "Index Cond", "Recheck Cond"] as const;

export const overFetch: PlanRule = {
  id: "plan/over-fetch",
  number: 33,
  needs: "analyzed",
  find: largeResult,
};

export const wholeTableCount: PlanRule = {
  id: "plan/whole-table-count",
  number: 34,
  needs: "analyzed",
  find: counts,
};

function largeResult(plan: Plan): readonly RuleHit[] {
  const { root } = plan;
  const rows = root.actual?.rowsTotal ?? 0;
  const bytes = rows * root.width;
  if (bytes <= BYTES_MIN) return [];
  return [
    {
      node: root.index,
      severity: "warning",
      scope: "subtree",
      title: "The statement returns more than an application reads at once",
      evidence: [
        { label: "rows returned", value: rows, unit: "rows" },
        { label: "about", value: bytes, unit: "bytes" },
        { label: "of which a row", value: root.width, unit: "bytes" },
      ],
      why: "All of it is sent, parsed and held in memory by whoever asked, which this plan's times do not show.",
      fix: {
        kind: "advice",
        text: "Name the columns that are used instead of *, page by key, aggregate in the database, or stream it with a cursor.",
      },
    },
  ];
}

function counts(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    if (!isCount(node) || isCount(node.parent)) return [];
    const scans = countedBy(node);
    const rows = scans?.reduce((total, scan) => total + (scan.actual?.rowsTotal ?? 0), 0) ?? 0;
    const scan = scans?.[0];
    if (scan === undefined || rows <= COUNTED_MIN) return [];
    return [
      {
        node: node.index,
        severity: "warning",
        scope: "subtree",
        title: `All rows of ${tableOf(scan)} are counted`,
        evidence: [{ label: "rows counted", value: rows, unit: "rows" }],
        why: "PostgreSQL keeps no exact row count: each count reads the whole table or an index of it, and takes longer as it grows.",
        fix: {
          kind: "advice",
          text: "Show the planner's estimate (reltuples of pg_class), cache the count for a while, keep a counter, or only ask whether there is a next page.",
        },
      },
    ];
  });
}

/** A count of rows without groups; what is aggregated is told with VERBOSE only. */
function isCount(node: PlanNode | undefined): boolean {
  if (node === undefined) return false;
  if (PASSING.has(node.type) && node.type !== "Aggregate") return isCount(node.parent);
  return (
    node.type === "Aggregate" &&
    node.raw["Group Key"] === undefined &&
    conditionOf(node, "Filter") === undefined &&
    listOf(node, "Output").some((output) => /\bcount\(/i.test(output))
  );
}

/** The scans whose every row is counted; undefined when anything narrows or multiplies them. */
function countedBy(node: PlanNode): readonly PlanNode[] | undefined {
  if (SCANS.has(node.type)) return isWhole(node) ? [node] : undefined;
  if (!PASSING.has(node.type) || node.raw["Group Key"] !== undefined) return undefined;
  const below = node.children.map(countedBy);
  if (below.some((scans) => scans === undefined)) return undefined;
  return below.flatMap((scans) => scans ?? []);
}

function isWhole(scan: PlanNode): boolean {
  return (
    CONDITIONS.every((field) => conditionOf(scan, field) === undefined) &&
    totalOf(scan, "Rows Removed by Filter") === 0
  );
}
