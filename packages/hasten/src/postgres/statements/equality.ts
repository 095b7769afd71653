/**
 * Which rows of one table can matter to a SELECT, where its conditions tell by equality.
 *
 * Invariants:
 * - A candidate is a list of terms of which every row that matters satisfies at least one. AND gives
 *   the candidates of all its parts, OR joins one of each, anything else gives none.
 * - A column is the table's only if no other item of the FROM clause could be meant: an ambiguous
 *   name is an error in PostgreSQL, names merged by USING or hidden by an alias are left alone.
 * - The value is a constant or a parameter whose type cannot change it on the way.
 */
import type { ColumnKind } from "./interest.ts";
import { isTree, listOf, names, type Tree, type Typed, text, typed } from "./tree.ts";
import type { RelationUse, Uses } from "./uses.ts";

export const VALUES_MAX = 16;

export interface KeyColumn {
  readonly kind: ColumnKind;
  /** The type's name where it is an enum. */
  readonly enumName: string | undefined;
}

/** `column = value`, or one of the values. */
export interface Term {
  readonly column: string;
  readonly kind: ColumnKind;
  readonly values: readonly ValueSource[];
}

export type ValueSource =
  /** `at` is its place in the text in bytes; -1 where it is the same in every text like it. */
  | { readonly from: "constant"; readonly text: string; readonly at: number }
  | { readonly from: "parameter"; readonly number: number }
  /** A literal of the text at hand, put in before it is used. */
  | { readonly from: "slot"; readonly slot: number }
  /** An array, each element of it one value. */
  | { readonly from: "array"; readonly number: number };

export type Candidate = readonly Term[];

interface Subject {
  readonly use: RelationUse;
  readonly columns: ReadonlyMap<string, KeyColumn>;
  readonly uses: Uses;
}

/** The candidates for one table, the narrowest first; none where the whole table matters. */
export function candidatesFor(subject: Subject): readonly Candidate[] {
  const { use } = subject;
  if (use.renamed || use.level.aliased || subject.columns.size === 0) return [];
  return use.level.conditions
    .filter(({ of }) => of === undefined || of.has(use))
    .flatMap(({ tree }) => candidates(subject, tree))
    .filter((candidate) => width(candidate) <= VALUES_MAX)
    .sort((a, b) => width(a) - width(b));
}

/** How many row tags it makes at least; an array counts as several. */
function width(candidate: Candidate): number {
  let values = 0;
  for (const term of candidate)
    for (const source of term.values) values += source.from === "array" ? 2 : 1;
  return values;
}

function candidates(subject: Subject, value: unknown): readonly Candidate[] {
  const node = typed(value);
  switch (node?.type) {
    case "BoolExpr":
      return ofBoolean(subject, node.tree);
    case "A_Expr":
      return ofExpression(subject, node.tree);
    case "ColumnRef":
      return ofColumn(subject, node, "t");
    case "BooleanTest": {
      const test = text(node.tree["booltesttype"]);
      if (test !== "IS_TRUE" && test !== "IS_FALSE") return [];
      return ofColumn(subject, typed(node.tree["arg"]), test === "IS_TRUE" ? "t" : "f");
    }
    default:
      return [];
  }
}

function ofBoolean(subject: Subject, tree: Tree): readonly Candidate[] {
  const parts = listOf(tree["args"]);
  switch (tree["boolop"]) {
    case "AND_EXPR":
      return parts.flatMap((part) => candidates(subject, part));
    case "OR_EXPR": {
      const best = parts.map((part) => narrowest(candidates(subject, part)));
      return best.includes(undefined) ? [] : [best.flatMap((candidate) => candidate ?? [])];
    }
    case "NOT_EXPR":
      return ofColumn(subject, typed(parts[0]), "f");
    default:
      return [];
  }
}

function narrowest(all: readonly Candidate[]): Candidate | undefined {
  return all.reduce<Candidate | undefined>(
    (best, it) => (best === undefined || width(it) < width(best) ? it : best),
    undefined,
  );
}

/** A boolean column that stands for itself. */
function ofColumn(subject: Subject, node: Typed | undefined, value: string): readonly Candidate[] {
  const found = columnOf(subject, node);
  if (found?.kind !== "boolean") return [];
  const values: readonly ValueSource[] = [{ from: "constant", text: value, at: -1 }];
  return [[{ column: found.column, kind: found.kind, values }]];
}

function ofExpression(subject: Subject, tree: Tree): readonly Candidate[] {
  if (!isEquals(tree["name"])) return [];
  const left = typed(tree["lexpr"]);
  const right = typed(tree["rexpr"]);
  switch (tree["kind"]) {
    case "AEXPR_OP":
      if (left?.type === "RowExpr" && right?.type === "RowExpr")
        return ofRows(subject, left.tree, right.tree);
      return [...ofPair(subject, left, right), ...ofPair(subject, right, left)];
    case "AEXPR_IN":
      return right?.type === "List" ? ofList(subject, left, listOf(right.tree["items"])) : [];
    case "AEXPR_OP_ANY":
      return ofAny(subject, left, right);
    default:
      return [];
  }
}

function isEquals(value: unknown): boolean {
  const parts = names(value) ?? [];
  return parts.at(-1) === "=" && (parts.length === 1 || parts[0] === "pg_catalog");
}

