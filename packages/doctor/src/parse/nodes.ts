import type { A_Expr, Node, TypeName } from "libpg-query";

export type {
  A_Expr,
  Alias,
  BoolExpr,
  BooleanTest,
  ColumnRef,
  CommonTableExpr,
  FuncCall,
  JoinExpr,
  Node,
  NullTest,
  RangeSubselect,
  RangeVar,
  SelectStmt,
  SortBy,
  SubLink,
  TypeCast,
  WindowDef,
  WithClause,
} from "libpg-query";

/** Kinds of statement that EXPLAIN plans without running anything. */
export const PLANNED: ReadonlySet<string> = new Set([
  "SelectStmt",
  "InsertStmt",
  "UpdateStmt",
  "DeleteStmt",
  "MergeStmt",
]);

/** Text of a `String` node. */
export function nameOf(node: Node | undefined): string | undefined {
  return node !== undefined && "String" in node ? node.String.sval : undefined;
}

export function namesOf(nodes: readonly Node[] | undefined): string[] {
  return (nodes ?? []).flatMap((node) => nameOf(node) ?? []);
}

/** The operator without its schema: `OPERATOR(pg_catalog.=)` is "=". */
export function operatorOf(expression: A_Expr): string {
  return nameOf(expression.name?.at(-1)) ?? "";
}

/** Plain name of a type: "int4" for integer; an array's starts with "_", as in pg_type. */
export function typeOf(type: TypeName | undefined): string {
  const name = nameOf(type?.names?.at(-1)) ?? "";
  return type?.arrayBounds === undefined ? name : `_${name}`;
}

/** Integer constant of an ordinal such as ORDER BY 1. */
export function ordinalOf(node: Node): number | undefined {
  return "A_Const" in node ? node.A_Const.ival?.ival : undefined;
}

/** Items of a list: `IN (1, 2)`, `BETWEEN 1 AND 2`, `ARRAY[1, 2]`, `ROW(1, 2)`. */
export function itemsOf(node: Node | undefined): readonly Node[] | undefined {
  if (node === undefined) return undefined;
  if ("List" in node) return node.List.items ?? [];
  if ("A_ArrayExpr" in node) return node.A_ArrayExpr.elements ?? [];
  if ("RowExpr" in node) return node.RowExpr.args ?? [];
  return undefined;
}

export function isNullConstant(node: Node | undefined): boolean {
  if (node === undefined) return false;
  if ("TypeCast" in node) return isNullConstant(node.TypeCast.arg);
  return "A_Const" in node && node.A_Const.isnull === true;
}

/** Text of a string constant, below a cast too. */
export function stringOf(node: Node | undefined): string | undefined {
  if (node === undefined) return undefined;
  if ("TypeCast" in node) return stringOf(node.TypeCast.arg);
  return "A_Const" in node ? node.A_Const.sval?.sval : undefined;
}

/**
 * Every node at and below `root`, parents first; `see` answers whether to go below the node.
 * Without recursion, so that no tree is too deep for it.
 */
export function visit(root: unknown, see: (node: Node) => boolean): void {
  const waiting: unknown[] = [root];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== "object" || value === null) continue;
    if (!Array.isArray(value) && isNode(value) && !see(value)) continue;
    const below = Object.values(value);
    for (let at = below.length - 1; at >= 0; at -= 1) waiting.push(below[at]);
  }
}

/** Nodes are objects with one key that names their kind; kinds, unlike fields, are capitalised. */
function isNode(value: object): value is Node {
  const [kind, more] = Object.keys(value);
  return kind !== undefined && more === undefined && /^[A-Z]/.test(kind);
}
