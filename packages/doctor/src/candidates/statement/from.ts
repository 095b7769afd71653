import type { Relation } from "../../catalog/types.ts";
import type { Alias, JoinExpr, Node, RangeSubselect, RangeVar } from "../../parse/nodes.ts";
import { nameOf, namesOf } from "../../parse/nodes.ts";
import { hasOrder } from "./comparison.ts";
import { addConditions } from "./conditions.ts";
import { bindSource } from "./expression.ts";
import { markRead, markSource } from "./read.ts";
import {
  addClause,
  type Cte,
  childScope,
  type Draft,
  newDraft,
  OPAQUE,
  type OutputColumn,
  type Range,
  type Scope,
  type Source,
  type Walk,
} from "./scope.ts";

/** Adds an entry of FROM, and what its joins ask, to the scope. */
export function addFrom(node: Node, scope: Scope, walk: Walk): void {
  if ("RangeVar" in node) addTable(node.RangeVar, scope, walk);
  else if ("RangeSubselect" in node) addSubquery(node.RangeSubselect, scope, walk);
  else if ("JoinExpr" in node) addJoin(node.JoinExpr, scope, walk);
  else addUnknown(node, scope, walk);
}

function addTable(table: RangeVar, scope: Scope, walk: Walk): void {
  const name = table.relname ?? "";
  const cte = table.schemaname === undefined ? cteNamed(name, scope) : undefined;
  if (cte !== undefined) {
    pushRange(scope, {
      name,
      alias: table.alias,
      columns: cte.columns(scope.depth + 1),
      schema: undefined,
    });
    return;
  }
  const relation = relationOf(table, walk);
  if (relation === undefined || relation.kind === "foreign") {
    walk.skipped.add(
      `${name}: ${relation === undefined ? "not a table of this database's schemas" : "a foreign table"}`,
    );
    scope.ranges.push({
      name: table.alias?.aliasname ?? name,
      schema: undefined,
      columns: new Map(),
      open: true,
    });
    return;
  }
  const columns =
    relation.kind === "view"
      ? viewColumns(relation, scope, walk)
      : tableColumns(
          newDraft(walk, relation, { inherits: table.inh ?? false, depth: scope.depth }),
        );
  pushRange(scope, { name, alias: table.alias, columns, schema: relation.schema });
}

export function tableColumns(draft: Draft): readonly OutputColumn[] {
  return draft.relation.columns.map((column) => ({
    name: column.name,
    source: { kind: "column", draft, column },
  }));
}

