import type { Catalog, Relation } from "../catalog/types.ts";
import type { Parser } from "../parse/parse.ts";
import { isFields, walk } from "../parse/walk.ts";
import type { WorkStatement } from "../workload/types.ts";

/** Views within views are followed so deep. */
const VIEWS_DEPTH_MAX = 10;

/**
 * Oids of the relations that statements name, and of those that their views name. Names are taken
 * in every schema: one too many costs a little, one too few would leave statements without a plan.
 */
export function tablesOf(
  statements: readonly WorkStatement[],
  catalog: Catalog,
  parser: Parser,
): readonly number[] {
  const byName = Map.groupBy(catalog.relations, ({ name }) => name);
  const found = new Map<number, Relation>();
  const visit = (text: string, depth: number): void => {
    for (const name of namesIn(text, parser))
      for (const relation of byName.get(name) ?? []) {
        if (found.has(relation.oid)) continue;
        found.set(relation.oid, relation);
        if (relation.viewText !== undefined && depth < VIEWS_DEPTH_MAX)
          visit(relation.viewText, depth + 1);
      }
  };
  for (const { planText } of statements) visit(planText, 0);
  return [...found.keys()];
}

function namesIn(text: string, parser: Parser): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { tree } of parser.parse(text) ?? [])
    walk(tree, (node) => {
      // A RangeVar stands alone in INSERT, UPDATE and DELETE and under its name elsewhere.
      const name = node["relname"];
      if (typeof name === "string") names.add(name);
      if (isFields(node["RangeVar"]) && typeof node["RangeVar"]["relname"] === "string")
        names.add(node["RangeVar"]["relname"]);
    });
  return names;
}
