/** Mistakes, planted: the analysis is given another tree than the text's. Each must be found. */
import type { ParseText } from "../../src/postgres/statements/parser.ts";
import { isTree, type Tree, type Typed } from "../../src/postgres/statements/tree.ts";

type Change = (type: string, tree: Tree) => Tree;

/** Rewrites every node, deepest first. */
function rewritten(value: unknown, change: Change): unknown {
  if (Array.isArray(value)) return value.map((item) => rewritten(item, change));
  if (!isTree(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => {
      const next = rewritten(inner, change);
      const type = UNWRAPPED.get(field) ?? field;
      return [field, isTree(next) ? change(type, next) : next];
    }),
  );
}

/** Fields whose node has no type around it. */
const UNWRAPPED: ReadonlyMap<string, string> = new Map([
  ["withClause", "WithClause"],
  ["larg", "SelectStmt"],
  ["rarg", "SelectStmt"],
]);

const without = (tree: Tree, ...fields: readonly string[]): Tree =>
  Object.fromEntries(Object.entries(tree).filter(([field]) => !fields.includes(field)));

const on =
  (wanted: string, change: (tree: Tree) => Tree): Change =>
  (type, tree) =>
    type === wanted ? change(tree) : tree;

export const MUTANTS: Readonly<Record<string, Change>> = {
  "ON of an outer join keeps rows out of both sides": on("JoinExpr", (tree) =>
    tree["jointype"] === "JOIN_INNER" ? tree : { ...tree, jointype: "JOIN_INNER" },
  ),
  "the sides of outer joins are confused": on("JoinExpr", (tree) => ({
    ...tree,
    jointype:
      { JOIN_LEFT: "JOIN_RIGHT", JOIN_RIGHT: "JOIN_LEFT" }[String(tree["jointype"])] ??
      tree["jointype"],
  })),
  "OR is taken for AND": on("BoolExpr", (tree) =>
    tree["boolop"] === "OR_EXPR" ? { ...tree, boolop: "AND_EXPR" } : tree,
  ),
  "NOT is not seen": on("BoolExpr", (tree) =>
    tree["boolop"] === "NOT_EXPR" ? { ...tree, boolop: "AND_EXPR" } : tree,
  ),
  "any comparison is an equality": on("A_Expr", (tree) =>
    tree["kind"] === "AEXPR_OP" ? { ...tree, name: [{ String: { sval: "=" } }] } : tree,
  ),
  "qualifiers are not looked at": on("ColumnRef", (tree) => {
    const fields = tree["fields"];
    return Array.isArray(fields) ? { ...tree, fields: fields.slice(-1) } : tree;
  }),
  "a WITH query sees itself": on("WithClause", (tree) => ({ ...tree, recursive: true })),
  "WITH queries are not read": on("CommonTableExpr", (tree) => without(tree, "ctequery")),
  "subqueries in conditions are not read": on("SubLink", (tree) => without(tree, "subselect")),
  "subqueries in FROM are not read": on("RangeSubselect", (tree) => without(tree, "subquery")),
  "the right side of a set operation is not read": on("SelectStmt", (tree) =>
    without(tree, "rarg"),
  ),
  "only the first table is read": on("SelectStmt", (tree) => {
    const [item] = Array.isArray(tree["fromClause"]) ? tree["fromClause"] : [];
    const join = isTree(item) && isTree(item["JoinExpr"]) ? item["JoinExpr"] : undefined;
    return join === undefined ? tree : { ...tree, fromClause: [join["larg"]] };
  }),
};

/** A parser that makes one mistake. */
export function mistaken(parse: ParseText, name: string): ParseText {
  const change = MUTANTS[name]!;
  return (text) =>
    parse(text).map((statement) => {
      const node = rewritten({ [statement.type]: statement.tree }, change) as Tree;
      return { type: statement.type, tree: node[statement.type] as Tree } satisfies Typed;
    });
}
