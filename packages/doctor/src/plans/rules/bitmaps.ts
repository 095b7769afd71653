import { conditionOf, numberOf, subtreeOf, tableOf, totalOf } from "../fields.ts";
import type { Plan, PlanContext, PlanNode, PlanRule, RuleHit } from "../types.ts";
import { comparedColumns, createIndex, indexOrder } from "./columns.ts";
import { gravityOf, rowsPerLoop, spoken, withWorkers } from "./shape.ts";
import { sqlFix } from "./sql.ts";

const LOSSY_SHARE = 0.1;
const LOSSY_PAGES_MIN = 100;
const RECHECKED_MIN = 10_000;
const AND_FACTOR = 10;
const AND_ROWS_MIN = 1_000;
/** Memory of one page in a bitmap, with the hash table around it, by experience. */
const BITMAP_PAGE_BYTES = 100;

export const lossyBitmap: PlanRule = {
  id: "plan/lossy-bitmap",
  number: 12,
  needs: "analyzed",
  find: lossyBitmaps,
};

export const bitmapAnd: PlanRule = {
  id: "plan/bitmap-and",
  number: 13,
  needs: "analyzed",
  find: combinedBitmaps,
};

function lossyBitmaps(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    if (node.type !== "Bitmap Heap Scan" || node.actual === undefined) return [];
    const lossy = withWorkers(node, "Lossy Heap Blocks");
    const exact = withWorkers(node, "Exact Heap Blocks");
    const rechecked = totalOf(node, "Rows Removed by Index Recheck");
    const isLossy = lossy >= LOSSY_PAGES_MIN && lossy / (lossy + exact) > LOSSY_SHARE;
    const isVague = rechecked >= RECHECKED_MIN && rechecked > node.actual.rowsTotal;
    if (!isLossy && !isVague) return [];
    const hit: RuleHit = {
      node: node.index,
      severity: gravityOf(node),
      title: isLossy
        ? `The bitmap of ${tableOf(node)} did not fit in memory and remembered whole pages instead of rows`
        : `The index on ${tableOf(node)} finds ${spoken(rechecked)} rows that the condition throws away again`,
      evidence: [
        { label: "pages remembered whole", value: lossy, unit: "pages" },
        { label: "pages remembered by row", value: exact, unit: "pages" },
        { label: "rows rechecked and thrown away", value: rechecked, unit: "rows" },
      ],
      why: isLossy
        ? "A bitmap larger than work_mem keeps only the numbers of pages; each row of such a page is then compared with the condition again."
        : "The index cannot answer this condition exactly (trigrams, a hashed or lossy operator class), so what it finds is fetched and compared again.",
      fix: { kind: "advice", text: isLossy ? memoryFor(lossy + exact) : SELECTIVE },
      scope: "subtree",
    };
    return [hit];
  });
}

const SELECTIVE =
  "Make what the index looks for more selective: a longer pattern for trigrams, gin_trgm_ops rather than gist_trgm_ops, jsonb_ops rather than jsonb_path_ops only where keys are asked for, or a b-tree on a further condition that keeps fewer rows.";

function memoryFor(pages: number): string {
  const megabytes = 2 ** Math.ceil(Math.log2(Math.max((pages * BITMAP_PAGE_BYTES) / 2 ** 20, 4)));
  return `About ${megabytes} MB of work_mem would hold this bitmap (set local work_mem = '${megabytes}MB' for the statement's role or transaction). A more selective index, or one in whose order the table is stored (BRIN, CLUSTER), touches fewer pages at all.`;
}

function combinedBitmaps(plan: Plan, context: PlanContext): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    const heap = node.type === "BitmapAnd" ? heapAbove(node) : undefined;
    if (heap?.actual === undefined) return [];
    const kept = Math.max(rowsPerLoop(heap), 1);
    const wide = subtreeOf(node).filter(
      (it) =>
        it.type === "Bitmap Index Scan" &&
        rowsPerLoop(it) >= AND_ROWS_MIN &&
        rowsPerLoop(it) > AND_FACTOR * kept,
    );
    if (wide.length < 2) return [];
    const conditions = wide.map((it) => conditionOf(it, "Index Cond"));
    const columns = indexOrder(comparedColumns(heap, conditions, context));
    const hit: RuleHit = {
      node: heap.index,
      severity: gravityOf(heap),
      title: `${wide.length} indexes of ${tableOf(heap)} are combined, each finding far more rows than both conditions keep`,
      evidence: [
        { label: "rows kept", value: heap.actual.rowsTotal, unit: "rows" },
        ...wide.slice(0, 4).map((it) => ({
          label: `rows found by ${it.indexName ?? "an index"}`,
          value: rowsPerLoop(it) * (numberOf(it, "Actual Loops") ?? 1),
          unit: "rows" as const,
        })),
      ],
      why: "Each index is read for its own condition alone, bitmaps of all rows it finds are built, and only their overlap is wanted.",
      fix: sqlFix(
        [columns.length < 2 ? undefined : createIndex(heap, columns)],
        "One index over the columns of both conditions finds only the rows wanted. It may make the ones with its first column alone unneeded.",
      ),
      scope: "subtree",
    };
    return [hit];
  });
}

function heapAbove(node: PlanNode): PlanNode | undefined {
  for (let at = node.parent; at !== undefined; at = at.parent) {
    if (at.type === "Bitmap Heap Scan") return at;
    if (at.type !== "BitmapAnd" && at.type !== "BitmapOr") return undefined;
  }
  return undefined;
}