/** By its schema, or by the first of the search path that has it. */
export function relationOf(table: RangeVar, { catalog }: Walk): Relation | undefined {
  const schemas = table.schemaname === undefined ? catalog.searchPath : [table.schemaname];
  for (const schema of schemas) {
    const found = catalog.relations.find(
      (each) => each.schema === schema && each.name === table.relname,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

function viewColumns(view: Relation, scope: Scope, walk: Walk): readonly OutputColumn[] {
  const [statement] = walk.parser.parse(view.viewText ?? "") ?? [];
  const opaque = view.columns.map(({ name }) => ({ name, source: OPAQUE }));
  if (statement === undefined || !("SelectStmt" in statement.tree)) {
    walk.skipped.add(`${view.name}: a view whose query cannot be read`);
    return opaque;
  }
  const inner = childScope(undefined, { ctes: undefined, depth: scope.depth + 1 });
  const columns = walk.select(statement.tree.SelectStmt, inner, "on-reference");
  // A view's columns keep their names when those of its tables change.
  return opaque.map(({ name }, at) => ({ name, source: columns[at]?.source ?? OPAQUE }));
}

function cteNamed(name: string, scope: Scope): Cte | undefined {
  for (let ctes = scope.ctes; ctes !== undefined; ctes = ctes.outer) {
    const found = ctes.named.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function addSubquery(range: RangeSubselect, scope: Scope, walk: Walk): void {
  const query = range.subquery;
  if (query === undefined || !("SelectStmt" in query)) return;
  // LATERAL sees what stands before it, not itself.
  const before = { ...scope, ranges: [...scope.ranges], merged: new Map(scope.merged) };
  const parent = range.lateral === true ? before : scope.parent;
  const inner = childScope(parent, { ctes: scope.ctes, depth: scope.depth + 1 });
  const columns = walk.select(query.SelectStmt, inner, "on-reference");
  pushRange(scope, { name: "", alias: range.alias, columns, schema: undefined });
}

/** Functions, VALUES, samples and whatever else has rows that no index serves. */
function addUnknown(node: Node, scope: Scope, walk: Walk): void {
  const [body] = Object.values(node) as { alias?: Alias }[];
  markRead(node, scope, walk);
  scope.ranges.push({
    name: body?.alias?.aliasname ?? "",
    schema: undefined,
    columns: new Map(namesOf(body?.alias?.colnames).map((name) => [name, OPAQUE])),
    open: true,
  });
}

function pushRange(
  scope: Scope,
  from: {
    readonly name: string;
    readonly alias: Alias | undefined;
    readonly columns: readonly OutputColumn[];
    readonly schema: string | undefined;
  },
): void {
  const renamed = namesOf(from.alias?.colnames);
  const columns = new Map<string, Source>();
  from.columns.forEach(({ name, source }, at) => {
    const known = renamed[at] ?? name;
    if (!columns.has(known)) columns.set(known, source);
  });
  const alias = from.alias?.aliasname;
  // An alias hides the schema.
  const schema = alias === undefined ? from.schema : undefined;
  scope.ranges.push({ name: alias ?? from.name, schema, columns, open: false });
}

function addJoin(join: JoinExpr, scope: Scope, walk: Walk): void {
  const start = scope.ranges.length;
  const mergedBefore = new Map(scope.merged);
  const left = side(join.larg, scope, walk);
  const mergedLeft = new Map(scope.merged);
  const right = side(join.rarg, scope, walk);
  const accepts = accepted(join, left.drafts, right.drafts);
  for (const name of commonNames(join, left, right))
    mergeColumn(name, { join, left, right, mergedLeft }, { scope, walk, accepts });
  markRead(join.quals, scope, walk);
  addConditions(join.quals, { scope, walk, accepts });
  if (join.alias?.aliasname !== undefined) coverByAlias(join.alias, start, scope, mergedBefore);
}

interface Side {
  readonly ranges: readonly Range[];
  readonly drafts: ReadonlySet<Draft>;
}

function side(node: Node | undefined, scope: Scope, walk: Walk): Side {
  const [ranges, drafts] = [scope.ranges.length, walk.drafts.length];
  if (node !== undefined) addFrom(node, scope, walk);
  return { ranges: scope.ranges.slice(ranges), drafts: new Set(walk.drafts.slice(drafts)) };
}

/** The preserved side of an outer join is not restricted by its ON. */
function accepted(
  { jointype }: JoinExpr,
  left: ReadonlySet<Draft>,
  right: ReadonlySet<Draft>,
): (draft: Draft) => boolean {
  if (jointype === "JOIN_LEFT") {
    for (const draft of right) draft.nullable = true;
    return (draft) => right.has(draft);
  }
  if (jointype === "JOIN_RIGHT") {
    for (const draft of left) draft.nullable = true;
    return (draft) => left.has(draft);
  }
  if (jointype === "JOIN_FULL") {
    for (const draft of [...left, ...right]) draft.nullable = true;
    return () => false;
  }
  return () => true;
}

function commonNames(join: JoinExpr, left: Side, right: Side): readonly string[] {
  if (join.isNatural !== true)
    return (join.usingClause ?? []).flatMap((node) => nameOf(node) ?? []);
  const names = new Set(left.ranges.flatMap((range) => [...range.columns.keys()]));
  return right.ranges.flatMap((range) =>
    [...range.columns.keys()].filter((name) => names.has(name)),
  );
}

function mergeColumn(
  name: string,
  from: { join: JoinExpr; left: Side; right: Side; mergedLeft: ReadonlyMap<string, Source> },
  place: { scope: Scope; walk: Walk; accepts: (draft: Draft) => boolean },
): void {
  const find = (ranges: readonly Range[]): Source | undefined =>
    ranges.map((range) => range.columns.get(name)).find((source) => source !== undefined);
  const left = from.mergedLeft.get(name) ?? find(from.left.ranges);
  const right = find(from.right.ranges);
  if (left === undefined || right === undefined) {
    place.scope.merged.set(name, left ?? right ?? OPAQUE);
    return;
  }
  joinSources(left, right, place.accepts);
  joinSources(right, left, place.accepts);
  markSource(left, place.walk);
  markSource(right, place.walk);
  const outer = from.join.jointype;
  const merged = outer === "JOIN_RIGHT" ? right : outer === "JOIN_FULL" ? OPAQUE : left;
  place.scope.merged.set(name, merged);
}

function joinSources(one: Source, other: Source, accepts: (draft: Draft) => boolean): void {
  const partner = bindSource(other)[0]?.draft.relation.oid ?? 0;
  for (const bound of bindSource(one))
    if (!bound.barrier && hasOrder(bound) && accepts(bound.draft))
      addClause(bound.draft, { kind: "join", term: bound.term, other: partner });
}

/** `(a JOIN b …) AS j`: only j is seen outside. */
function coverByAlias(
  alias: Alias,
  start: number,
  scope: Scope,
  mergedBefore: ReadonlyMap<string, Source>,
): void {
  const covered = scope.ranges.splice(start);
  const own = [...scope.merged].filter(([name, source]) => mergedBefore.get(name) !== source);
  const all = [...own, ...covered.flatMap((range) => [...range.columns])];
  for (const [name] of own) scope.merged.delete(name);
  for (const [name, source] of mergedBefore) scope.merged.set(name, source);
  const columns = all.map(([name, source]) => ({ name, source }));
  pushRange(scope, { name: "", alias, columns, schema: undefined });
}
