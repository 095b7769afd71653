import type { Fix } from "../../finding.ts";
import { withoutConstants } from "../constants.ts";
import { conditionOf, subtreeOf, tableOf, totalOf } from "../fields.ts";
import type { Plan, PlanContext, PlanNode, PlanRule, RuleHit } from "../types.ts";
import { comparedColumns, createIndex, indexOrder } from "./columns.ts";
import { isRepeatedInner } from "./joins.ts";
import { gravityOf, limitAbove, rowsPerLoop, spoken } from "./shape.ts";
import { sqlFix } from "./sql.ts";

/** Rows read and thrown away, over all loops, below which a sequential scan is as good as any. */
const SEQ_REMOVED_MIN = 10_000;
const SEQ_REMOVED_SHARE = 0.9;
/** An index whose rows are thrown away this many times as often as kept is the wrong one. */
const INDEX_REMOVED_FACTOR = 10;
const INDEX_REMOVED_MIN = 1_000;

export const seqScanSelectiveFilter: PlanRule = {
  id: "plan/seq-scan-selective-filter",
  number: 1,
  needs: "analyzed",
  find: selectiveScans,
};

export const inefficientIndex: PlanRule = {
  id: "plan/inefficient-index",
  number: 2,
  needs: "analyzed",
  find: inefficientScans,
};

export const orderLimitIndex: PlanRule = {
  id: "plan/order-limit-wrong-index",
  number: 3,
  needs: "analyzed",
  find: orderedScans,
};

function removedBy(node: PlanNode): number {
  return totalOf(node, "Rows Removed by Filter");
}

function evidenceOf(node: PlanNode): RuleHit["evidence"] {
  const condition = conditionOf(node, "Filter");
  return [
    { label: "rows kept", value: node.actual?.rowsTotal ?? 0, unit: "rows" },
    { label: "rows read and thrown away", value: removedBy(node), unit: "rows" },
    ...(condition === undefined
      ? []
      : [{ label: "condition", value: withoutConstants(condition) }]),
    { label: "own time", value: node.actual?.ownMs ?? 0, unit: "ms" },
  ];
}

function selectiveScans(plan: Plan, context: PlanContext): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    if (node.type !== "Seq Scan" || node.actual === undefined || isRepeatedInner(node)) return [];
    const removed = removedBy(node);
    const kept = node.actual.rowsTotal;
    if (removed <= SEQ_REMOVED_MIN || removed / (removed + kept) <= SEQ_REMOVED_SHARE) return [];
    return [
      {
        node: node.index,
        severity: gravityOf(node),
        title: `${tableOf(node)} is read whole to keep ${spoken(kept)} of ${spoken(removed + kept)} rows`,
        evidence: evidenceOf(node),
        why: "Without an index for the condition every row is read and compared, so the time grows with the table and not with the answer.",
        fix: indexForFilter(node, context),
      },
    ];
  });
}

function indexForFilter(node: PlanNode, context: PlanContext): Fix {
  const compared = comparedColumns(node, [conditionOf(node, "Filter")], context);
  const columns = indexOrder(compared);
  const [first] = columns;
  if (first === undefined) {
    return {
      kind: "advice",
      text: "Index what the condition compares: an expression index for a function or a cast on a column, GIN for jsonb, arrays, words and patterns. hasten-doctor --only indexes tries candidates against the planner.",
    };
  }
  const facts =
    node.relation === undefined ? undefined : context.relation(node.schema, node.relation);
  if (facts?.indexedColumns.includes(first) === true) {
    return {
      kind: "advice",
      text: `An index that begins with ${first} exists and was not chosen. Look first whether the expected rows are far off (ANALYZE), whether the condition casts or computes on the column, and whether random_page_cost is still 4 on an SSD; then for an index with more of the condition's columns.`,
    };
  }
  if (compared.or) {
    return sqlFix(
      columns.map((column) => createIndex(node, [column])),
      "OR takes one index for each side, which the planner combines. On a partitioned table create them on the parent, without concurrently.",
    );
  }
  return sqlFix(
    [createIndex(node, columns)],
    "Columns compared with = first, then one that is compared with < or >. hasten-doctor --only indexes tells what the planner makes of it. On a partitioned table create it on the parent, without concurrently.",
  );
}

