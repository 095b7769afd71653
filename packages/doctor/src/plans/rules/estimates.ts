import type { Fix } from "../../finding.ts";
import { withoutConstants } from "../constants.ts";
import { conditionOf, labelOf, tableOf } from "../fields.ts";
import type { Plan, PlanContext, PlanNode, PlanRule, RelationFacts, RuleHit } from "../types.ts";
import { comparedColumns } from "./columns.ts";
import { decidedBy, factorOff, isJoin, mayStopEarly, rowsPerLoop, spoken } from "./shape.ts";
import { quotedName, quotedTable, sqlFix } from "./sql.ts";

const FACTOR_MIN = 10;
const FACTOR_GRAVE = 1_000;
/** Rows over all loops, below which no plan depends on the difference: when more come than expected… */
const FOUND_MIN = 1_000;
/** …and when fewer do, which costs less: mostly a hash where a look-up would have done. */
const EXPECTED_MIN = 10_000;
const MODIFIED_SHARE = 0.1;
const MODIFIED_MIN = 1_000;

export const rowMisestimate: PlanRule = {
  id: "plan/row-misestimate",
  number: 4,
  needs: "analyzed",
  find: misestimates,
};

export const staleStatistics: PlanRule = {
  id: "plan/stale-statistics",
  number: 5,
  needs: "any",
  find: staleTables,
};

/**
 * Nodes whose two numbers do not compare: bitmaps count no rows or dead ones too, a Materialize or
 * Memoize counts what is read again, a CTE Scan repeats its CTE's, and the rest only guess.
 */
const INCOMPARABLE: ReadonlySet<string> = new Set([
  "BitmapAnd",
  "BitmapOr",
  "Bitmap Index Scan",
  "Materialize",
  "Memoize",
  "CTE Scan",
  "WorkTable Scan",
  "Recursive Union",
  "ModifyTable",
  "LockRows",
]);

interface Missed {
  readonly node: PlanNode;
  readonly found: number;
  readonly factor: number;
}

function misestimates(plan: Plan, context: PlanContext): readonly RuleHit[] {
  const below = new Set<PlanNode>();
  const hits: RuleHit[] = [];
  // Children come after their parents, so that the deepest are met first.
  for (const node of plan.nodes.toReversed()) {
    const missed = below.has(node) ? undefined : missedBy(node);
    if (missed !== undefined) hits.push(hitOf(missed, plan, context));
    const { parent } = node;
    if (parent !== undefined && (missed !== undefined || below.has(node))) below.add(parent);
  }
  return hits;
}

function missedBy(node: PlanNode): Missed | undefined {
  if (node.actual === undefined || INCOMPARABLE.has(node.type)) return undefined;
  const found = rowsPerLoop(node);
  const factor = factorOff(node.planRows, found);
  const { loops } = node.actual;
  if (factor <= FACTOR_MIN) return undefined;
  if (found < node.planRows) {
    if (node.planRows * loops < EXPECTED_MIN || mayStopEarly(node)) return undefined;
  } else if (found * loops < FOUND_MIN) {
    return undefined;
  }
  // The rows that a merge join reads again count again below it.
  if (found > node.planRows && node.parent?.type === "Merge Join" && node.type === "Sort") {
    return undefined;
  }
  return { node, found, factor };
}

function hitOf({ node, found, factor }: Missed, plan: Plan, context: PlanContext): RuleHit {
  const joined = ancestors(node).some(isJoin);
  const more = found > node.planRows;
  const condition = conditionOf(node, "Filter") ?? conditionOf(node, "Index Cond");
  return {
    node: node.index,
    severity: factor > FACTOR_GRAVE && more && joined ? "critical" : "warning",
    title: `${labelOf(node)} gives ${spoken(factor)} times ${more ? "more" : "fewer"} rows than the planner expected`,
    evidence: [
      { label: "rows expected", value: node.planRows, unit: "rows" },
      { label: "rows found", value: found, unit: "rows" },
      { label: "times off", value: Math.round(factor), unit: "count" },
      ...(condition === undefined
        ? []
        : [{ label: "condition", value: withoutConstants(condition) }]),
    ],
    why: "Every choice above this node (which join, which order, how much memory) was made for the wrong number of rows.",
    fix: estimateFix(node, context),
    scope: decidedBy(node, plan),
  };
}

function ancestors(node: PlanNode): readonly PlanNode[] {
  const found: PlanNode[] = [];
  for (let at = node.parent; at !== undefined; at = at.parent) found.push(at);
  return found;
}

