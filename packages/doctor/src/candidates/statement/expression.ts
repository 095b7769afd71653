import { quoteIdentifier, quoteQualified } from "hasten/postgres";
import type { Column } from "../../catalog/types.ts";
import type { A_Expr, FuncCall, Node, TypeCast } from "../../parse/nodes.ts";
import { nameOf, namesOf, operatorOf, typeOf } from "../../parse/nodes.ts";
import type { Term } from "../types.ts";
import { castIsImmutable, functionType, isText, operatorType } from "./immutable.ts";
import { type Draft, type Scope, type Source, sourceOf } from "./scope.ts";

/** A value written as SQL over one table's own columns. */
export interface Rendered {
  /** Ready to stand in CREATE INDEX; an expression is in parentheses. */
  readonly sql: string;
  /** Plain name of the type; "unknown" for a bare literal. */
  readonly type: string;
  readonly draft: Draft | undefined;
  readonly column: Column | undefined;
  /** It comes out of a subquery that is planned on its own. */
  readonly barrier: boolean;
}

/** A rendered value of a table: what an index could hold. */
export interface Bound extends Rendered {
  readonly draft: Draft;
  readonly term: Term;
}

const DEPTH_MAX = 40;
const LITERAL_CHARS_MAX = 200;

/** What an index could hold for this expression: nothing, one term, or one for each UNION branch. */
export function bind(node: Node | undefined, scope: Scope): readonly Bound[] {
  if (node === undefined) return [];
  if ("ColumnRef" in node) {
    const source = sourceOf(node.ColumnRef, scope);
    return source === undefined ? [] : bindSource(source);
  }
  return bound(render(node, scope));
}

export function bindSource(source: Source): readonly Bound[] {
  if (source.kind === "union") return source.branches.flatMap(bindSource);
  if (source.kind === "expression" && "ColumnRef" in source.node) {
    const inner = sourceOf(source.node.ColumnRef, source.scope);
    return inner === undefined ? [] : bindSource(inner);
  }
  if (source.kind === "behind")
    return bindSource(source.source).map((each) => ({ ...each, barrier: true }));
  return bound(renderSource(source, 0));
}

function bound(rendered: Rendered | undefined): readonly Bound[] {
  if (rendered?.draft === undefined) return [];
  const term: Term = { column: rendered.column?.name, sql: rendered.sql };
  return [{ ...rendered, draft: rendered.draft, term }];
}

/** Undefined when it is not immutable, not of one table, or holds a parameter. */
export function render(
  node: Node | undefined,
  scope: Scope,
  depth: number = 0,
): Rendered | undefined {
  if (node === undefined || depth > DEPTH_MAX) return undefined;
  if ("ColumnRef" in node) {
    const source = sourceOf(node.ColumnRef, scope);
    return source === undefined ? undefined : renderSource(source, depth);
  }
  if ("A_Const" in node) return constant(node.A_Const);
  const parts = (nodes: readonly (Node | undefined)[]): readonly Rendered[] | undefined => {
    const all = nodes.map((each) => render(each, scope, depth + 1));
    return all.every((each) => each !== undefined) ? all : undefined;
  };
  if ("TypeCast" in node) return cast(node.TypeCast, render(node.TypeCast.arg, scope, depth + 1));
  if ("FuncCall" in node) return call(node.FuncCall, parts(node.FuncCall.args ?? []));
  if ("A_Expr" in node) return operation(node.A_Expr, parts);
  if ("CoalesceExpr" in node) return coalesce(parts(node.CoalesceExpr.args ?? []));
  if ("CollateClause" in node) {
    const arg = render(node.CollateClause.arg, scope, depth + 1);
    const name = namesOf(node.CollateClause.collname);
    if (arg === undefined || name.length === 0) return undefined;
    return combined([arg], arg.type, `${arg.sql} collate ${quoteQualified(name)}`);
  }
  return undefined;
}

function renderSource(source: Source, depth: number): Rendered | undefined {
  if (source.kind === "column") {
    const { column, draft } = source;
    const sql = quoteIdentifier(column.name);
    return { sql, type: column.baseType, draft, column, barrier: false };
  }
  if (source.kind === "expression") return render(source.node, source.scope, depth + 1);
  if (source.kind !== "behind") return undefined;
  const inner = renderSource(source.source, depth + 1);
  return inner && { ...inner, barrier: true };
}

type Constant = Extract<Node, { A_Const: unknown }>["A_Const"];

