import type { Catalog, Column, Relation } from "../../catalog/types.ts";
import type { ColumnRef, Node, SelectStmt } from "../../parse/nodes.ts";
import { nameOf } from "../../parse/nodes.ts";
import type { Parser } from "../../parse/parse.ts";
import type { Clause, OrderItem, Term } from "../types.ts";

/** A scan being gathered. */
export interface Draft {
  readonly relation: Relation;
  /** Whether its children by inheritance are scanned too. */
  readonly inherits: boolean;
  /** Depth of the scope that reads it; outer queries have smaller ones. */
  readonly depth: number;
  /** On the inner side of an outer join: IS NULL there seeks rows without a partner. */
  nullable: boolean;
  readonly clauses: Clause[];
  /** ORs of which every arm has a condition on this table: by OR, by arm. */
  readonly alternatives: (readonly (readonly Clause[])[])[];
  readonly orders: { readonly items: readonly OrderItem[]; readonly limited: boolean }[];
  grouped: readonly Term[];
  readonly read: Set<string>;
  /** Rows are locked or changed, or read whole: no index holds all that is needed. */
  whole: boolean;
}

/** What a column's name stands for. */
export type Source =
  | { readonly kind: "column"; readonly draft: Draft; readonly column: Column }
  /** Of a subquery's select list. */
  | { readonly kind: "expression"; readonly node: Node; readonly scope: Scope }
  /** Of a subquery that is planned on its own: constants are pushed into it, joins are not. */
  | { readonly kind: "behind"; readonly source: Source }
  /** Of a UNION: one source per branch. */
  | { readonly kind: "union"; readonly branches: readonly Source[] }
  /** A value of which nothing is known: an aggregate, a function's row, a materialized CTE. */
  | { readonly kind: "opaque" };

export const OPAQUE: Source = { kind: "opaque" };

export interface OutputColumn {
  readonly name: string;
  readonly source: Source;
}

/** One entry of FROM. */
export interface Range {
  readonly name: string;
  readonly schema: string | undefined;
  readonly columns: ReadonlyMap<string, Source>;
  /** Whether it may have columns besides. */
  readonly open: boolean;
}

export interface Cte {
  /** Of a reference in a scope of that depth; an inlined one is walked for each. */
  readonly columns: (depth: number) => readonly OutputColumn[];
}

export interface Ctes {
  readonly named: Map<string, Cte>;
  readonly outer: Ctes | undefined;
}

export interface Scope {
  readonly ranges: Range[];
  /** Columns merged by USING and NATURAL. */
  readonly merged: Map<string, Source>;
  readonly parent: Scope | undefined;
  readonly ctes: Ctes | undefined;
  readonly depth: number;
  /** A subquery of EXISTS: its conditions on outer columns join. */
  readonly semi: boolean;
  /** Subqueries walked within it, so that each is walked once. */
  readonly subqueries: Map<object, readonly OutputColumn[]>;
}

/** What is shared while one statement is walked. */
export interface Walk {
  readonly catalog: Catalog;
  readonly parser: Parser;
  readonly drafts: Draft[];
  readonly skipped: Set<string>;
  /** Queries that may still be walked: nested CTEs and views multiply. */
  queriesLeft: number;
  /** Late-bound, because queries and their parts walk each other. */
  readonly select: (query: SelectStmt, scope: Scope, use: QueryUse) => readonly OutputColumn[];
  readonly statement: (node: Node, scope: Scope) => readonly OutputColumn[];
}

/** Whether the select list counts as read at once, when referred to from outside, or never. */
export type QueryUse = "all" | "on-reference" | "nothing";

/** Scans of one statement at most; what is beyond is not analysed. */
export const SCANS_MAX = 64;
export const QUERIES_MAX = 200;
/** Conditions on one scan at most. */
export const CLAUSES_MAX = 32;

export function addClause(draft: Draft, clause: Clause): void {
  if (draft.clauses.length < CLAUSES_MAX) draft.clauses.push(clause);
}

export function childScope(
  parent: Scope | undefined,
  facts: { readonly ctes: Ctes | undefined; readonly depth: number; readonly semi?: boolean },
): Scope {
  return {
    ranges: [],
    merged: new Map(),
    parent,
    ctes: facts.ctes,
    depth: facts.depth,
    semi: facts.semi ?? false,
    subqueries: new Map(),
  };
}

export function newDraft(
  walk: Walk,
  relation: Relation,
  at: { inherits: boolean; depth: number },
): Draft {
  const draft: Draft = {
    relation,
    ...at,
    nullable: false,
    clauses: [],
    alternatives: [],
    orders: [],
    grouped: [],
    read: new Set(),
    whole: false,
  };
  if (walk.drafts.length < SCANS_MAX) walk.drafts.push(draft);
  else walk.skipped.add(`more than ${SCANS_MAX} tables`);
  return draft;
}

/** What the reference stands for; undefined when no scope knows it. */
export function sourceOf(reference: ColumnRef, scope: Scope): Source | undefined {
  const parts = (reference.fields ?? []).map(nameOf);
  const column = parts.at(-1);
  if (column === undefined) return undefined;
  const [table, schema] = [parts.at(-2), parts.at(-3)];
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const found =
      table === undefined ? unqualified(column, at) : qualified({ column, table, schema }, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function qualified(
  name: { column: string; table: string; schema: string | undefined },
  scope: Scope,
): Source | undefined {
  const range = rangeNamed(name.table, name.schema, scope);
  if (range === undefined) return undefined;
  return range.columns.get(name.column) ?? OPAQUE;
}

export function rangeNamed(
  table: string,
  schema: string | undefined,
  scope: Scope,
): Range | undefined {
  return scope.ranges.find(
    (range) => range.name === table && (schema === undefined || range.schema === schema),
  );
}

function unqualified(column: string, scope: Scope): Source | undefined {
  const merged = scope.merged.get(column);
  if (merged !== undefined) return merged;
  for (const range of scope.ranges) {
    const found = range.columns.get(column);
    if (found !== undefined) return found;
  }
  // Maybe a column of what we do not know, maybe a whole row.
  const known = scope.ranges.some((range) => range.open || range.name === column);
  return known ? OPAQUE : undefined;
}
