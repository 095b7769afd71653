import { withoutConstants } from "../constants.ts";
import { conditionOf, tableOf, totalOf } from "../fields.ts";
import type { Plan, PlanContext, PlanNode, PlanRule, RelationFacts, RuleHit } from "../types.ts";
import { TEXTS } from "./columns.ts";
import { columnWithin, functionsOnColumns, leadingWildcards, wrappedCasts } from "./expressions.ts";
import { quotedName, quotedTable, sqlFix } from "./sql.ts";

/** Rows that were read and thrown away before a condition is worth an index. */
const REMOVED_MIN = 1_000;
const REMOVED_SHARE_MIN = 0.5;

export const castBlocksIndex: PlanRule = {
  id: "plan/cast-blocks-index",
  number: 22,
  needs: "any",
  find: blockingCasts,
};

export const functionOnColumn: PlanRule = {
  id: "plan/function-on-column",
  number: 23,
  needs: "any",
  find: blockingFunctions,
};

export const leadingWildcard: PlanRule = {
  id: "plan/leading-wildcard",
  number: 24,
  needs: "any",
  find: wildcards,
};

interface Wasteful {
  readonly node: PlanNode;
  readonly filter: string;
  readonly facts: RelationFacts | undefined;
  readonly removed: number;
}

/** Scans that throw away most of what they read, or are expected to. */
function wasteful(plan: Plan, context: PlanContext): readonly Wasteful[] {
  return plan.nodes.flatMap((node) => {
    const filter = conditionOf(node, "Filter");
    if (filter === undefined || node.relation === undefined) return [];
    const facts = context.relation(node.schema, node.relation);
    const kept = plan.analyzed ? (node.actual?.rowsTotal ?? 0) : node.planRows;
    const removed = plan.analyzed
      ? totalOf(node, "Rows Removed by Filter")
      : Math.max((facts?.rows ?? 0) - kept, 0);
    if (removed < REMOVED_MIN || removed / (removed + kept) < REMOVED_SHARE_MIN) return [];
    return [{ node, filter, facts, removed }];
  });
}

function evidenceOf({ filter, removed }: Wasteful): RuleHit["evidence"] {
  return [
    { label: "condition", value: withoutConstants(filter) },
    { label: "rows read and thrown away", value: removed, unit: "rows" },
  ];
}

/** A cast between text types is none; whether it is one is not known without the column's type. */
function isRelabel(type: string, column: string, facts: RelationFacts): boolean {
  if (!TEXTS.has(type)) return false;
  const stored = facts.columnTypes?.[column];
  return stored === undefined || TEXTS.has(stored);
}

function blockingCasts(plan: Plan, context: PlanContext): readonly RuleHit[] {
  return wasteful(plan, context).flatMap((scan) => {
    const { facts } = scan;
    if (facts === undefined) return [];
    const cast = wrappedCasts(scan.filter).find(
      ({ column, type }) =>
        facts.indexedColumns.includes(column) && !isRelabel(type, column, facts),
    );
    if (cast === undefined) return [];
    return [
      {
        node: scan.node.index,
        severity: "warning",
        title: `The index on ${tableOf(scan.node)}.${cast.column} is not used: the condition casts the column to ${cast.type}`,
        evidence: evidenceOf(scan),
        why: "An index holds the column's own values in their own order; a condition on the column cast to another type cannot look them up.",
        fix: {
          kind: "advice",
          text: `Cast the parameter, not the column: give it the column's own type (a number for an integer, not a decimal or a text; from node-postgres a bigint as text is fine when the SQL says $1::bigint). For a date compare with a range of ${cast.column}. If the cast must stay, index the expression.`,
        },
      },
    ];
  });
}

function blockingFunctions(plan: Plan, context: PlanContext): readonly RuleHit[] {
  return wasteful(plan, context).flatMap((scan) => {
    const { facts } = scan;
    if (facts === undefined) return [];
    const call = functionsOnColumns(scan.filter, facts.indexedColumns)[0];
    if (call === undefined) return [];
    return [
      {
        node: scan.node.index,
        severity: "warning",
        title: `The index on ${tableOf(scan.node)}.${call.column} is not used: the condition is on ${call.name} of the column`,
        evidence: evidenceOf(scan),
        why: "An index on a column does not know the results of a function or an operator applied to it, so each row is read and computed.",
        fix: {
          kind: "advice",
          text: `Write the condition on the column alone (a range instead of date_trunc or extract, arithmetic on the other side), or create an index on the expression, exactly as the query writes it.`,
        },
      },
    ];
  });
}

function wildcards(plan: Plan, context: PlanContext): readonly RuleHit[] {
  return wasteful(plan, context).flatMap((scan) => {
    const matched = leadingWildcards(scan.filter)[0];
    if (matched === undefined) return [];
    const table = quotedTable(scan.node);
    const column = columnWithin(matched);
    const name = column === undefined ? undefined : quotedName(column);
    const on =
      table !== undefined && name !== undefined
        ? `${table} using gin (${name} gin_trgm_ops)`
        : undefined;
    return [
      {
        node: scan.node.index,
        severity: "warning",
        title: `A pattern that begins with a wildcard reads all of ${tableOf(scan.node)}`,
        evidence: evidenceOf(scan),
        why: "A b-tree finds text by how it begins; when the beginning is unknown every row is read and matched.",
        fix: sqlFix(
          ["create extension if not exists pg_trgm;", on && `create index concurrently on ${on};`],
          "A trigram index finds text anywhere within a column, for patterns of at least three characters. For words, full text search is smaller and faster.",
        ),
      },
    ];
  });
}