function constant(value: Constant): Rendered | undefined {
  const plain = (sql: string, type: string): Rendered => ({
    sql,
    type,
    draft: undefined,
    column: undefined,
    barrier: false,
  });
  // The parser leaves out false and 0, which are its defaults.
  if (value.boolval !== undefined) return plain(String(value.boolval.boolval ?? false), "bool");
  if (value.ival !== undefined) return plain(String(value.ival.ival ?? 0), "int4");
  if (value.fval !== undefined) return plain(value.fval.fval ?? "0", "numeric");
  if (value.sval === undefined) return undefined;
  const text = value.sval.sval ?? "";
  if (text.length > LITERAL_CHARS_MAX) return undefined;
  return plain(`'${text.replaceAll("'", "''")}'`, "unknown");
}

function cast({ typeName }: TypeCast, arg: Rendered | undefined): Rendered | undefined {
  if (arg === undefined || typeName === undefined || typeName.setof === true) return undefined;
  // A length or precision changes the value, and intervals have fields.
  if ((typeName.typmods ?? []).length > 0) return undefined;
  const to = typeOf(typeName);
  if (
    arg.column !== undefined &&
    (arg.type === to ||
      (isText(arg.type) && isText(to) && to !== "bpchar" && arg.type !== "bpchar"))
  )
    return arg;
  if (!castIsImmutable(arg.type, to)) return undefined;
  const array = typeName.arrayBounds === undefined ? "" : "[]";
  const type = quoteQualified(namesOf(typeName.names)) + array;
  return combined([arg], to, `${arg.sql}::${type}`);
}

function call(node: FuncCall, args: readonly Rendered[] | undefined): Rendered | undefined {
  const names = namesOf(node.funcname);
  const builtIn = names.length === 1 || (names.length === 2 && names[0] === "pg_catalog");
  const plain =
    node.over === undefined &&
    node.agg_star !== true &&
    node.agg_distinct !== true &&
    node.agg_filter === undefined &&
    node.agg_order === undefined &&
    node.func_variadic !== true;
  const name = names.at(-1);
  if (!builtIn || !plain || name === undefined || args === undefined) return undefined;
  const type = functionType(
    name,
    args.map((arg) => arg.type),
  );
  if (type === undefined) return undefined;
  // `extract` as a function needs its schema: its plain name is a keyword.
  const callee = names.map(quoteIdentifier).join(".");
  return combined(args, type, `${callee}(${args.map((arg) => arg.sql).join(", ")})`);
}

function operation(
  node: A_Expr,
  parts: (nodes: readonly (Node | undefined)[]) => readonly Rendered[] | undefined,
): Rendered | undefined {
  if (node.kind !== "AEXPR_OP" || node.rexpr === undefined) return undefined;
  const operator = operatorOf(node);
  const sides = parts(node.lexpr === undefined ? [node.rexpr] : [node.lexpr, node.rexpr]);
  const right = sides?.at(-1);
  if (sides === undefined || right === undefined) return undefined;
  const left = sides.length === 2 ? sides[0] : undefined;
  const type = operatorType(operator, left?.type, right.type);
  if (type === undefined) return undefined;
  const text =
    left === undefined ? `${operator} ${right.sql}` : `${left.sql} ${operator} ${right.sql}`;
  return combined(sides, type, text);
}

function coalesce(args: readonly Rendered[] | undefined): Rendered | undefined {
  if (args === undefined || args.length === 0) return undefined;
  const type = args.find((arg) => arg.type !== "unknown")?.type;
  if (type === undefined) return undefined;
  return combined(args, type, `coalesce(${args.map((arg) => arg.sql).join(", ")})`);
}

/** Of several tables, there is no index to hold it; of none, it is a constant. */
function combined(parts: readonly Rendered[], type: string, text: string): Rendered | undefined {
  const drafts = new Set(parts.flatMap((part) => part.draft ?? []));
  if (drafts.size > 1) return undefined;
  const [draft] = drafts;
  const barrier = parts.some((part) => part.barrier);
  return { sql: `(${text})`, type, draft, column: undefined, barrier };
}

/** Why an expression cannot be in an index, for people; names no value. */
export function whyNot(node: Node): string {
  if ("FuncCall" in node)
    return `${nameOf(node.FuncCall.funcname?.at(-1)) ?? "a function"}(…): not known to be immutable, or with a parameter inside`;
  if ("TypeCast" in node)
    return `a cast to ${typeOf(node.TypeCast.typeName)}: depends on a setting, or on a parameter`;
  if ("A_Expr" in node)
    return `an expression with ${operatorOf(node.A_Expr)}: with a parameter inside, or not immutable`;
  return "an expression that no index can hold";
}
