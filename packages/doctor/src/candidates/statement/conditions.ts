import type { A_Expr, BoolExpr, BooleanTest, Node, NullTest } from "../../parse/nodes.ts";
import { isNullConstant, itemsOf, operatorOf } from "../../parse/nodes.ts";
import type { Clause } from "../types.ts";
import {
  comparison,
  constantOf,
  type Found,
  hasOrder,
  literalOf,
  membership,
  type Place,
  semiJoin,
} from "./comparison.ts";
import { type Bound, bind } from "./expression.ts";
import { containment, functionCondition, textMatch } from "./matching.ts";
import { subquery } from "./read.ts";
import { addClause, type Draft } from "./scope.ts";

/** ORs with more arms are not taken apart. */
export const ARMS_MAX = 8;
/** Conditions nested deeper are skipped. */
const DEPTH_MAX = 40;

/** Adds what a WHERE or ON says to the scans that it restricts. */
export function addConditions(node: Node | undefined, place: Place): void {
  if (node === undefined) return;
  for (const found of conjunction(node, place, { negated: false, depth: 0 })) {
    const { draft } = found;
    if ("arms" in found) draft.alternatives.push(found.arms);
    else addClause(draft, found.clause);
  }
}

interface Alternatives {
  readonly draft: Draft;
  readonly arms: readonly (readonly Clause[])[];
}

interface Level {
  readonly negated: boolean;
  readonly depth: number;
}

function conjunction(node: Node, place: Place, at: Level): readonly (Found | Alternatives)[] {
  if (at.depth > DEPTH_MAX) {
    place.walk.skipped.add("conditions nested too deeply");
    return [];
  }
  if (!("BoolExpr" in node)) return condition(node, place, at.negated);
  const { boolop, args = [] } = node.BoolExpr;
  const below = { negated: at.negated !== (boolop === "NOT_EXPR"), depth: at.depth + 1 };
  const [only] = args;
  if (boolop === "NOT_EXPR") return only === undefined ? [] : conjunction(only, place, below);
  const all = (boolop === "AND_EXPR") !== at.negated;
  if (all) return args.flatMap((arg) => conjunction(arg, place, below));
  return disjunction(node.BoolExpr, place, below);
}

/** Usable for a scan when every arm restricts that scan: a bitmap OR, or one IN list. */
function disjunction(
  { args = [] }: BoolExpr,
  place: Place,
  at: Level,
): readonly (Found | Alternatives)[] {
  const arms = args.map((arg) => conjunction(arg, place, at));
  if (arms.length > ARMS_MAX && !arms.every((arm) => arm.length === 1)) return [];
  const drafts = new Set((arms[0] ?? []).map((found) => found.draft));
  return [...drafts].flatMap((draft): readonly (Found | Alternatives)[] => {
    const byArm = arms.map((arm) =>
      arm.flatMap((found) =>
        found.draft === draft && "clause" in found && found.clause.kind !== "constant"
          ? [found.clause]
          : [],
      ),
    );
    if (byArm.some((clauses) => clauses.length === 0)) return [];
    const same = sameEquality(byArm);
    if (same !== undefined) return [{ draft, clause: same }];
    return byArm.length <= ARMS_MAX ? [{ draft, arms: byArm }] : [];
  });
}

/** `a = 1 OR a = 2` is `a IN (1, 2)`. */
function sameEquality(arms: readonly (readonly Clause[])[]): Clause | undefined {
  const [first] = arms[0] ?? [];
  if (first?.kind !== "equality") return undefined;
  const same = arms.every(
    ([clause, more]) =>
      more === undefined && clause?.kind === "equality" && clause.term.sql === first.term.sql,
  );
  return same ? { ...first, literal: undefined, many: true } : undefined;
}

function condition(node: Node, place: Place, negated: boolean): readonly Found[] {
  if ("A_Expr" in node) return operatorCondition(node.A_Expr, place, negated);
  if ("NullTest" in node) return nullTest(node.NullTest, place, negated);
  if ("BooleanTest" in node) return booleanTest(node.BooleanTest, place, negated);
  if ("ColumnRef" in node)
    return bind(node, place.scope).flatMap((bound) => flag(bound, place, negated));
  if ("SubLink" in node) {
    const link = node.SubLink;
    if (link.subLinkType === "ANY_SUBLINK" && !negated) return semiJoin(link, place);
    // Walked as an anti join: its own conditions stand.
    subquery(link, place.scope, place.walk);
    return [];
  }
  if ("FuncCall" in node && !negated) return functionCondition(node.FuncCall, place);
  return [];
}

const NEGATED: Readonly<Record<string, string>> = {
  "<": ">=",
  ">": "<=",
  "<=": ">",
  ">=": "<",
};

function operatorCondition(expression: A_Expr, place: Place, negated: boolean): readonly Found[] {
  const operator = operatorOf(expression);
  switch (expression.kind) {
    case "AEXPR_OP":
      if (negated) return negatedOperator(expression, place);
      if (operator === "<>") return different(expression, place);
      return [...comparison(expression, place), ...containment(expression, place)];
    case "AEXPR_IN":
      // NOT IN carries the operator <>.
      return membership(expression, place, (operator === "<>") !== negated);
    case "AEXPR_OP_ANY":
      if (negated) return [];
      return operator === "=" ? membership(expression, place, false) : anyOf(expression, place);
    case "AEXPR_BETWEEN":
    case "AEXPR_BETWEEN_SYM":
      return negated ? [] : between(expression, place);
    case "AEXPR_NOT_BETWEEN":
    case "AEXPR_NOT_BETWEEN_SYM":
      return negated ? between(expression, place) : [];
    case "AEXPR_LIKE":
    case "AEXPR_ILIKE":
    case "AEXPR_SIMILAR":
      return negated === operator.startsWith("!") ? textMatch(expression, place) : [];
    case "AEXPR_DISTINCT":
      return distinctFrom(expression, place, !negated);
    case "AEXPR_NOT_DISTINCT":
      return distinctFrom(expression, place, negated);
    default:
      return [];
  }
}

