import type { A_Expr, Node } from "../../parse/nodes.ts";
import { isNullConstant, itemsOf, nameOf, operatorOf } from "../../parse/nodes.ts";
import type { Clause } from "../types.ts";
import { type Bound, bind, bindSource, render, whyNot } from "./expression.ts";
import { subquery, type Uses, usesOf } from "./read.ts";
import type { Draft, Scope, Walk } from "./scope.ts";

/** A clause and the scan that it restricts. */
export interface Found {
  readonly draft: Draft;
  readonly clause: Clause;
}

export interface Place {
  readonly scope: Scope;
  readonly walk: Walk;
  /** Which scans a condition here can restrict: not every one within the ON of an outer join. */
  readonly accepts: (draft: Draft) => boolean;
}

/** Types without a b-tree order, or whose values are too long for one. */
const NO_BTREE = new Set([
  "json",
  "jsonb",
  "xml",
  "point",
  "line",
  "lseg",
  "box",
  "path",
  "polygon",
  "circle",
  "tsvector",
  "tsquery",
  "aclitem",
  "hstore",
  "vector",
]);

export function hasOrder(bound: Bound): boolean {
  return bound.column === undefined || !NO_BTREE.has(bound.type);
}

const COMMUTED: Readonly<Record<string, string>> = {
  "=": "=",
  "<": ">",
  ">": "<",
  "<=": ">=",
  ">=": "<=",
};

export function comparison(expression: A_Expr, place: Place): readonly Found[] {
  const operator = operatorOf(expression);
  const { lexpr: left, rexpr: right } = expression;
  if (left === undefined || right === undefined) return [];
  const rows = [itemsOf(left), itemsOf(right)] as const;
  if (operator in COMMUTED && "RowExpr" in left && rows[0] !== undefined)
    return rowComparison(operator, [rows[0], rows[1] ?? []], place);
  if (!(operator in COMMUTED)) return [];
  return [...oneWay(operator, [left, right], place), ...oneWay(operator, [right, left], place)];
}

/** The first column decides a range; an equality holds for each. */
function rowComparison(
  operator: string,
  [left, right]: readonly [readonly Node[], readonly Node[]],
  place: Place,
): readonly Found[] {
  const pairs = operator === "=" ? left : left.slice(0, 1);
  return pairs.flatMap((node, at) => {
    const other = right[at];
    if (other === undefined) return [];
    return [...oneWay(operator, [node, other], place), ...oneWay(operator, [other, node], place)];
  });
}

function oneWay(
  operator: string,
  [node, other]: readonly [Node, Node],
  place: Place,
): readonly Found[] {
  const terms = bind(node, place.scope);
  if (terms.length === 0) explain(node, place);
  const uses = usesOf(other, place.scope);
  if (uses.unknown || uses.volatile || isNullConstant(other)) return [];
  return terms.flatMap((bound) => {
    if (!hasOrder(bound) || !applies(bound, uses, place)) return [];
    const joins = uses.drafts.size > 0 || uses.opaque;
    if (joins && bound.barrier) return [];
    if (operator === "=" && joins) return [{ draft: bound.draft, clause: joined(bound, uses) }];
    const literal = joins ? undefined : literalOf(other, place.scope);
    if (operator !== "=")
      return [{ draft: bound.draft, clause: { kind: "range", term: bound.term, literal } }];
    return equality(bound, literal);
  });
}

function applies(bound: Bound, uses: Uses, place: Place): boolean {
  if (uses.drafts.has(bound.draft)) return false;
  const own = bound.draft.depth >= place.scope.depth;
  const joins = uses.drafts.size > 0 || uses.opaque;
  // Within EXISTS an outer column joins; elsewhere it is a parameter of the inner query.
  return (own || (place.scope.semi && joins)) && place.accepts(bound.draft);
}

function joined(bound: Bound, uses: Uses): Clause {
  const [first] = uses.drafts;
  return { kind: "join", term: bound.term, other: first?.relation.oid ?? 0 };
}

/** Equality with one value; with a literal it could also be a partial index's condition. */
function equality(bound: Bound, literal: string | undefined): readonly Found[] {
  const { draft, term } = bound;
  const clause: Clause = { kind: "equality", term, literal };
  if (literal === undefined) return [{ draft, clause }];
  // `active = true` is planned as `active`.
  const sql = bound.type !== "bool" ? `${term.sql} = ${literal}` : booleanText(term.sql, literal);
  return [{ draft, clause }, ...constantOf(bound, sql)];
}

function booleanText(sql: string, literal: string): string {
  return literal === "true" ? sql : `not ${sql}`;
}

/** Only of a plain column: that is what statistics tell the selectivity of. */
export function constantOf(bound: Bound, sql: string): readonly Found[] {
  const { column, draft } = bound;
  if (column === undefined) return [];
  return [{ draft, clause: { kind: "constant", sql, columns: [column.name] } }];
}

