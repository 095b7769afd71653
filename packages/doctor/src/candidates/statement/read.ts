import type { ColumnRef, Node, SubLink } from "../../parse/nodes.ts";
import { nameOf, visit } from "../../parse/nodes.ts";
import {
  childScope,
  type Draft,
  type OutputColumn,
  rangeNamed,
  type Scope,
  type Source,
  sourceOf,
  type Walk,
} from "./scope.ts";

/** Marks the columns that an expression reads, and walks the subqueries in it. */
export function markRead(root: unknown, scope: Scope, walk: Walk): void {
  visit(root, (node) => {
    if ("ColumnRef" in node) {
      markReference(node.ColumnRef, scope, walk);
      return false;
    }
    if ("SubLink" in node) {
      subquery(node.SubLink, scope, walk);
      markRead(node.SubLink.testexpr, scope, walk);
      return false;
    }
    return true;
  });
}

export function markSource(source: Source, walk: Walk): void {
  if (source.kind === "column") source.draft.read.add(source.column.name);
  else if (source.kind === "expression") markRead(source.node, source.scope, walk);
  else if (source.kind === "behind") markSource(source.source, walk);
  else if (source.kind === "union") for (const each of source.branches) markSource(each, walk);
}

function markReference(reference: ColumnRef, scope: Scope, walk: Walk): void {
  const fields = reference.fields ?? [];
  const last = fields.at(-1);
  if (last !== undefined && "A_Star" in last) {
    for (const { source } of starColumns(reference, scope)) markSource(source, walk);
    return;
  }
  const source = sourceOf(reference, scope);
  if (source !== undefined && source.kind !== "opaque") markSource(source, walk);
  else markWholeRow(fields, scope, walk);
}

/** `row_to_json(t)`, `count(t)`: the name of a table as a value reads all of it. */
function markWholeRow(fields: readonly Node[], scope: Scope, walk: Walk): void {
  const name = fields.length === 1 ? nameOf(fields[0]) : undefined;
  if (name === undefined) return;
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const range = rangeNamed(name, undefined, at);
    if (range === undefined) continue;
    for (const source of range.columns.values()) markSource(source, walk);
    return;
  }
}

/** Columns of `*` or `t.*`. */
export function starColumns(reference: ColumnRef, scope: Scope): readonly OutputColumn[] {
  const parts = (reference.fields ?? []).map(nameOf);
  const table = parts.at(-2);
  const ranges =
    table === undefined
      ? scope.ranges
      : [rangeNamed(table, parts.at(-3), scope) ?? outerRange(table, scope)].flatMap(
          (range) => range ?? [],
        );
  return ranges.flatMap((range) => [...range.columns].map(([name, source]) => ({ name, source })));
}

function outerRange(table: string, scope: Scope): Scope["ranges"][number] | undefined {
  for (let at = scope.parent; at !== undefined; at = at.parent) {
    const range = rangeNamed(table, undefined, at);
    if (range !== undefined) return range;
  }
  return undefined;
}

/** Walks a subquery of an expression, once per scope. */
export function subquery(link: SubLink, scope: Scope, walk: Walk): readonly OutputColumn[] {
  const known = scope.subqueries.get(link);
  if (known !== undefined) return known;
  const query = link.subselect;
  if (query === undefined || !("SelectStmt" in query)) return [];
  const exists = link.subLinkType === "EXISTS_SUBLINK";
  const inner = childScope(scope, { ctes: scope.ctes, depth: scope.depth + 1, semi: exists });
  const columns = walk.select(query.SelectStmt, inner, exists ? "nothing" : "all");
  scope.subqueries.set(link, columns);
  return columns;
}

/** What the values of an expression depend on. */
export interface Uses {
  readonly drafts: ReadonlySet<Draft>;
  /** A column that is no table's: of a function, an aggregate, a materialized CTE. */
  readonly opaque: boolean;
  /** A column that no scope knows. */
  readonly unknown: boolean;
  /** A function whose value may change within a statement, which no index condition may hold. */
  readonly volatile: boolean;
}

const VOLATILE = new Set([
  "random",
  "random_normal",
  "clock_timestamp",
  "timeofday",
  "gen_random_uuid",
  "uuidv4",
  "uuidv7",
  "uuid_generate_v4",
  "nextval",
  "currval",
  "lastval",
  "setval",
]);

export function usesOf(root: unknown, scope: Scope): Uses {
  const drafts = new Set<Draft>();
  const seen = { opaque: false, unknown: false, volatile: false };
  const note = (source: Source | undefined): void => {
    if (source === undefined) seen.unknown = true;
    else if (source.kind === "column") drafts.add(source.draft);
    else if (source.kind === "expression") gather(source.node, source.scope);
    else if (source.kind === "behind") note(source.source);
    else if (source.kind === "union") source.branches.forEach(note);
    else seen.opaque = true;
  };
  const gather = (from: unknown, within: Scope): void =>
    visit(from, (node) => {
      if ("ColumnRef" in node) note(sourceOf(node.ColumnRef, within));
      if ("FuncCall" in node)
        seen.volatile ||= VOLATILE.has(nameOf(node.FuncCall.funcname?.at(-1)) ?? "");
      return !("ColumnRef" in node || "SubLink" in node);
    });
  gather(root, scope);
  return { drafts, ...seen };
}
