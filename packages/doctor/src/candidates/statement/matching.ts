import type { A_Expr, Node } from "../../parse/nodes.ts";
import { nameOf, operatorOf, stringOf } from "../../parse/nodes.ts";
import type { Clause } from "../types.ts";
import type { Found, Place } from "./comparison.ts";
import { type Bound, bind, whyNot } from "./expression.ts";
import { isText } from "./immutable.ts";
import { usesOf } from "./read.ts";

/** LIKE, ILIKE, SIMILAR TO, ~ and the operators of pg_trgm. */
export function textMatch(expression: A_Expr, place: Place): readonly Found[] {
  const { lexpr: node, rexpr: pattern } = expression;
  if (node === undefined || pattern === undefined) return [];
  const kinds = patternKinds(expression, pattern);
  return restricting(node, pattern, place)
    .filter((bound) => isText(bound.type))
    .flatMap((bound) =>
      kinds.map((kind): Found => ({ draft: bound.draft, clause: { kind, term: bound.term } })),
    );
}

/** An unknown pattern (`LIKE $1`) may be either. */
function patternKinds(expression: A_Expr, pattern: Node): readonly ("prefix" | "pattern")[] {
  const operator = operatorOf(expression);
  const text = stringOf(pattern);
  if (operator === "~~") {
    if (text === undefined) return ["prefix", "pattern"];
    // Without a wildcard it is an equality, which byte order serves as well.
    const wildcard = text.search(/[%_\\]/);
    return wildcard === 0 ? ["pattern"] : isPlainPrefix(text) ? ["prefix"] : ["prefix", "pattern"];
  }
  if (operator === "~" && text !== undefined && /^\^[\w ]/.test(text)) return ["prefix", "pattern"];
  return ["pattern"];
}

function isPlainPrefix(text: string): boolean {
  return /^[^%_\\]+%?$/.test(text);
}

/** Terms of `node` for which `value` is fixed while the table is scanned. */
function restricting(node: Node, value: Node, { scope, accepts, walk }: Place): readonly Bound[] {
  const uses = usesOf(value, scope);
  if (uses.unknown || uses.volatile) return [];
  const terms = bind(node, scope);
  if (terms.length === 0 && !("ColumnRef" in node) && usesOf(node, scope).drafts.size === 1)
    walk.skipped.add(whyNot(node));
  return terms.filter(
    (bound) =>
      !uses.drafts.has(bound.draft) && bound.draft.depth >= scope.depth && accepts(bound.draft),
  );
}

const JSONB = new Set(["@>", "?", "?|", "?&", "@?", "@@"]);
const ARRAY = new Set(["@>", "<@", "&&"]);
const RANGE = new Set(["@>", "<@", "&&", "<<", ">>", "&<", "&>", "-|-", "~=", "<@>", "|>>", "<<|"]);
const COMMUTED: Readonly<Record<string, string>> = {
  "@>": "<@",
  "<@": "@>",
  "&&": "&&",
  "@@": "@@",
};
const TRIGRAM = new Set(["%", "<%", "%>", "<<%", "%>>"]);
const REGEX = new Set(["~", "~*"]);

/** `@>`, `?`, `@@`, `&&` … in either direction, regular expressions and similarity. */
export function containment(expression: A_Expr, place: Place): readonly Found[] {
  const { lexpr: left, rexpr: right } = expression;
  const operator = operatorOf(expression);
  if (left === undefined || right === undefined) return [];
  if (REGEX.has(operator)) return textMatch(expression, place);
  if (TRIGRAM.has(operator))
    return [...textMatch(expression, place), ...textMatch(turned(expression, operator), place)];
  const forward = restricting(left, right, place).flatMap((bound) => contains(bound, operator));
  const back = COMMUTED[operator];
  if (back === undefined) return forward;
  const backward = restricting(right, left, place).flatMap((bound) => contains(bound, back));
  return [...forward, ...backward];
}

function turned(expression: A_Expr, operator: string): A_Expr {
  const { lexpr, rexpr, ...rest } = expression;
  const name = [{ String: { sval: operator } }];
  return {
    ...rest,
    name,
    ...(rexpr === undefined ? {} : { lexpr: rexpr }),
    ...(lexpr === undefined ? {} : { rexpr: lexpr }),
  };
}

const GEOMETRY = new Set(["point", "box", "polygon", "circle"]);

function contains(bound: Bound, operator: string): readonly Found[] {
  const on = containerOf(bound, operator);
  if (on === undefined) return [];
  const clause: Clause = { kind: "contains", term: bound.term, on, operator };
  return [{ draft: bound.draft, clause }];
}

function containerOf(
  { type, column }: Bound,
  operator: string,
): "jsonb" | "array" | "tsvector" | "range" | undefined {
  if (type === "jsonb") return JSONB.has(operator) ? "jsonb" : undefined;
  if (type === "tsvector") return operator === "@@" || operator === "@@@" ? "tsvector" : undefined;
  if (type.startsWith("_") || column?.category === "A")
    return ARRAY.has(operator) ? "array" : undefined;
  const ordered = column?.category === "R" || /(range)$/.test(type) || GEOMETRY.has(type);
  return ordered && RANGE.has(operator) ? "range" : undefined;
}

/** ORDER BY term <-> value, with LIMIT. */
export function nearest(node: Node, place: Place): readonly Found[] {
  if (!("A_Expr" in node) || !["<->", "<<->", "<->>"].includes(operatorOf(node.A_Expr))) return [];
  const { lexpr: left, rexpr: right } = node.A_Expr;
  if (left === undefined || right === undefined) return [];
  const found = [...restricting(left, right, place), ...restricting(right, left, place)];
  return found.flatMap((bound): readonly Found[] => {
    const on = isText(bound.type) ? "trigram" : GEOMETRY.has(bound.type) ? "geometry" : undefined;
    if (on === undefined) return [];
    return [{ draft: bound.draft, clause: { kind: "nearest", term: bound.term, on } }];
  });
}

/** Functions that are a condition by themselves: `starts_with(col, 'x')`, `jsonb_path_exists`… */
export function functionCondition(
  node: Extract<Node, { FuncCall: unknown }>["FuncCall"],
  place: Place,
): readonly Found[] {
  const [first, second] = node.args ?? [];
  if (nameOf(node.funcname?.at(-1)) !== "starts_with") return [];
  if (first === undefined || second === undefined) return [];
  return restricting(first, second, place)
    .filter((bound) => isText(bound.type))
    .map(({ draft, term }) => ({ draft, clause: { kind: "prefix", term } }));
}
