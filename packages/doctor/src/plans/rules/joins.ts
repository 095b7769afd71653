import type { Fix } from "../../finding.ts";
import { withoutConstants } from "../constants.ts";
import { conditionOf, labelOf, subtreeOf, tableOf, totalOf } from "../fields.ts";
import type { Plan, PlanContext, PlanNode, PlanRule, RuleHit } from "../types.ts";
import { comparedColumns, createIndex, indexOrder, joinedColumns } from "./columns.ts";
import { factorOff, gravityOf, isJoin, processesOf, rowsPerLoop, spoken } from "./shape.ts";
import { quotedTable, sqlFix } from "./sql.ts";

const EXPLOSION_LOOPS_MIN = 1_000;
const EXPLOSION_FACTOR = 10;
/** Rows looked at by an inner sequential scan, over all its loops, before it is worth an index. */
const REPEATED_ROWS_MIN = 10_000;
const WASTED_FACTOR = 10;
const WASTED_MIN = 10_000;

export const nestedLoopExplosion: PlanRule = {
  id: "plan/nested-loop-explosion",
  number: 14,
  needs: "analyzed",
  find: explosions,
};

export const innerSeqScan: PlanRule = {
  id: "plan/inner-seq-scan",
  number: 15,
  needs: "analyzed",
  find: innerScans,
};

export const joinFilterWaste: PlanRule = {
  id: "plan/join-filter-waste",
  number: 16,
  needs: "analyzed",
  find: wastedPairs,
};

/** A sequential scan that a join runs again for each of its outer rows. */
export function isRepeatedInner(node: PlanNode): boolean {
  if (node.type !== "Seq Scan" || node.relationship !== "Inner" || node.actual === undefined) {
    return false;
  }
  if (node.actual.loops / processesOf(node) <= 1) return false;
  return node.actual.rowsTotal + totalOf(node, "Rows Removed by Filter") >= REPEATED_ROWS_MIN;
}

function sideOf(join: PlanNode, side: "Outer" | "Inner"): PlanNode | undefined {
  return join.children.find((child) => child.relationship === side);
}

function explosions(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    const outer = sideOf(node, "Outer");
    const inner = sideOf(node, "Inner");
    if (node.type !== "Nested Loop" || outer?.actual === undefined) return [];
    const loops = (inner?.actual?.loops ?? 0) / processesOf(node);
    const found = rowsPerLoop(outer);
    const off = factorOff(outer.planRows, found);
    if (loops <= EXPLOSION_LOOPS_MIN || found < outer.planRows || off <= EXPLOSION_FACTOR)
      return [];
    const hit: RuleHit = {
      node: node.index,
      severity: gravityOf(node),
      title: `A nested loop planned for ${spoken(outer.planRows)} outer rows ran its inner side ${spoken(loops)} times`,
      evidence: [
        { label: "outer rows expected", value: outer.planRows, unit: "rows" },
        { label: "outer rows found", value: found, unit: "rows" },
        { label: "runs of the inner side", value: inner?.actual?.loops ?? 0, unit: "count" },
        { label: "outer side", value: labelOf(outer) },
      ],
      why: "A nested loop is the best join for a few outer rows and the worst for many. It was chosen because far fewer outer rows were expected; with the right number the planner would take a hash or merge join.",
      fix: betterEstimate(outer),
      scope: "subtree",
    };
    return [hit];
  });
}

function betterEstimate(outer: PlanNode): Fix {
  const tables = new Set(
    subtreeOf(outer)
      .map(quotedTable)
      .filter((it) => it !== undefined),
  );
  const statements = [...tables].slice(0, 5).map((table) => `analyze ${table};`);
  return sqlFix(
    statements,
    "Bring the estimate of the outer side right: fresh statistics first, then CREATE STATISTICS on the columns of its conditions. To see what a hash join would take: begin; set local enable_nestloop = off; explain analyze …; rollback. If the loop is right after all, index what the inner side looks up.",
  );
}

function innerScans(plan: Plan, context: PlanContext): readonly RuleHit[] {
  return plan.nodes.filter(isRepeatedInner).map((node) => {
    const loops = node.actual?.loops ?? 0;
    const removed = totalOf(node, "Rows Removed by Filter");
    const joined = joinedBy(node);
    const filtered = indexOrder(comparedColumns(node, [conditionOf(node, "Filter")], context));
    const columns = [...new Set([...joined, ...filtered])].slice(0, 4);
    return {
      node: node.index,
      severity: gravityOf(node),
      title: `${tableOf(node)} is read whole ${spoken(loops)} times, once for each outer row of a join`,
      evidence: [
        { label: "times read", value: loops, unit: "count" },
        { label: "rows looked at", value: (node.actual?.rowsTotal ?? 0) + removed, unit: "rows" },
        { label: "own time", value: node.actual?.ownMs ?? 0, unit: "ms" },
      ],
      why: "Without an index on what the tables are joined by, each outer row costs a scan of the whole inner table: the work is the product of both. PostgreSQL creates no index for a foreign key by itself.",
      fix: sqlFix(
        [createIndex(node, columns)],
        "Index the column that the join compares, which is mostly a foreign key: each outer row then costs one look-up. If the join has no = between columns of the two tables, give it one.",
      ),
    };
  });
}

/** Columns of the node's table in the Join Filter of the join above. */
function joinedBy(node: PlanNode): readonly string[] {
  const filter = node.parent === undefined ? undefined : conditionOf(node.parent, "Join Filter");
  if (filter === undefined || node.alias === undefined) return [];
  return joinedColumns(node.alias, filter);
}

function wastedPairs(plan: Plan): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    const removed = totalOf(node, "Rows Removed by Join Filter");
    const kept = Math.max(node.actual?.rowsTotal ?? 0, 1);
    if (!isJoin(node) || removed < WASTED_MIN || removed < WASTED_FACTOR * kept) return [];
    // When the inner side is read whole for each outer row and an index would do, that is told there.
    const inner = sideOf(node, "Inner");
    if (inner !== undefined && isRepeatedInner(inner) && joinedBy(inner).length > 0) return [];
    const condition = conditionOf(node, "Join Filter");
    const own = [node, ...node.children].map((it) => it.actual?.ownMs ?? 0);
    const hit: RuleHit = {
      node: node.index,
      severity: gravityOf(node),
      title: `A join compares ${spoken(removed + kept)} pairs of rows to keep ${spoken(kept)}`,
      evidence: [
        { label: "pairs kept", value: node.actual?.rowsTotal ?? 0, unit: "rows" },
        { label: "pairs thrown away", value: removed, unit: "rows" },
        ...(condition === undefined
          ? []
          : [{ label: "join filter", value: withoutConstants(condition) }]),
      ],
      why: "What stands in a join filter is computed for each pair of rows that the join brings together; no hash or index narrows it.",
      fix: {
        kind: "advice",
        text: adviceFor(condition),
      },
      scope: { ms: own.reduce((a, b) => a + b, 0) },
    };
    return [hit];
  });
}

function adviceFor(condition: string | undefined): string {
  if (condition !== undefined && / OR /.test(withoutConstants(condition))) {
    return "An OR over columns of both tables can use neither hash nor index. Write one SELECT for each side of the OR, each joined by =, and put them together with UNION (UNION ALL where no row can come twice).";
  }
  return "Join by = between columns of the two tables wherever the rows allow it: put the same value into both (a key, a day, a bucket of the range) and compare the rest as it is now. For ranges a GiST index on the inner table's range serves each outer row. An index on the inner table's compared column serves an inequality that keeps few rows.";
}