/** SQL of a literal; undefined for a parameter or anything computed. */
export function literalOf(node: Node, scope: Scope): string | undefined {
  const rendered = render(node, scope);
  return rendered?.draft === undefined ? rendered?.sql : undefined;
}

const LITERALS_MAX = 10;

/** IN (…), = ANY (…), with `negated` only what a partial index can use. */
export function membership(expression: A_Expr, place: Place, negated: boolean): readonly Found[] {
  const { lexpr: node, rexpr: list } = expression;
  const items = itemsOf(list) ?? (list === undefined ? [] : [list]);
  const operator = operatorOf(expression);
  if (node === undefined || list === undefined) return [];
  const within = operator === "=" && !negated;
  if (within && "RowExpr" in node) return rowMembership(node.RowExpr.args ?? [], items, place);
  const literals = items.map((item) => literalOf(item, place.scope));
  const found = bind(node, place.scope).flatMap((bound) =>
    memberOf(bound, { items: list, literals, within }, place),
  );
  if (found.length === 0) explain(node, place);
  if (within && expression.kind === "AEXPR_OP_ANY")
    return [...found, ...soughtInArray(list, place)];
  return found;
}

function memberOf(
  bound: Bound,
  list: {
    readonly items: Node;
    readonly literals: readonly (string | undefined)[];
    readonly within: boolean;
  },
  place: Place,
): readonly Found[] {
  const uses = usesOf(list.items, place.scope);
  if (uses.unknown || uses.volatile || uses.opaque || uses.drafts.size > 0) return [];
  if (!hasOrder(bound) || !applies(bound, uses, place)) return [];
  const { literals, within } = list;
  const all = literals.every((literal) => literal !== undefined) && "List" in list.items;
  const text = `${bound.term.sql} ${within ? "" : "not "}in (${literals.join(", ")})`;
  const constant = all && literals.length <= LITERALS_MAX ? constantOf(bound, text) : [];
  if (!within) return constant;
  const clause: Clause = { kind: "equality", term: bound.term, literal: undefined, many: true };
  return [{ draft: bound.draft, clause }, ...constant];
}

/** `(a, b) IN (($1, $2), …)`. */
function rowMembership(
  row: readonly Node[],
  items: readonly Node[],
  place: Place,
): readonly Found[] {
  const uses = usesOf(items, place.scope);
  if (uses.unknown || uses.volatile || uses.opaque) return [];
  return row.flatMap((node) =>
    bind(node, place.scope).flatMap((bound): readonly Found[] =>
      hasOrder(bound) && applies(bound, uses, place) && uses.drafts.size === 0
        ? [
            {
              draft: bound.draft,
              clause: { kind: "equality", term: bound.term, literal: undefined, many: true },
            },
          ]
        : [],
    ),
  );
}

/** `$1 = ANY (tags)` reads every row: no index serves it as it is written. */
function soughtInArray(list: Node, place: Place): readonly Found[] {
  const array = bind(list, place.scope).find((bound) => bound.column?.category === "A");
  if (array !== undefined)
    place.walk.skipped.add(
      `a value = ANY(${array.column?.name ?? "array"}): no index serves it; ${array.column?.name ?? "array"} @> ARRAY[value] can use GIN`,
    );
  return [];
}

/** `term IN (select …)`, `= ANY (select …)`: a semi join both ways. */
export function semiJoin(
  link: Extract<Node, { SubLink: unknown }>["SubLink"],
  place: Place,
): readonly Found[] {
  const outputs = subquery(link, place.scope, place.walk);
  // IN has no operator of its own; = ANY does.
  const plain = (nameOf(link.operName?.at(-1)) ?? "=") === "=";
  const test = link.testexpr;
  if (!plain || test === undefined) return [];
  const nodes = itemsOf(test) ?? [test];
  return nodes.flatMap((node, at) => {
    const source = outputs[at]?.source;
    const outer = bind(node, place.scope).filter(
      (each) => hasOrder(each) && !each.barrier && applies(each, NO_USES, place),
    );
    const inner =
      source === undefined
        ? []
        : bindSource(source).filter((each) => hasOrder(each) && !each.barrier);
    const other = inner[0]?.draft.relation.oid ?? 0;
    const from = outer[0]?.draft.relation.oid ?? 0;
    return [
      ...outer.map(({ draft, term }) => ({
        draft,
        clause: { kind: "join", term, other } as const,
      })),
      ...inner.map(({ draft, term }) => ({
        draft,
        clause: { kind: "join", term, other: from } as const,
      })),
    ];
  });
}

const NO_USES: Uses = { drafts: new Set(), opaque: false, unknown: false, volatile: false };

/** Says why a computed side cannot be indexed; plain columns and values need no words. */
function explain(node: Node, { scope, walk }: Place): void {
  if ("ColumnRef" in node || "SubLink" in node) return;
  if (usesOf(node, scope).drafts.size === 1) walk.skipped.add(whyNot(node));
}
