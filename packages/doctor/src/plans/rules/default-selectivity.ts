import type { Fix } from "../../finding.ts";
import { stripConstants, withoutConstants } from "../constants.ts";
import { conditionOf, tableOf } from "../fields.ts";
import type { Plan, PlanContext, PlanNode, PlanRule, RuleHit } from "../types.ts";
import { statisticsName } from "./estimates.ts";
import { decidedBy, factorOff, rowsPerLoop } from "./shape.ts";
import { quotedTable } from "./sql.ts";

export const defaultSelectivity: PlanRule = {
  id: "plan/default-selectivity",
  number: 6,
  needs: "any",
  find: guesses,
};

/** What the planner takes when it knows nothing: of `=` and of two bounds 0.5 %, of one bound a third. */
const GUESSES: readonly number[] = [0.005, 1 / 3];
const CLOSE = 0.02;
const ROWS_MIN = 10_000;
/** When the guess is this near the truth, it did no harm. */
const HARMLESS_FACTOR = 3;

function guesses(plan: Plan, context: PlanContext): readonly RuleHit[] {
  return plan.nodes.flatMap((node) => {
    const filter = node.type === "Seq Scan" ? conditionOf(node, "Filter") : undefined;
    if (filter === undefined || node.relation === undefined) return [];
    const rows = context.relation(node.schema, node.relation)?.rows ?? 0;
    const expression = comparedExpression(filter);
    if (rows < ROWS_MIN || expression === undefined) return [];
    const expected = node.planRows * plannedProcesses(node);
    const guess = GUESSES.find((it) => Math.abs(expected / (rows * it) - 1) <= CLOSE);
    if (guess === undefined) return [];
    const found = rowsPerLoop(node);
    if (node.actual !== undefined && factorOff(node.planRows, found) < HARMLESS_FACTOR) return [];
    const hit: RuleHit = {
      node: node.index,
      severity: "warning",
      title: `How many rows of ${tableOf(node)} fulfil a condition on an expression is a guess: ${guess === 0.005 ? "0.5 %" : "a third"} of all`,
      evidence: [
        { label: "rows expected", value: node.planRows, unit: "rows" },
        ...(node.actual === undefined
          ? []
          : ([{ label: "rows found", value: found, unit: "rows" }] as const)),
        { label: "rows of the table", value: rows, unit: "rows" },
        { label: "expression", value: withoutConstants(expression) },
      ],
      why: "Statistics are kept of columns, not of what functions, casts and operators make of them. For such a condition the planner takes a fixed share, and all that is above it is planned for that number.",
      fix: fixFor(node, expression),
      scope: decidedBy(node, plan),
    };
    return [hit];
  });
}

/** How many times the rows of a parallel scan stand for the table's: the leader helps less. */
function plannedProcesses(node: PlanNode): number {
  if (node.raw["Parallel Aware"] !== true) return 1;
  for (let at = node.parent; at !== undefined; at = at.parent) {
    const workers = at.raw["Workers Planned"];
    if (typeof workers === "number") return workers + Math.max(1 - 0.3 * workers, 0);
  }
  return 1;
}

const OPERATOR = / (?:=|<=|>=|<|>|~~\*?|!?~\*?|@@) /;
const COLUMN_ONLY =
  /^\(*(?:(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)\.)?(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)\)*(?:::(?:text|character varying|bpchar))?$/u;

/** The left side of a condition that is one comparison, when it is more than a column. */
function comparedExpression(filter: string): string | undefined {
  const bare = stripConstants(filter);
  if (/ (?:OR|IN|ANY|ALL) |\bNOT \(/.test(bare)) return undefined;
  const sides = bare.split(" AND ").map((clause) => leftOf(filter, bare, clause));
  const [first] = sides;
  if (first === undefined || COLUMN_ONLY.test(first)) return undefined;
  // Two bounds of one expression are one guess; conditions on several things are none.
  return sides.every((side) => side !== undefined && stripConstants(side) === stripConstants(first))
    ? first
    : undefined;
}

/** As printed while there is one clause, so that statistics can be created on it; else bare. */
function leftOf(filter: string, bare: string, clause: string): string | undefined {
  const text = clause === bare ? filter : clause;
  const at = text.search(OPERATOR);
  if (at < 0) return undefined;
  return text
    .slice(0, at)
    .replace(/^\(+/, (open) => open.slice(unclosed(text.slice(0, at))))
    .trim();
}

/** Parentheses that the text opens and does not close. */
function unclosed(text: string): number {
  const opened = text.split("(").length - text.split(")").length;
  return Math.max(opened, 0);
}

function fixFor(node: PlanNode, expression: string): Fix {
  const table = quotedTable(node);
  const name = statisticsName(node, ["expression"]);
  const bare = unqualified(expression, node.alias);
  const note =
    "Expression statistics (PostgreSQL 14+) let ANALYZE keep values of the expression; an index on the same expression has them too, and finds the rows.";
  // A constant within the expression (the key of a JSON field) is not ours to show.
  if (table === undefined || name === undefined || stripConstants(expression) !== expression) {
    return {
      kind: "advice",
      text: `Create statistics, or an index, on the expression exactly as the query writes it, then ANALYZE. ${note}`,
    };
  }
  return {
    kind: "sql",
    statements: [`create statistics ${name} on (${bare}) from ${table};`, `analyze ${table};`],
    note,
  };
}

/** VERBOSE plans write the alias in front of columns; CREATE STATISTICS takes none. */
function unqualified(expression: string, alias: string | undefined): string {
  if (alias === undefined) return expression;
  return expression.replaceAll(`${alias}.`, "").replaceAll(`"${alias}".`, "");
}