const INDEXED_SCANS: ReadonlySet<string> = new Set([
  "Index Scan",
  "Index Only Scan",
  "Bitmap Heap Scan",
]);

/** Index scans that throw away ten times what they keep. */
function wastefulIndexScans(plan: Plan): readonly PlanNode[] {
  return plan.nodes.filter((node) => {
    if (!INDEXED_SCANS.has(node.type) || node.actual === undefined) return false;
    const removed = removedBy(node);
    const kept = Math.max(node.actual.rowsTotal, 1);
    return removed >= INDEX_REMOVED_MIN && removed >= INDEX_REMOVED_FACTOR * kept;
  });
}

/** Reads an index only for its order, under a Limit that hopes to meet its rows soon. */
function readsForOrder(node: PlanNode): boolean {
  if (node.type === "Bitmap Heap Scan") return false;
  return conditionOf(node, "Index Cond") === undefined && limitAbove(node) !== undefined;
}

function indexesOf(node: PlanNode): string {
  const names = new Set(subtreeOf(node).flatMap((it) => it.indexName ?? []));
  if (names.size === 0) return "An index";
  return `${names.size === 1 ? "Index" : "Indexes"} ${[...names].slice(0, 4).join(" and ")}`;
}

/** Index conditions of the scan itself, or of the bitmap scans below it. */
function indexConditions(node: PlanNode): readonly (string | undefined)[] {
  if (node.type !== "Bitmap Heap Scan") return [conditionOf(node, "Index Cond")];
  return [conditionOf(node, "Recheck Cond")];
}

function inefficientScans(plan: Plan, context: PlanContext): readonly RuleHit[] {
  return wastefulIndexScans(plan)
    .filter((node) => !readsForOrder(node))
    .map((node) => {
      const conditions = [...indexConditions(node), conditionOf(node, "Filter")];
      const columns = indexOrder(comparedColumns(node, conditions, context));
      return {
        node: node.index,
        severity: gravityOf(node),
        title: `${indexesOf(node)} on ${tableOf(node)} finds ${spoken(1 + removedBy(node) / Math.max(node.actual?.rowsTotal ?? 1, 1))} times the rows that the condition keeps`,
        evidence: evidenceOf(node),
        why: "The index knows only a part of the condition. For all it finds the row itself is fetched from the table, compared and thrown away: most of the reads are for nothing.",
        fix: sqlFix(
          [columns.length < 2 ? undefined : createIndex(node, columns)],
          `An index with the condition's further columns finds only the rows wanted; if a further condition is a constant that is always the same, a partial index (… where …) does too. When it is there and used, the old one may be unneeded.`,
        ),
        // The bitmap's own time is in the index scans below.
        scope: "subtree",
      };
    });
}

function orderedScans(plan: Plan, context: PlanContext): readonly RuleHit[] {
  return wastefulIndexScans(plan)
    .filter(readsForOrder)
    .map((node) => {
      const limit = limitAbove(node);
      const compared = comparedColumns(node, [conditionOf(node, "Filter")], context);
      const leading = [...compared.equal.slice(0, 3), "the columns of the ORDER BY"].join(", ");
      return {
        node: node.index,
        severity: gravityOf(node),
        title: `${node.indexName ?? "An index"} on ${tableOf(node)} is walked in its order past ${spoken(removedBy(node))} rows to find the few that a LIMIT asks for`,
        evidence: [
          ...evidenceOf(node),
          {
            label: "rows that the LIMIT took",
            value: limit === undefined ? 0 : rowsPerLoop(limit),
            unit: "rows",
          },
        ],
        why: "The planner bets that rows that fulfil the condition are spread evenly over the order and the first ones come soon. When they are all at its far end, most of the table is read first, and the time differs from value to value.",
        fix: {
          kind: "advice",
          text: `Create an index on (${leading}), in the directions of the ORDER BY: it finds the rows of the condition already in order. Until then ORDER BY an expression, such as id + 0, keeps the planner from this index.`,
        },
      };
    });
}