/** `(a, b) = (1, 2)`: each pair holds. */
function ofRows(subject: Subject, left: Tree, right: Tree): readonly Candidate[] {
  const own = listOf(left["args"]);
  const other = listOf(right["args"]);
  // `t.*` stands for many: what follows it is not where it seems to be.
  if (own.some(isStar) || other.some(isStar)) return [];
  return own.flatMap((part, at) => ofPair(subject, typed(part), typed(other[at])));
}

function isStar(value: unknown): boolean {
  const node = typed(value);
  return node?.type === "ColumnRef" && names(node.tree["fields"]) === undefined;
}

function ofPair(
  subject: Subject,
  column: Typed | undefined,
  value: Typed | undefined,
): readonly Candidate[] {
  return ofList(subject, column, value === undefined ? [] : [{ [value.type]: value.tree }]);
}

function ofList(
  subject: Subject,
  column: Typed | undefined,
  items: readonly unknown[],
): readonly Candidate[] {
  const found = columnOf(subject, column);
  if (found === undefined || items.length === 0) return [];
  const values = items.map((item) => sourceOf(subject, found, typed(item)));
  if (values.includes(undefined)) return [];
  const known = values.filter((it) => it !== undefined);
  return [[{ column: found.column, kind: found.kind, values: known }]];
}

function ofAny(
  subject: Subject,
  column: Typed | undefined,
  array: Typed | undefined,
): readonly Candidate[] {
  const found = columnOf(subject, column);
  if (found === undefined || array === undefined) return [];
  if (array.type === "TypeCast") {
    const type = isTree(array.tree["typeName"]) ? array.tree["typeName"] : {};
    if (listOf(type["arrayBounds"]).length !== 1 || !keepsValue(found, type)) return [];
    return ofAny(subject, column, typed(array.tree["arg"]));
  }
  if (array.type === "A_ArrayExpr") return ofList(subject, column, listOf(array.tree["elements"]));
  if (array.type !== "ParamRef") return [];
  const number = parameterOf(subject, found, array.tree);
  if (number === undefined) return [];
  return [[{ column: found.column, kind: found.kind, values: [{ from: "array", number }] }]];
}

interface FoundColumn extends KeyColumn {
  readonly column: string;
}

function columnOf({ use, columns }: Subject, node: Typed | undefined): FoundColumn | undefined {
  if (node?.type !== "ColumnRef") return undefined;
  const parts = names(node.tree["fields"]);
  if (parts === undefined || parts.length > 2) return undefined;
  const column = parts.at(-1)!;
  if (parts.length === 2 && parts[0] !== use.refname) return undefined;
  const { level } = use;
  if (parts.length === 1 && (level.natural || level.merged.has(column))) return undefined;
  const found = columns.get(column);
  return found === undefined ? undefined : { ...found, column };
}

/** A constant or a parameter that is compared as what it is. */
function sourceOf(
  subject: Subject,
  column: FoundColumn,
  node: Typed | undefined,
): ValueSource | undefined {
  if (node?.type === "TypeCast") {
    const type = isTree(node.tree["typeName"]) ? node.tree["typeName"] : {};
    if (listOf(type["arrayBounds"]).length > 0 || !keepsValue(column, type)) return undefined;
    return sourceOf(subject, column, typed(node.tree["arg"]));
  }
  if (node?.type === "ParamRef") {
    const number = parameterOf(subject, column, node.tree);
    return number === undefined ? undefined : { from: "parameter", number };
  }
  return node?.type === "A_Const" ? constantOf(subject, column, node.tree) : undefined;
}

/** A parameter used twice has one type: that of its first use may cut or round what is sent. */
function parameterOf({ uses }: Subject, column: FoundColumn, tree: Tree): number | undefined {
  const number = typeof tree["number"] === "number" ? tree["number"] : 0;
  if (number < 1) return undefined;
  const once = uses.parameters.get(number) === 1;
  return once || column.kind === "uuid" || column.kind === "boolean" ? number : undefined;
}

function constantOf({ uses }: Subject, { kind }: FoundColumn, tree: Tree): ValueSource | undefined {
  // A place in a view's text is none in the statement's.
  const at = uses.ofView ? -1 : typeof tree["location"] === "number" ? tree["location"] : 0;
  const given = (field: string, inner: string): unknown => {
    const value = tree[field];
    return isTree(value) ? (value[inner] ?? (inner === "sval" ? "" : 0)) : undefined;
  };
  const sval = given("sval", "sval");
  if (typeof sval === "string") return { from: "constant", text: sval, at };
  if (kind === "integer") {
    const value = given("ival", "ival") ?? given("fval", "fval");
    return value === undefined ? undefined : { from: "constant", text: String(value), at };
  }
  const boolean = isTree(tree["boolval"]) ? tree["boolval"]["boolval"] === true : undefined;
  if (kind !== "boolean" || boolean === undefined) return undefined;
  return { from: "constant", text: boolean ? "t" : "f", at: -1 };
}

const CASTS: Readonly<Record<ColumnKind, ReadonlySet<string>>> = {
  integer: new Set(["int2", "int4", "int8"]),
  uuid: new Set(["uuid"]),
  boolean: new Set(["bool"]),
  text: new Set(["text", "varchar"]),
};

/** Whether a cast to this type leaves the value as it is for the comparison. */
function keepsValue({ kind, enumName }: FoundColumn, type: Tree): boolean {
  if (listOf(type["typmods"]).length > 0) return false;
  const parts = names(type["names"]) ?? [];
  const name = parts.at(-1) ?? "";
  if (enumName !== undefined) return name === enumName;
  if (parts.length === 2 && parts[0] !== "pg_catalog") return false;
  return CASTS[kind].has(name);
}
