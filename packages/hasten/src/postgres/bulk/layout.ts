/** Which columns a bulk write has, decided once from its options and its first row. */
import { bulkRefused, type Column, type Table, type UniqueIndex } from "./catalog.ts";
import type { BulkRow, InsertOptions, UpsertOptions } from "./types.ts";

export type Kind = "insert" | "upsert" | "update" | "delete";

export interface Layout {
  readonly kind: Kind;
  readonly table: Table;
  /** As they are sent. */
  readonly columns: readonly Column[];
  /** Positions in `columns` of the key; none for inserts. */
  readonly keys: readonly number[];
  /** Positions of the columns to set where the row exists. */
  readonly sets: readonly number[];
  /** Where each of `columns` stands in a row that is an array. */
  readonly places: readonly number[];
  /** What follows ON CONFLICT. */
  readonly target: string;
  /** What decides an upsert. */
  readonly index: UniqueIndex | undefined;
  readonly overriding: boolean;
  readonly returning: readonly Column[];
}

export type LayoutOptions = Omit<UpsertOptions, "onProgress" | "onReturned">;

/** @throws HST_PG_BULK, naming the column. */
export function layoutOf(
  kind: Kind,
  table: Table,
  given: { readonly first: BulkRow; readonly options: LayoutOptions },
): Layout {
  const { first, options } = given;
  const isKeyed = kind === "delete" && !Array.isArray(first);
  const all = isKeyed ? keyNames(table, options) : namesOf(first, options.columns);
  const names = kind === "delete" ? keyNames(table, options) : all;
  const places = names.map((name) => positionOf(all, name));
  const columns = names.map((name) => columnOf(table, name));
  const on = kind === "insert" ? undefined : keyOf(kind, table, options);
  const keys = (on?.columns ?? []).map((name) => positionOf(names, name));
  const sets = setsOf(kind, { names, keys }, options);
  const written = kind === "insert" || kind === "upsert" ? columns : sets.map((at) => columns[at]!);
  const overriding = refuseGenerated(
    written,
    sets.map((at) => columns[at]!),
    options,
  );
  const returning = (options.returning ?? []).map((name) => columnOf(table, name));
  const { target = "", index } = on ?? {};
  return { kind, table, columns, keys, sets, places, target, index, overriding, returning };
}

function namesOf(first: BulkRow, wanted: readonly string[] | undefined): readonly string[] {
  if (Array.isArray(first) && wanted === undefined)
    throw bulkRefused(
      "Rows that are arrays need columns.",
      "Pass columns, in the order of the values.",
    );
  if (typeof first !== "object" || first === null)
    throw bulkRefused("Row 0 is neither an object nor an array.", "Pass objects by column name.");
  const names =
    wanted ??
    Object.keys(first).filter((name) => (first as Record<string, unknown>)[name] !== undefined);
  if (names.length === 0) throw bulkRefused("The first row has no columns.", "Name at least one.");
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw bulkRefused(`Column ${twice} is named twice.`, "Name it once.");
  return names;
}

function columnOf(table: Table, name: string): Column {
  const column = table.columns.get(name);
  if (column !== undefined) return column;
  throw bulkRefused(
    `Table ${table.sql} has no column ${JSON.stringify(name).slice(0, 80)}.`,
    "Take it out of the rows: their keys, or columns, are columns of the table.",
  );
}

function positionOf(names: readonly string[], name: string): number {
  const at = names.indexOf(name);
  if (at >= 0) return at;
  throw bulkRefused(`The rows have no value for the key column ${name}.`, "Give it in every row.");
}

interface Key {
  readonly columns: readonly string[];
  readonly target: string;
  readonly index?: UniqueIndex;
}

function keyNames(table: Table, { on }: LayoutOptions): readonly string[] {
  return keyOf("delete", table, on === undefined ? {} : { on }).columns;
}

function keyOf(kind: Kind, table: Table, { on }: LayoutOptions): Key {
  const primary = table.unique.find((index) => index.primary);
  const wanted = on ?? primary?.columns;
  if (wanted === undefined || wanted.length === 0)
    throw bulkRefused(`Table ${table.sql} has no primary key.`, "Name the key's columns by on.");
  if (typeof wanted === "string") return constraintKey(table, wanted);
  for (const name of wanted) columnOf(table, name);
  if (kind !== "upsert") return { columns: wanted, target: "" };
  const same = table.unique.filter(
    ({ columns }) =>
      columns.length === wanted.length && wanted.every((name) => columns.includes(name)),
  );
  const index = same.find(({ predicate }) => predicate === undefined) ?? same[0];
  if (index === undefined)
    throw bulkRefused(
      `Table ${table.sql} has no unique index on exactly the columns of on that an upsert can use.`,
      "Make one (not deferrable), or name another.",
    );
  const list = wanted.map((name) => quoted(name)).join(", ");
  const where = index.predicate === undefined ? "" : ` where ${index.predicate}`;
  return { columns: wanted, target: `(${list})${where}`, index };
}

function constraintKey(table: Table, name: string): Key {
  const index = table.unique.find(({ constraint }) => constraint === name);
  if (index !== undefined)
    return { columns: index.columns, target: `on constraint ${quoted(name)}`, index };
  throw bulkRefused(
    `Table ${table.sql} has no unique constraint of that name that an upsert can use.`,
    "Name a primary key or unique constraint that is not deferrable, or its columns.",
  );
}

function setsOf(
  kind: Kind,
  { names, keys }: { readonly names: readonly string[]; readonly keys: readonly number[] },
  { update }: LayoutOptions,
): readonly number[] {
  if (kind === "insert" || kind === "delete") return [];
  if (update !== undefined) return update.map((name) => positionOf(names, name));
  const others = names.map((_, at) => at).filter((at) => !keys.includes(at));
  if (kind === "update" && others.length === 0)
    throw bulkRefused("The rows have nothing but the key.", "Give the columns to change.");
  return others;
}

/** True where values for GENERATED ALWAYS identity columns are wanted. */
function refuseGenerated(
  written: readonly Column[],
  set: readonly Column[],
  { identity }: InsertOptions,
): boolean {
  const computed = written.find(({ generated }) => generated === "computed");
  if (computed !== undefined)
    throw bulkRefused(
      `Column ${computed.name} is computed by PostgreSQL.`,
      "Leave it out, or pass columns without it.",
    );
  const always = set.find(({ generated }) => generated === "always");
  if (always !== undefined)
    throw bulkRefused(`Column ${always.name} is an identity and cannot be set.`, "Leave it out.");
  const given = written.find(({ generated }) => generated === "always");
  if (given !== undefined && identity !== "override")
    throw bulkRefused(
      `Column ${given.name} is GENERATED ALWAYS AS IDENTITY.`,
      'Leave it out, or pass identity: "override" to write your own values.',
    );
  return given !== undefined;
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
