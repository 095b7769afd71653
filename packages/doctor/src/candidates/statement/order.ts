import type { Node, SelectStmt, SortBy, WindowDef } from "../../parse/nodes.ts";
import { isNullConstant, nameOf, ordinalOf, visit } from "../../parse/nodes.ts";
import type { OrderItem, Term } from "../types.ts";
import { hasOrder, type Place } from "./comparison.ts";
import { type Bound, bind, bindSource } from "./expression.ts";
import { nearest } from "./matching.ts";
import { addClause, type Draft, type OutputColumn } from "./scope.ts";

/** Orders kept for one scan at most: ORDER BY, windows, min() and max(). */
const ORDERS_MAX = 4;

export function isLimited(query: SelectStmt): boolean {
  return query.limitCount !== undefined && !isNullConstant(query.limitCount);
}

/** Notes for each scan the order, grouping and distinctness that an index could give. */
export function addOrder(query: SelectStmt, outputs: readonly OutputColumn[], place: Place): void {
  const sorts = (query.sortClause ?? []).flatMap((node) => ("SortBy" in node ? node.SortBy : []));
  if (sorts.length > 0) {
    addSort(sorts, outputs, { place, limited: isLimited(query) });
    addNearest(sorts, place);
  } else {
    for (const window of windowsOf(query)) addWindow(window, place);
    addExtremes(query, place);
  }
  addGrouping(query, outputs, place);
}

/** Sorted by the branches of a UNION ALL, each is bound on its own. */
export function addSort(
  sorts: readonly SortBy[],
  outputs: readonly OutputColumn[],
  at: { readonly place: Place; readonly limited: boolean },
): void {
  const keys = sorts.map((sort) => ({
    sort,
    bounds: sort.sortby_dir === "SORTBY_USING" ? [] : keyOf(sort.node, outputs, at.place),
  }));
  for (const { draft } of keys[0]?.bounds ?? []) {
    const items: OrderItem[] = [];
    for (const { sort, bounds } of keys) {
      const bound = bounds.find((each) => each.draft === draft && hasOrder(each) && !each.barrier);
      if (bound === undefined) break;
      items.push(itemOf(bound.term, sort));
    }
    pushOrder(draft, { items, limited: at.limited }, at.place);
  }
}

function itemOf(term: Term, sort: SortBy): OrderItem {
  const descending = sort.sortby_dir === "SORTBY_DESC";
  const nulls = sort.sortby_nulls;
  return {
    term,
    descending,
    nullsFirst: nulls === "SORTBY_NULLS_FIRST" || (descending && nulls !== "SORTBY_NULLS_LAST"),
  };
}

function pushOrder(draft: Draft, order: Draft["orders"][number], { scope }: Place): void {
  if (order.items.length === 0 || draft.depth < scope.depth) return;
  if (draft.orders.length < ORDERS_MAX) draft.orders.push(order);
}

/** A number is a position of the select list, a bare name first one of its names. */
function keyOf(
  node: Node | undefined,
  outputs: readonly OutputColumn[],
  { scope }: Place,
): readonly Bound[] {
  if (node === undefined) return [];
  const ordinal = ordinalOf(node);
  const fields = "ColumnRef" in node ? (node.ColumnRef.fields ?? []) : [];
  const name = fields.length === 1 ? nameOf(fields[0]) : undefined;
  const output =
    ordinal === undefined ? outputs.find((each) => each.name === name) : outputs[ordinal - 1];
  if (output !== undefined) return bindSource(output.source);
  return ordinal === undefined ? bind(node, scope) : [];
}

function addNearest(sorts: readonly SortBy[], place: Place): void {
  const [first] = sorts;
  if (first?.node === undefined) return;
  for (const { draft, clause } of nearest(first.node, place)) addClause(draft, clause);
}

function windowsOf(query: SelectStmt): readonly WindowDef[] {
  const windows: WindowDef[] = [];
  visit(query.targetList, (node) => {
    if ("FuncCall" in node && node.FuncCall.over !== undefined) windows.push(node.FuncCall.over);
    return !("SubLink" in node);
  });
  for (const node of query.windowClause ?? [])
    if ("WindowDef" in node) windows.push(node.WindowDef);
  return windows;
}

function addWindow(window: WindowDef, place: Place): void {
  const sorts: SortBy[] = (window.partitionClause ?? []).map((node) => ({ node }));
  for (const node of window.orderClause ?? []) if ("SortBy" in node) sorts.push(node.SortBy);
  addSort(sorts, [], { place, limited: false });
}

/** `min(x)` and `max(x)` alone are planned as ORDER BY x LIMIT 1. */
function addExtremes(query: SelectStmt, place: Place): void {
  if ((query.groupClause ?? []).length > 0) return;
  for (const node of query.targetList ?? []) {
    const value = "ResTarget" in node ? node.ResTarget.val : undefined;
    if (value === undefined || !("FuncCall" in value)) return;
    const { funcname, args, agg_filter, over } = value.FuncCall;
    if (!["min", "max"].includes(nameOf(funcname?.at(-1)) ?? "")) return;
    const [arg] = args ?? [];
    if (agg_filter !== undefined || over !== undefined || arg === undefined) return;
    // Read backwards an ascending index gives the greatest first.
    addSort([{ node: arg }], [], { place, limited: true });
  }
}

function addGrouping(query: SelectStmt, outputs: readonly OutputColumn[], place: Place): void {
  const keys = groupKeys(query, outputs, place);
  const [first] = keys[0] ?? [];
  if (first === undefined || first.draft.depth < place.scope.depth) return;
  const terms = keys.map((bounds) =>
    bounds.find((each) => each.draft === first.draft && hasOrder(each) && !each.barrier),
  );
  if (terms.every((bound) => bound !== undefined))
    first.draft.grouped = terms.map(({ term }) => term);
}

function groupKeys(
  query: SelectStmt,
  outputs: readonly OutputColumn[],
  place: Place,
): readonly (readonly Bound[])[] {
  const group = query.groupClause ?? [];
  if (group.length > 0) return group.map((node) => groupKey(node, outputs, place));
  const distinct = query.distinctClause ?? [];
  if (distinct.length === 0) return [];
  const on = distinct.filter((node) => Object.keys(node).length > 0);
  if (on.length > 0) return on.map((node) => keyOf(node, outputs, place));
  return outputs.map(({ source }) => bindSource(source));
}

/** Unlike ORDER BY, GROUP BY means a table's column before a name of the select list. */
function groupKey(node: Node, outputs: readonly OutputColumn[], place: Place): readonly Bound[] {
  const direct = ordinalOf(node) === undefined ? bind(node, place.scope) : [];
  return direct.length > 0 ? direct : keyOf(node, outputs, place);
}