function estimateFix(node: PlanNode, context: PlanContext): Fix {
  if (node.type === "Function Scan") {
    return {
      kind: "advice",
      text: "Of a set-returning function the planner knows only what it declares: alter function … rows n. For arrays and JSON, write the rows into a temporary table and ANALYZE it when they are many.",
    };
  }
  const table = quotedTable(node);
  if (table === undefined) {
    return {
      kind: "advice",
      text: "The tables below are expected rightly, their combination is not. ANALYZE them; for GROUP BY, CREATE STATISTICS (ndistinct) on the grouped columns; for joins on columns that depend on each other, join by the key that decides.",
    };
  }
  const compared = comparedColumns(
    node,
    [
      conditionOf(node, "Filter"),
      conditionOf(node, "Index Cond"),
      conditionOf(node, "Recheck Cond"),
    ],
    context,
  );
  const columns = [...compared.equal, ...compared.range];
  return sqlFix(
    [...moreStatistics(node, table, columns), `analyze ${table};`],
    columns.length > 1
      ? "Fresh statistics first (the last statement alone). If that is not enough, the columns depend on each other, and extended statistics tell the planner so."
      : "Fresh statistics first (the last statement alone). If that is not enough, a larger sample keeps more of the column's common values.",
  );
}

function moreStatistics(
  node: PlanNode,
  table: string,
  columns: readonly string[],
): readonly (string | undefined)[] {
  const [first] = columns;
  if (first === undefined) return [];
  if (columns.length === 1) {
    const column = quotedName(first);
    return [column && `alter table ${table} alter column ${column} set statistics 1000;`];
  }
  const kept = columns.slice(0, 8);
  const name = statisticsName(node, kept);
  const names = kept.map(quotedName);
  if (names.includes(undefined)) return [undefined];
  return [
    name &&
      `create statistics ${name} (dependencies, ndistinct, mcv) on ${names.join(", ")} from ${table};`,
  ];
}

/** As PostgreSQL 16 would name it, which earlier ones demand; at most 63 bytes. */
export function statisticsName(node: PlanNode, parts: readonly string[]): string | undefined {
  const name = [node.relation ?? "", ...parts].join("_");
  let short = "";
  for (const character of name) {
    if (Buffer.byteLength(`${short}${character}_stat`) > 63) break;
    short += character;
  }
  return quotedName(`${short}_stat`);
}

function staleTables(plan: Plan, context: PlanContext): readonly RuleHit[] {
  const widest = new Map<string, { readonly node: PlanNode; readonly facts: RelationFacts }>();
  for (const node of plan.nodes) {
    if (node.relation === undefined || node.type === "ModifyTable") continue;
    const facts = context.relation(node.schema, node.relation);
    if (facts === undefined || !isStale(facts)) continue;
    const known = widest.get(tableOf(node));
    if (known === undefined || weight(node) > weight(known.node)) {
      widest.set(tableOf(node), { node, facts });
    }
  }
  return [...widest.values()].map(({ node, facts }) => staleHit(node, facts, plan));
}

function isStale(facts: RelationFacts): boolean {
  if (facts.modifiedSinceAnalyze < MODIFIED_MIN && (facts.analyzed || facts.rows < MODIFIED_MIN)) {
    return false;
  }
  return !facts.analyzed || facts.modifiedSinceAnalyze > MODIFIED_SHARE * facts.rows;
}

function weight(node: PlanNode): number {
  return node.actual?.ownMs ?? node.cost.own;
}

function staleHit(node: PlanNode, facts: RelationFacts, plan: Plan): RuleHit {
  const table = quotedTable(node);
  return {
    node: node.index,
    severity: "warning",
    title: facts.analyzed
      ? `The statistics of ${tableOf(node)} are from before much of it was changed`
      : `${tableOf(node)} has never been analysed`,
    evidence: [
      {
        label: "rows changed since the last ANALYZE",
        value: facts.modifiedSinceAnalyze,
        unit: "rows",
      },
      { label: "rows", value: facts.rows, unit: "rows" },
    ],
    why: "The planner expects the rows and values of the last ANALYZE. What was added since, often just the newest days that are asked for, does not exist for it.",
    fix: sqlFix(
      [
        table && `analyze ${table};`,
        table && `alter table ${table} set (autovacuum_analyze_scale_factor = 0.02);`,
      ],
      "ANALYZE now, and let autovacuum do so at 2 % changed rows instead of 10 %; after a bulk load run ANALYZE in the same script.",
    ),
    scope: decidedBy(node, plan),
  };
}
