/** One item of a FROM clause: tables with the conditions of their joins. */
import { isTree, listOf, names, type Tree, text, typed } from "./tree.ts";
import type { Level, RelationUse, Scope } from "./uses.ts";
import type { Walker } from "./walker.ts";

export const FROM_NODES: ReadonlySet<string> = new Set(["RangeVar", "JoinExpr"]);

interface Place {
  readonly item: unknown;
  readonly level: Level;
}

/** Gives the tables in it, for the conditions of the joins around it. */
export function scanFrom(walker: Walker, place: Place, scope: Scope): readonly RelationUse[] {
  const node = typed(place.item);
  if (node?.type === "RangeVar") return rangeVar(walker, { ...place, item: node.tree }, scope);
  if (node?.type === "JoinExpr") return join(walker, { ...place, item: node.tree }, scope);
  // A subquery has a level of its own; a function has none.
  walker.node(place.item, scope);
  return [];
}

const RANGE_VAR_FIELDS: ReadonlySet<string> = new Set([
  "catalogname",
  "schemaname",
  "relname",
  "inh",
  "relpersistence",
  "alias",
  "location",
]);

function rangeVar(walker: Walker, { item, level }: Place, scope: Scope): readonly RelationUse[] {
  const tree = item as Tree;
  for (const field of Object.keys(tree))
    if (!RANGE_VAR_FIELDS.has(field)) walker.unknown(`${field} of RangeVar, which is not known`);
  const alias = isTree(tree["alias"]) ? tree["alias"] : undefined;
  const name = text(tree["relname"]);
  const schema = tree["schemaname"] === undefined ? undefined : text(tree["schemaname"]);
  if (schema === undefined && scope.has(name)) return [];
  const use: RelationUse = {
    name: { schema, name },
    refname: alias === undefined ? name : text(alias["aliasname"]),
    renamed: listOf(alias?.["colnames"]).length > 0,
    level,
  };
  walker.uses.relations.push(use);
  level.tables.push(use);
  return [use];
}

const JOIN_PARTS: ReadonlySet<string> = new Set(["larg", "rarg"]);

function join(walker: Walker, { item, level }: Place, scope: Scope): readonly RelationUse[] {
  const tree = item as Tree;
  const left = scanFrom(walker, { item: tree["larg"], level }, scope);
  const right = scanFrom(walker, { item: tree["rarg"], level }, scope);
  const restricted = restrictedBy(walker, text(tree["jointype"]), { left, right });
  if (tree["quals"] !== undefined && restricted.length > 0)
    level.conditions.push({ tree: tree["quals"], of: new Set(restricted) });
  if (tree["isNatural"] === true) level.natural = true;
  if (tree["alias"] !== undefined || tree["join_using_alias"] !== undefined) level.aliased = true;
  for (const name of names(tree["usingClause"]) ?? []) level.merged.add(name);
  walker.fields({ type: "JoinExpr", tree }, scope, JOIN_PARTS);
  return [...left, ...right];
}

/** The sides whose rows the join's condition keeps out; rows of the others appear without it. */
function restrictedBy(
  walker: Walker,
  type: string,
  { left, right }: { left: readonly RelationUse[]; right: readonly RelationUse[] },
): readonly RelationUse[] {
  switch (type) {
    case "JOIN_INNER":
      return [...left, ...right];
    case "JOIN_LEFT":
      return right;
    case "JOIN_RIGHT":
      return left;
    case "JOIN_FULL":
      return [];
    default:
      walker.unknown(`${type}, which is not known`);
      return [];
  }
}
