import type { Node, SelectStmt } from "../../parse/nodes.ts";
import { nameOf, visit } from "../../parse/nodes.ts";
import type { Place } from "./comparison.ts";
import { addConditions } from "./conditions.ts";
import { withCtes } from "./ctes.ts";
import { bind } from "./expression.ts";
import { addFrom } from "./from.ts";
import { addOrder, addSort, isLimited } from "./order.ts";
import { markRead, markSource, starColumns } from "./read.ts";
import {
  childScope,
  OPAQUE,
  type OutputColumn,
  QUERIES_MAX,
  type QueryUse,
  type Scope,
  type Source,
  type Walk,
} from "./scope.ts";

/** Gathers the scans of a query into `walk`, and answers what its columns stand for. */
export function walkSelect(
  query: SelectStmt,
  outer: Scope,
  walk: Walk,
  use: QueryUse,
): readonly OutputColumn[] {
  walk.queriesLeft -= 1;
  if (walk.queriesLeft < 0) {
    walk.skipped.add(`more than ${QUERIES_MAX} queries within`);
    return [];
  }
  const scope: Scope = { ...outer, ctes: withCtes(query.withClause, query, outer, walk) };
  if (query.op !== undefined && query.op !== "SETOP_NONE")
    return setOperation(query, scope, walk, use);
  if (query.valuesLists !== undefined) return values(query, scope, walk);
  return plainSelect(query, scope, walk, use);
}

function plainSelect(
  query: SelectStmt,
  scope: Scope,
  walk: Walk,
  use: QueryUse,
): readonly OutputColumn[] {
  for (const node of query.fromClause ?? []) addFrom(node, scope, walk);
  const place: Place = { scope, walk, accepts: () => true };
  markRead(query.whereClause, scope, walk);
  addConditions(query.whereClause, place);
  const columns = outputs(query, scope);
  addOrder(query, columns, place);
  for (const part of [query.groupClause, query.havingClause, query.windowClause])
    markRead(part, scope, walk);
  for (const part of [query.limitCount, query.limitOffset]) markRead(part, scope, walk);
  // Names of the select list are marked by it.
  if (use !== "nothing") markSorts(query, columns, scope, walk);
  if (query.lockingClause !== undefined) lockAll(scope, walk);
  const seen = columns.map((column) => ({
    name: column.name,
    source: outside(column, query, scope),
  }));
  if (use === "all") for (const { source } of columns) markSource(source, walk);
  if (use === "on-reference")
    seen.forEach(({ source }, at) => {
      const inner = columns[at]?.source;
      if (source.kind === "opaque" && inner !== undefined) markSource(inner, walk);
    });
  return seen;
}

/** FOR UPDATE locks rows, which an index alone cannot. */
function lockAll(scope: Scope, walk: Walk): void {
  for (const draft of walk.drafts) if (draft.depth >= scope.depth) draft.whole = true;
}

function markSorts(
  query: SelectStmt,
  columns: readonly OutputColumn[],
  scope: Scope,
  walk: Walk,
): void {
  const names = new Set(columns.map(({ name }) => name));
  for (const node of [...(query.sortClause ?? []), ...(query.distinctClause ?? [])]) {
    const value = "SortBy" in node ? node.SortBy.node : node;
    const fields =
      value !== undefined && "ColumnRef" in value ? (value.ColumnRef.fields ?? []) : [];
    if (fields.length === 1 && names.has(nameOf(fields[0]) ?? "")) continue;
    markRead(value, scope, walk);
  }
}

/** The select list as it is within the query. */
function outputs(query: SelectStmt, scope: Scope): readonly OutputColumn[] {
  return (query.targetList ?? []).flatMap((node): readonly OutputColumn[] => {
    if (!("ResTarget" in node) || node.ResTarget.val === undefined) return [];
    const { name, val } = node.ResTarget;
    const fields = "ColumnRef" in val ? (val.ColumnRef.fields ?? []) : [];
    const last = fields.at(-1);
    if ("ColumnRef" in val && last !== undefined && "A_Star" in last)
      return starColumns(val.ColumnRef, scope);
    const source: Source = { kind: "expression", node: val, scope };
    return [{ name: name ?? nameOf(last) ?? calledName(val), source }];
  });
}

