/**
 * Walks a SELECT or a statement that writes rows, and gathers what it names.
 *
 * Invariants:
 * - Every node is either walked by its entry in NODES or handled here by name; anything else refuses.
 * - A name is a common table expression only where PostgreSQL would take it for one: unqualified,
 *   and in the scope of its WITH (of its own query only under WITH RECURSIVE).
 * - A condition is gathered for a table only if rows of it that do not satisfy it cannot matter:
 *   WHERE for every table of the FROM clause, whatever joins them; ON of an inner join for both
 *   sides, of an outer join for the side that may be missing only.
 */

import { NODES } from "./nodes.ts";
import { DATA_STATEMENTS, scanDataStatement } from "./scan-data.ts";
import { FROM_NODES, scanFrom } from "./scan-from.ts";
import { LEAVES, type Leaf } from "./scan-leaves.ts";
import { isTree, listOf, type Tree, type Typed, typed } from "./tree.ts";
import { type Level, newLevel, noUses, Scope, type Uses } from "./uses.ts";
import type { Walker } from "./walker.ts";

/** Never throws. */
export function scan(statement: Typed): Uses {
  const walker = createWalker();
  walker.node({ [statement.type]: statement.tree }, new Scope());
  return walker.uses;
}

function createWalker(): Walker {
  const uses = noUses();
  const walker: Walker = {
    uses,
    refuse(because) {
      uses.refusal ??= because;
    },
    unknown(because) {
      uses.refusal ??= because;
      uses.mayHide = true;
    },
    node(value, scope) {
      // An absent node, or an empty place such as that of plain DISTINCT.
      if (value === undefined || (isTree(value) && Object.keys(value).length === 0)) return;
      const node = typed(value);
      if (node === undefined) {
        walker.unknown("a clause of an unknown form");
        return;
      }
      walkTyped(walker, node, scope);
    },
    nodes(value, scope) {
      if (value !== undefined && !Array.isArray(value)) {
        walker.unknown("a list of an unknown form");
        return;
      }
      for (const item of listOf(value)) walker.node(item, scope);
    },
    fields: (node, scope, but) => walkFields(walker, { node, but: but ?? NONE }, scope),
    with: (clause, scope) => walkWith(walker, clause, scope),
  };
  return walker;
}

const NONE: ReadonlySet<string> = new Set();

function walkTyped(walker: Walker, node: Typed, scope: Scope): void {
  if (node.type === "SelectStmt") {
    walkSelect(walker, node, scope);
    return;
  }
  if (DATA_STATEMENTS.has(node.type)) {
    scanDataStatement(walker, node, scope);
    return;
  }
  // Outside a FROM clause its tables are those of no SELECT: no condition is known of them.
  if (FROM_NODES.has(node.type)) {
    scanFrom(walker, { item: { [node.type]: node.tree }, level: newLevel() }, scope);
    return;
  }
  const leaf: Leaf | undefined = LEAVES.get(node.type);
  if (leaf !== undefined) leaf(walker, node.tree);
  if (leaf === undefined || NODES.has(node.type)) walker.fields(node, scope);
}

function walkFields(
  walker: Walker,
  { node, but }: { node: Typed; but: ReadonlySet<string> },
  scope: Scope,
): void {
  const fields = NODES.get(node.type);
  if (fields === undefined) {
    walker.unknown(`${node.type}, which is not known`);
    return;
  }
  for (const [name, value] of Object.entries(node.tree)) {
    if (but.has(name)) continue;
    const kind = fields.get(name);
    if (kind === undefined) {
      walker.unknown(`${name} of ${node.type}, which is not known`);
      return;
    }
    if (kind === "node") walker.node(value, scope);
    else if (kind === "nodes") walker.nodes(value, scope);
    else if (kind !== "plain") walker.node({ [kind.of]: value }, scope);
    else if (typeof value === "object" && node.type !== "A_Const") {
      walker.unknown(`${name} of ${node.type}, which has an unknown form`);
      return;
    }
  }
}

const SELECT_PARTS: ReadonlySet<string> = new Set([
  "withClause",
  "fromClause",
  "lockingClause",
  "intoClause",
]);

function walkSelect(walker: Walker, node: Typed, outer: Scope): void {
  const { tree } = node;
  if (listOf(tree["lockingClause"]).length > 0) walker.refuse("row locks (FOR UPDATE, FOR SHARE)");
  if (tree["intoClause"] !== undefined) walker.refuse("SELECT INTO");
  const scope = walker.with(tree["withClause"], outer);
  const level = newLevel();
  for (const item of listOf(tree["fromClause"])) scanFrom(walker, { item, level }, scope);
  condition(level, tree["whereClause"]);
  walker.fields(node, scope, SELECT_PARTS);
}

function condition(level: Level, tree: unknown): void {
  if (tree !== undefined) level.conditions.push({ tree, of: undefined });
}

function walkWith(walker: Walker, clause: unknown, outer: Scope): Scope {
  if (clause === undefined) return outer;
  if (!isTree(clause)) {
    walker.unknown("a WITH clause of an unknown form");
    return outer;
  }
  const scope = new Scope(outer);
  const expressions = listOf(clause["ctes"]).map(typed);
  const recursive = clause["recursive"] === true;
  if (recursive) for (const it of expressions) scope.add(nameOf(it?.tree));
  for (const it of expressions) {
    if (it?.type !== "CommonTableExpr") {
      walker.unknown("a WITH clause of an unknown form");
      continue;
    }
    // Without RECURSIVE a query sees the ones before it only: its own name is a table's.
    walker.fields(it, scope);
    scope.add(nameOf(it.tree));
  }
  return scope;
}

function nameOf(tree: Tree | undefined): string {
  const name = tree?.["ctename"];
  return typeof name === "string" ? name : "";
}
