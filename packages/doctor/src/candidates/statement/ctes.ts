import { type CommonTableExpr, namesOf, visit, type WithClause } from "../../parse/nodes.ts";
import {
  type Cte,
  type Ctes,
  childScope,
  OPAQUE,
  type OutputColumn,
  type Scope,
  type Walk,
} from "./scope.ts";

/** The names that WITH adds; each CTE sees those before it. */
export function withCtes(
  clause: WithClause | undefined,
  statement: unknown,
  scope: Scope,
  walk: Walk,
): Ctes | undefined {
  let ctes = scope.ctes;
  for (const node of clause?.ctes ?? []) {
    if (!("CommonTableExpr" in node)) continue;
    const cte = node.CommonTableExpr;
    const made = cteOf(
      cte,
      { outer: { ...scope, ctes }, statement, recursive: clause?.recursive === true },
      walk,
    );
    ctes = { named: new Map([[cte.ctename ?? "", made]]), outer: ctes };
  }
  return ctes;
}

interface CtePlace {
  readonly outer: Scope;
  readonly statement: unknown;
  readonly recursive: boolean;
}

function cteOf(cte: CommonTableExpr, place: CtePlace, walk: Walk): Cte {
  const names = namesOf(cte.aliascolnames);
  const renamed = (columns: readonly OutputColumn[]): readonly OutputColumn[] =>
    columns.map(({ name, source }, at) => ({ name: names[at] ?? name, source }));
  const hidden = (columns: readonly OutputColumn[]): readonly OutputColumn[] =>
    renamed(columns).map(({ name }) => ({ name, source: OPAQUE }));
  const query = cte.ctequery;
  if (query === undefined) return { columns: () => [] };
  const within = (depth: number): Scope =>
    childScope(place.outer.parent, { ctes: place.outer.ctes, depth });
  if (!("SelectStmt" in query)) {
    const columns = hidden(walk.statement(query, within(place.outer.depth + 1)));
    return { columns: () => columns };
  }
  const select = query.SelectStmt;
  const uses = references(cte.ctename ?? "", place.statement);
  if (place.recursive && references(cte.ctename ?? "", select) > 0)
    return recursiveCte(cte, { within: within(place.outer.depth + 1), hidden }, walk);
  const inlined =
    cte.ctematerialized === "CTEMaterializeNever" ||
    (cte.ctematerialized !== "CTEMaterializeAlways" && uses === 1);
  if (inlined)
    return { columns: (depth) => renamed(walk.select(select, within(depth), "on-reference")) };
  let known: readonly OutputColumn[] | undefined;
  return {
    columns: (depth) => {
      known ??= hidden(walk.select(select, within(depth), "all"));
      return known;
    },
  };
}

/** The first branch gives the names; the second reads the rows found so far, of which nothing is known. */
function recursiveCte(
  cte: CommonTableExpr,
  at: {
    readonly within: Scope;
    readonly hidden: (columns: readonly OutputColumn[]) => readonly OutputColumn[];
  },
  walk: Walk,
): Cte {
  const query =
    cte.ctequery !== undefined && "SelectStmt" in cte.ctequery ? cte.ctequery.SelectStmt : {};
  const ctes = withCtes(query.withClause, query, at.within, walk);
  const branch = (ctesOf: Ctes | undefined): Scope =>
    childScope(at.within.parent, { ctes: ctesOf, depth: at.within.depth });
  const columns = at.hidden(
    query.larg === undefined ? [] : walk.select(query.larg, branch(ctes), "all"),
  );
  const self: Cte = { columns: () => columns };
  const seen: Ctes = { named: new Map([[cte.ctename ?? "", self]]), outer: ctes };
  if (query.rarg !== undefined) walk.select(query.rarg, branch(seen), "all");
  return self;
}

function references(name: string, root: unknown): number {
  let count = 0;
  visit(root, (node) => {
    if (
      "RangeVar" in node &&
      node.RangeVar.relname === name &&
      node.RangeVar.schemaname === undefined
    )
      count += 1;
    return true;
  });
  return count;
}