function negatedOperator(expression: A_Expr, place: Place): readonly Found[] {
  const operator = operatorOf(expression);
  if (operator === "=") return different(expression, place);
  if (operator === "<>") return comparison(renamed(expression, "="), place);
  const opposite = NEGATED[operator];
  return opposite === undefined ? [] : comparison(renamed(expression, opposite), place);
}

function renamed(expression: A_Expr, operator: string): A_Expr {
  return { ...expression, name: [{ String: { sval: operator } }] };
}

/** `status <> 'done'`: no index condition, but a partial index's. */
function different(expression: A_Expr, place: Place): readonly Found[] {
  const { lexpr, rexpr } = expression;
  if (lexpr === undefined || rexpr === undefined) return [];
  const literal = literalOf(rexpr, place.scope);
  if (literal === undefined) return [];
  return bind(lexpr, place.scope).flatMap((bound) =>
    own(bound, place) ? constantOf(bound, `${bound.term.sql} <> ${literal}`) : [],
  );
}

function own(bound: Bound, place: Place): boolean {
  return bound.draft.depth >= place.scope.depth && place.accepts(bound.draft);
}

function between(expression: A_Expr, place: Place): readonly Found[] {
  const [low, high] = itemsOf(expression.rexpr) ?? [];
  const { lexpr: value } = expression;
  if (value === undefined || low === undefined || high === undefined) return [];
  const from = comparison({ ...renamed(expression, ">="), rexpr: low }, place);
  // `$1 BETWEEN a AND b` restricts two columns.
  const to = comparison({ ...renamed(expression, "<="), rexpr: high }, place);
  const terms = new Set(from.map(({ clause }) => ("term" in clause ? clause.term.sql : "")));
  return [...from, ...to.filter(({ clause }) => "term" in clause && !terms.has(clause.term.sql))];
}

/** `name LIKE ANY (…)`. */
function anyOf(expression: A_Expr, place: Place): readonly Found[] {
  const operator = operatorOf(expression);
  return ["~~", "~~*", "~"].includes(operator) ? textMatch(expression, place) : [];
}

/** No index serves IS NOT DISTINCT FROM a value; with NULL it is a null test. */
function distinctFrom(expression: A_Expr, place: Place, distinct: boolean): readonly Found[] {
  const { lexpr: arg, rexpr } = expression;
  if (arg !== undefined && isNullConstant(rexpr))
    return nullTest({ arg, nulltesttype: distinct ? "IS_NOT_NULL" : "IS_NULL" }, place, false);
  const [bound] = bind(arg, place.scope);
  if (!distinct && bound !== undefined)
    place.walk.skipped.add(
      `${bound.column?.name ?? "an expression"} IS NOT DISTINCT FROM a value: no index serves it`,
    );
  return [];
}

function nullTest(test: NullTest, place: Place, negated: boolean): readonly Found[] {
  const isNull = (test.nulltesttype === "IS_NULL") !== negated;
  return bind(test.arg, place.scope).flatMap((bound): readonly Found[] => {
    if (!own(bound, place)) return [];
    const { draft, term } = bound;
    if (!isNull) return constantOf(bound, `${term.sql} is not null`);
    // On the inner side of an outer join it asks for rows without a partner.
    if (draft.nullable || bound.column?.notNull === true) return [];
    const constant = constantOf(bound, `${term.sql} is null`);
    if (!hasOrder(bound)) return constant;
    return [{ draft, clause: { kind: "equality", term, literal: "null" } }, ...constant];
  });
}

function booleanTest(test: BooleanTest, place: Place, negated: boolean): readonly Found[] {
  const words: Readonly<Record<string, string>> = {
    IS_TRUE: "is true",
    IS_FALSE: "is false",
    IS_NOT_TRUE: "is not true",
    IS_NOT_FALSE: "is not false",
  };
  const word = words[test.booltesttype ?? ""];
  if (word === undefined || negated) return [];
  return bind(test.arg, place.scope).flatMap((bound): readonly Found[] => {
    if (!own(bound, place) || bound.type !== "bool") return [];
    const constant = constantOf(bound, `${bound.term.sql} ${word}`);
    // Only these two are index conditions.
    if (word.includes("not")) return constant;
    const literal = word === "is true" ? "true" : "false";
    return [
      { draft: bound.draft, clause: { kind: "equality", term: bound.term, literal } },
      ...constant,
    ];
  });
}

/** `WHERE active`, `WHERE NOT active`. */
function flag(bound: Bound, place: Place, negated: boolean): readonly Found[] {
  if (!own(bound, place) || bound.type !== "bool") return [];
  const { draft, term } = bound;
  return [
    { draft, clause: { kind: "equality", term, literal: negated ? "false" : "true" } },
    ...constantOf(bound, negated ? `not ${term.sql}` : term.sql),
  ];
}
