import { quoteIdentifier } from "hasten/postgres";
import type { Catalog, Relation } from "../catalog/types.ts";
import type { Node, RangeVar } from "../parse/nodes.ts";
import type { Parser } from "../parse/parse.ts";
import type { WorkStatement } from "../workload/types.ts";
import type { Place } from "./statement/comparison.ts";
import { addConditions } from "./statement/conditions.ts";
import { withCtes } from "./statement/ctes.ts";
import { addFrom, relationOf } from "./statement/from.ts";
import { markRead } from "./statement/read.ts";
import {
  addClause,
  childScope,
  type Draft,
  newDraft,
  type OutputColumn,
  QUERIES_MAX,
  SCANS_MAX,
  type Scope,
  type Walk,
} from "./statement/scope.ts";
import { walkSelect } from "./statement/select.ts";
import type { Scan, StatementFacts } from "./types.ts";

/** Children by inheritance for which a scan of their parent counts. */
const CHILDREN_MAX = 16;

/**
 * What a statement asks of the indexes of each table it reads: conditions, joins, order, columns.
 * Never throws: a clause, table or statement that cannot be understood is named in `skipped`.
 */
export function understand(
  statement: WorkStatement,
  catalog: Catalog,
  parser: Parser,
): StatementFacts {
  const { id, share } = statement;
  const parsed = parser.parse(statement.planText);
  if (parsed === undefined) return { id, share, scans: [], skipped: ["cannot be parsed"] };
  const walk: Walk = {
    catalog,
    parser,
    drafts: [],
    skipped: new Set(),
    queriesLeft: QUERIES_MAX,
    select: (query, scope, use) => walkSelect(query, scope, walk, use),
    statement: (node, scope) => walkStatement(node, scope, walk),
  };
  if (parsed.length > 1) walk.skipped.add("more than one statement: only the first is analysed");
  const [first] = parsed;
  if (first !== undefined)
    walkStatement(first.tree, childScope(undefined, { ctes: undefined, depth: 0 }), walk);
  const scans = walk.drafts.flatMap((draft) => scansOf(draft, catalog)).slice(0, SCANS_MAX);
  return { id, share, scans, skipped: [...walk.skipped] };
}

/** Statements within statements: EXPLAIN, PREPARE, DECLARE, COPY (…), CREATE TABLE AS. */
function innerOf(node: Node): Node | undefined {
  if ("ExplainStmt" in node) return node.ExplainStmt.query;
  if ("PrepareStmt" in node) return node.PrepareStmt.query;
  if ("DeclareCursorStmt" in node) return node.DeclareCursorStmt.query;
  if ("CreateTableAsStmt" in node) return node.CreateTableAsStmt.query;
  if ("CopyStmt" in node) return node.CopyStmt.query;
  return undefined;
}

function walkStatement(node: Node, scope: Scope, walk: Walk): readonly OutputColumn[] {
  if ("SelectStmt" in node) return walk.select(node.SelectStmt, scope, "all");
  if ("InsertStmt" in node) return walkInsert(node.InsertStmt, scope, walk);
  if ("UpdateStmt" in node) {
    const { relation, fromClause, whereClause } = node.UpdateStmt;
    return walkChange(
      node.UpdateStmt,
      { relation, others: fromClause, where: whereClause },
      scope,
      walk,
    );
  }
  if ("DeleteStmt" in node) {
    const { relation, usingClause, whereClause } = node.DeleteStmt;
    const columns = walkChange(
      node.DeleteStmt,
      { relation, others: usingClause, where: whereClause },
      scope,
      walk,
    );
    addReferencing(relation, scope, walk);
    return columns;
  }
  if ("MergeStmt" in node) {
    const { relation, sourceRelation, joinCondition } = node.MergeStmt;
    const others = sourceRelation === undefined ? [] : [sourceRelation];
    return walkChange(node.MergeStmt, { relation, others, where: joinCondition }, scope, walk);
  }
  const inner = innerOf(node);
  return inner === undefined ? [] : walkStatement(inner, scope, walk);
}

function walkInsert(
  statement: Extract<Node, { InsertStmt: unknown }>["InsertStmt"],
  outer: Scope,
  walk: Walk,
): readonly OutputColumn[] {
  const scope: Scope = { ...outer, ctes: withCtes(statement.withClause, statement, outer, walk) };
  const query = statement.selectStmt;
  if (query !== undefined && "SelectStmt" in query) walk.select(query.SelectStmt, scope, "all");
  return returned(statement, scope, walk);
}

