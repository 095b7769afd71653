/** INSERT, UPDATE, DELETE and MERGE, alone or in a WITH clause: what they write, and what they call. */
import { isTree, type Typed, text } from "./tree.ts";
import type { Scope, Target } from "./uses.ts";
import type { Walker } from "./walker.ts";

const HOW: ReadonlyMap<string, Target["how"]> = new Map([
  ["InsertStmt", "insert"],
  ["UpdateStmt", "update"],
  ["DeleteStmt", "delete"],
  ["MergeStmt", "merge"],
]);

export const DATA_STATEMENTS: ReadonlySet<string> = new Set(HOW.keys());

const PARTS: ReadonlySet<string> = new Set(["relation", "withClause"]);

export function scanDataStatement(walker: Walker, node: Typed, outer: Scope): void {
  const { tree, type } = node;
  const relation = isTree(tree["relation"]) ? tree["relation"] : {};
  const schema = relation["schemaname"];
  walker.uses.targets.push({
    // Never a common table expression, whatever its name.
    name: {
      schema: schema === undefined ? undefined : text(schema),
      name: text(relation["relname"]),
    },
    // ON CONFLICT DO UPDATE may update: cascades of updates count.
    how: tree["onConflictClause"] === undefined ? HOW.get(type)! : "merge",
    cascades: false,
  });
  walker.fields(node, walker.with(tree["withClause"], outer), PARTS);
}
