import { labelOf, numberOf, tableOf, totalOf } from "../fields.ts";
import type { Plan, PlanNode, PlanRule, RuleHit } from "../types.ts";
import { quotedName, sqlFix } from "./sql.ts";

const READ_SHARE_MIN = 0.1;
/** 8 MB. */
const READ_BLOCKS_MIN = 1_000;
/** 80 MB: more than a first run after a restart explains. */
const READ_BLOCKS_WARNING = 10_000;

const BLOCKS_PER_ROW_MIN = 100;
const BLOCKS_MIN = 500;
const INDEX_SCANS: ReadonlySet<string> = new Set(["Index Scan", "Index Only Scan"]);

export const lowCacheHit: PlanRule = {
  id: "plan/low-cache-hit",
  number: 20,
  needs: "analyzed",
  find: cacheMisses,
};

export const blocksPerRow: PlanRule = {
  id: "plan/blocks-per-row",
  number: 21,
  needs: "analyzed",
  find: manyBlocks,
};

function cacheMisses(plan: Plan): readonly RuleHit[] {
  const hit = numberOf(plan.root, "Shared Hit Blocks") ?? 0;
  const read = numberOf(plan.root, "Shared Read Blocks") ?? 0;
  if (read < READ_BLOCKS_MIN || read / (hit + read) <= READ_SHARE_MIN) return [];
  const reader = plan.nodes.reduce((most, node) => (readsOf(node) > readsOf(most) ? node : most));
  return [
    {
      node: reader.index,
      severity: read >= READ_BLOCKS_WARNING ? "warning" : "info",
      title: `${labelOf(reader)} read most of its pages from outside shared_buffers`,
      evidence: [
        { label: "pages read", value: read, unit: "pages" },
        { label: "of all pages touched", value: read / (hit + read), unit: "share" },
        { label: "pages read by this node", value: readsOf(reader), unit: "pages" },
      ],
      why: "Each page that is not cached waits for the operating system or the disk; a scan this wide also pushes other tables' pages out.",
      fix: {
        kind: "advice",
        text: "Run it again to see it warm. If it stays cold, read less: an index for its condition, fewer columns, or a smaller range; only then raise shared_buffers.",
      },
    },
  ];
}

function readsOf(node: PlanNode): number {
  return node.actual?.blocks?.read ?? 0;
}

function manyBlocks(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    if (!INDEX_SCANS.has(node.type) || node.actual?.blocks === undefined) return [];
    const blocks = node.actual.blocks.hit + node.actual.blocks.read;
    const rows = rowsExamined(node);
    // A search that finds nothing touches the height of the index: that is no fault.
    const perRow = blocks / Math.max(rows, node.actual.loops, 1);
    if (blocks < BLOCKS_MIN || perRow <= BLOCKS_PER_ROW_MIN) return [];
    const index = node.indexName === undefined ? undefined : quotedIndex(node, node.indexName);
    return [
      {
        node: node.index,
        severity: "warning",
        title: `${labelOf(node)} touches ${Math.round(perRow)} pages for each row`,
        evidence: [
          { label: "pages touched", value: blocks, unit: "pages" },
          { label: "rows examined", value: rows, unit: "rows" },
        ],
        why: `Either the index does not begin with what is asked for, so that all of it is walked, or it is full of entries of deleted rows of ${tableOf(node)}.`,
        fix: sqlFix(
          [index && `reindex index concurrently ${index};`],
          "If the condition leaves out the index's first column, an index that begins with the condition's columns is the cure. If the table has many dead rows, VACUUM it and rebuild the index.",
        ),
      },
    ];
  });
}

function rowsExamined(node: PlanNode): number {
  const removed = totalOf(node, "Rows Removed by Filter");
  return (node.actual?.rowsTotal ?? 0) + removed + totalOf(node, "Rows Removed by Index Recheck");
}

function quotedIndex(node: PlanNode, name: string): string | undefined {
  const index = quotedName(name);
  const schema = node.schema === undefined ? undefined : quotedName(node.schema);
  return index === undefined || schema === undefined ? index : `${schema}.${index}`;
}