type Changing = Pick<
  Extract<Node, { UpdateStmt: unknown }>["UpdateStmt"],
  "withClause" | "returningClause" | "targetList"
> & { readonly mergeWhenClauses?: readonly Node[] };

/** UPDATE, DELETE and MERGE: the changed table is one of the joined ones, and read whole. */
function walkChange(
  statement: Changing,
  parts: {
    readonly relation: RangeVar | undefined;
    readonly others: readonly Node[] | undefined;
    readonly where: Node | undefined;
  },
  outer: Scope,
  walk: Walk,
): readonly OutputColumn[] {
  const ctes = withCtes(statement.withClause, statement, outer, walk);
  const scope: Scope = { ...childScope(outer.parent, { ctes, depth: outer.depth }) };
  const { relation: table } = parts;
  const before = walk.drafts.length;
  // The changed table is never a CTE of the same name.
  if (table !== undefined) addFrom({ RangeVar: table }, { ...scope, ctes: undefined }, walk);
  for (const draft of walk.drafts.slice(before)) draft.whole = true;
  for (const node of parts.others ?? []) addFrom(node, scope, walk);
  const place: Place = { scope, walk, accepts: () => true };
  for (const part of [parts.where, statement.targetList, statement.mergeWhenClauses])
    markRead(part, scope, walk);
  addConditions(parts.where, place);
  return returned(statement, scope, walk);
}

function returned(
  statement: Pick<Changing, "returningClause">,
  scope: Scope,
  walk: Walk,
): readonly OutputColumn[] {
  const list = statement.returningClause?.exprs ?? [];
  markRead(list, scope, walk);
  return walk.select(
    { targetList: list },
    childScope(undefined, { ctes: undefined, depth: scope.depth }),
    "nothing",
  );
}

/** Deleting a row looks for rows that reference it, by their foreign keys. */
function addReferencing(table: RangeVar | undefined, scope: Scope, walk: Walk): void {
  const target = table === undefined ? undefined : relationOf(table, walk);
  if (target === undefined) return;
  for (const relation of walk.catalog.relations)
    for (const key of relation.foreignKeys) {
      if (key.references !== target.oid || walk.drafts.length >= SCANS_MAX) continue;
      const draft = newDraft(walk, relation, { inherits: false, depth: scope.depth });
      draft.whole = true;
      for (const column of key.columns)
        addClause(draft, {
          kind: "join",
          term: { column, sql: quoteIdentifier(column) },
          other: target.oid,
        });
    }
}

/** One scan; one more for each arm of an OR, each further order, each child by inheritance. */
function scansOf(draft: Draft, catalog: Catalog): readonly Scan[] {
  const { relation, clauses, orders, grouped } = draft;
  const all = draft.whole || draft.read.size >= relation.columns.length;
  const columns = all ? undefined : [...draft.read];
  const base = { relation: relation.oid, clauses, grouped, columns };
  const [first, ...more] = orders;
  const scans: Scan[] = [
    { ...base, order: first?.items ?? [], limited: first?.limited ?? false },
    ...more.map(({ items, limited }) => ({ ...base, order: items, limited })),
    ...draft.alternatives.flatMap((arms) =>
      arms.map((arm) => ({
        ...base,
        clauses: [...clauses, ...arm],
        grouped: [],
        order: [],
        limited: false,
      })),
    ),
  ];
  const children = draft.inherits ? childrenOf(relation, catalog) : [];
  return [
    ...scans,
    ...children.flatMap((child) => scans.map((scan) => ({ ...scan, relation: child.oid }))),
  ];
}

/** Partitions are reached by their root's indexes; children by inheritance need their own. */
function childrenOf(relation: Relation, catalog: Catalog): readonly Relation[] {
  if (relation.kind !== "table") return [];
  const found: Relation[] = [relation];
  for (const each of found)
    for (const child of catalog.relations)
      if (
        child.parents.includes(each.oid) &&
        !found.includes(child) &&
        found.length <= CHILDREN_MAX
      )
        found.push(child);
  return found.slice(1);
}
