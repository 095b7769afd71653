/** Nodes that name something, or that cannot be cached; what is below them is walked as usual. */
import { isTree, listOf, names, qualified, type Tree, text, typed } from "./tree.ts";
import type { Walker } from "./walker.ts";

export type Leaf = (walker: Walker, tree: Tree) => void;

const SYSTEM_COLUMNS: ReadonlySet<string> = new Set([
  "ctid",
  "xmin",
  "xmax",
  "cmin",
  "cmax",
  "tableoid",
]);

/** Types whose values are looked up in the catalog by name; those of searches are looked at. */
const CATALOG_TYPE = /^_?(reg(?!config$|dictionary$)[a-z]+|aclitem)$/;
/** PostgreSQL takes no longer text for a date. */
const DATE_LENGTH_MAX = 128;
const RELATIVE_DATE = /(^|[^a-z])(now|today|tomorrow|yesterday)([^a-z]|$)/i;

export const LEAVES: ReadonlyMap<string, Leaf> = new Map<string, Leaf>([
  ["FuncCall", functionCall],
  ["A_Expr", operator],
  ["SubLink", (walker, tree) => addOperator(walker, tree["operName"])],
  ["SortBy", (walker, tree) => addOperator(walker, tree["useOp"])],
  ["TypeName", typeName],
  ["ColumnRef", columnReference],
  ["A_Indirection", indirection],
  ["A_Const", constant],
  ["ParamRef", parameter],
  ["SQLValueFunction", (walker, tree) => walker.refuse(valueFunction(text(tree["op"])))],
  ["RangeTableSample", (walker) => walker.unknown("TABLESAMPLE")],
  ["CurrentOfExpr", (walker) => walker.refuse("WHERE CURRENT OF")],
]);

function functionCall(walker: Walker, tree: Tree): void {
  const name = qualified(tree["funcname"]);
  if (name === undefined) {
    walker.unknown("a function name of an unknown form");
    return;
  }
  const ordered = tree["agg_within_group"] === true ? listOf(tree["agg_order"]).length : 0;
  walker.uses.functions.push({ name, argumentCount: listOf(tree["args"]).length + ordered });
}

/** Kinds of expression whose name is no operator's. */
const RANGES: ReadonlySet<string> = new Set([
  "AEXPR_BETWEEN",
  "AEXPR_NOT_BETWEEN",
  "AEXPR_BETWEEN_SYM",
  "AEXPR_NOT_BETWEEN_SYM",
]);

function operator(walker: Walker, tree: Tree): void {
  if (!RANGES.has(text(tree["kind"]))) {
    addOperator(walker, tree["name"]);
    return;
  }
  for (const name of ["<", "<=", ">", ">="]) walker.uses.operators.add(name);
}

function addOperator(walker: Walker, value: unknown): void {
  if (value === undefined) return;
  const name = names(value)?.at(-1);
  if (name === undefined) walker.unknown("an operator of an unknown form");
  else walker.uses.operators.add(name);
}

function typeName(walker: Walker, tree: Tree): void {
  const name = qualified(tree["names"]);
  if (name === undefined) {
    walker.unknown("a type name of an unknown form");
    return;
  }
  if (CATALOG_TYPE.test(name.name)) {
    walker.refuse(`the type ${name.name}, a catalog look-up`);
    return;
  }
  walker.uses.types.push(name);
}

function columnReference(walker: Walker, tree: Tree): void {
  const fields = listOf(tree["fields"]);
  const last = typed(fields.at(-1));
  if (last?.type !== "String") return;
  const name = text(last.tree["sval"]);
  if (SYSTEM_COLUMNS.has(name)) walker.refuse(`the system column ${name}`);
  if (fields.length > 1) walker.uses.fields.add(name);
}

function indirection(walker: Walker, tree: Tree): void {
  for (const item of listOf(tree["indirection"])) {
    const node = typed(item);
    if (node?.type === "String") walker.uses.fields.add(text(node.tree["sval"]));
  }
}

function constant(walker: Walker, tree: Tree): void {
  const value = isTree(tree["sval"]) ? text(tree["sval"]["sval"]) : "";
  if (isRelativeDate(value)) walker.refuse(`the text '${value}', which may be a relative date`);
}

/** Whether a date could be read from it that is another one tomorrow. */
export function isRelativeDate(value: string): boolean {
  return value.length <= DATE_LENGTH_MAX && RELATIVE_DATE.test(value);
}

function parameter(walker: Walker, tree: Tree): void {
  const number = typeof tree["number"] === "number" ? tree["number"] : 0;
  const { parameters } = walker.uses;
  parameters.set(number, (parameters.get(number) ?? 0) + 1);
}

/** `SVFOP_CURRENT_DATE` is `current_date`. */
function valueFunction(op: string): string {
  return op
    .replace(/^SVFOP_/, "")
    .replace(/_N$/, "")
    .toLowerCase();
}
