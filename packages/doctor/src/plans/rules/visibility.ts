import { numberOf, tableOf, totalOf } from "../fields.ts";
import type { Plan, PlanRule, RuleHit } from "../types.ts";
import { quotedTable, sqlFix } from "./sql.ts";

/** Share of the entries for which the index alone did not do. */
const FETCHED_SHARE_MIN = 0.4;
const FETCHED_MIN = 500;

export const indexOnlyHeapFetches: PlanRule = {
  id: "plan/index-only-heap-fetches",
  number: 19,
  needs: "analyzed",
  find: heapFetches,
};

function heapFetches(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    if (node.type !== "Index Only Scan" || node.actual === undefined) return [];
    // Unlike the rows, heap fetches are counted over all loops.
    const fetched = numberOf(node, "Heap Fetches") ?? 0;
    const entries = node.actual.rowsTotal + totalOf(node, "Rows Removed by Filter");
    const share = fetched / Math.max(entries, 1);
    if (fetched < FETCHED_MIN || share <= FETCHED_SHARE_MIN) return [];
    const table = quotedTable(node);
    return [
      {
        node: node.index,
        severity: "warning",
        title: `The index-only scan on ${tableOf(node)} looked into the table for most rows`,
        evidence: [
          { label: "heap fetches", value: fetched, unit: "count" },
          { label: "of the entries read", value: Math.min(share, 1), unit: "share" },
        ],
        why: "Pages that are not marked all-visible must be read to know whether a row may be seen; VACUUM marks them, and it comes too seldom for this table.",
        fix: sqlFix(
          [
            table && `vacuum (analyze) ${table};`,
            table &&
              `alter table ${table} set (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.05);`,
          ],
          "VACUUM the table now, and let autovacuum come at 5 % changed rows instead of 20 %.",
        ),
      },
    ];
  });
}