function calledName(node: Node): string {
  if ("FuncCall" in node) return nameOf(node.FuncCall.funcname?.at(-1)) ?? "?column?";
  return "TypeCast" in node && node.TypeCast.arg !== undefined
    ? calledName(node.TypeCast.arg)
    : "?column?";
}

/** What a condition of the outside may push through, and how far. */
function outside(column: OutputColumn, query: SelectStmt, scope: Scope): Source {
  const { source } = column;
  if (isLimited(query) || query.limitOffset !== undefined) return OPAQUE;
  const on = (query.distinctClause ?? []).some((node) => Object.keys(node).length > 0);
  if (on || has(query.targetList, isWindow)) return OPAQUE;
  const group = query.groupClause ?? [];
  const grouped =
    group.length > 0 || query.havingClause !== undefined || has(query.targetList, isAggregate);
  if (!grouped) return query.distinctClause === undefined ? source : { kind: "behind", source };
  // Conditions on what is grouped by go below the grouping.
  const keys = new Set(group.flatMap((node) => bind(node, scope).map(({ term }) => term.sql)));
  const [own] = source.kind === "expression" ? bind(source.node, scope) : [];
  return own !== undefined && keys.has(own.term.sql) ? { kind: "behind", source } : OPAQUE;
}

function has(root: unknown, is: (node: Node) => boolean): boolean {
  let found = false;
  visit(root, (node) => {
    found ||= is(node);
    return !found && !("SubLink" in node);
  });
  return found;
}

function isWindow(node: Node): boolean {
  return "FuncCall" in node && node.FuncCall.over !== undefined;
}

const AGGREGATES = new Set([
  "count",
  "sum",
  "avg",
  "min",
  "max",
  "array_agg",
  "string_agg",
  "json_agg",
  "jsonb_agg",
  "json_object_agg",
  "jsonb_object_agg",
  "bool_and",
  "bool_or",
  "every",
  "bit_and",
  "bit_or",
  "stddev",
  "stddev_pop",
  "stddev_samp",
  "variance",
  "var_pop",
  "var_samp",
  "any_value",
  "xmlagg",
  "corr",
  "range_agg",
]);

function isAggregate(node: Node): boolean {
  if (!("FuncCall" in node) || node.FuncCall.over !== undefined) return false;
  const { agg_star, agg_distinct, agg_filter, agg_order, agg_within_group, funcname } =
    node.FuncCall;
  const marked = agg_star ?? agg_distinct ?? agg_filter ?? agg_order ?? agg_within_group;
  return marked !== undefined || AGGREGATES.has(nameOf(funcname?.at(-1)) ?? "");
}

function values(query: SelectStmt, scope: Scope, walk: Walk): readonly OutputColumn[] {
  markRead(query.valuesLists, scope, walk);
  const [row] = query.valuesLists ?? [];
  const width = row !== undefined && "List" in row ? (row.List.items ?? []).length : 0;
  return Array.from({ length: width }, (_, at) => ({ name: `column${at + 1}`, source: OPAQUE }));
}

function setOperation(
  query: SelectStmt,
  scope: Scope,
  walk: Walk,
  use: QueryUse,
): readonly OutputColumn[] {
  const branch = (part: SelectStmt | undefined): readonly OutputColumn[] =>
    part === undefined
      ? []
      : walk.select(part, childScope(scope.parent, { ctes: scope.ctes, depth: scope.depth }), use);
  const [left, right] = [branch(query.larg), branch(query.rarg)];
  const appended = query.op === "SETOP_UNION" && query.all === true;
  const united = left.map(({ name, source }, at): OutputColumn => {
    const branches = [source, right[at]?.source ?? OPAQUE];
    return { name, source: { kind: "union", branches } };
  });
  const sorts = (query.sortClause ?? []).flatMap((node) => ("SortBy" in node ? node.SortBy : []));
  if (appended && sorts.length > 0) {
    const place: Place = { scope, walk, accepts: () => true };
    addSort(sorts, united, { place, limited: isLimited(query) });
  }
  if (isLimited(query) || query.limitOffset !== undefined)
    return united.map(({ name }) => ({ name, source: OPAQUE }));
  return appended
    ? united
    : united.map(({ name, source }) => ({ name, source: { kind: "behind", source } }));
}
