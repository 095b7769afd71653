/** The page definition that a table is read by: a stream of a table is its pages, one after the other. */
import { optionInvalid, PostgresError } from "../errors.ts";
import type { KeyRing } from "../pages/key-ring.ts";
import type { PageColumn, SortItem } from "../pages/options.ts";
import { definePage, type PageSpec, shortHash } from "../pages/page-spec.ts";
import { ident } from "../sql.ts";
import type { TableShape } from "./table-columns.ts";
import type { TableStreamOptions } from "./table-options.ts";

export interface TablePlan {
  readonly spec: PageSpec;
  readonly sort: string;
  /** What `columns` are called in the page; undefined for all. */
  readonly fields: readonly string[] | undefined;
  /** Turns a page's row into the caller's; undefined where they are the same. */
  readonly rename: ((row: Record<string, unknown>) => Record<string, unknown>) | undefined;
}

const PLAIN = /^(?!__proto__$|constructor$|prototype$)[A-Za-z_][A-Za-z0-9_]*$/;

/** @throws HST_PG_OPTION, HST_PAGE_SORT for columns that are not there or cannot be sorted by */
export function tablePlan(
  table: readonly string[],
  shape: TableShape,
  options: TableStreamOptions,
): TablePlan {
  const key = options.key ?? shape.key;
  if (key.length === 0) throw noKey();
  const names = pageNames(shape);
  const nameOf = (column: string): string => names.get(column) ?? column;
  const known = new Set(shape.columns.map((column) => column.name));
  for (const column of [...(options.columns ?? []), ...key])
    if (!known.has(column)) throw unknownColumn();
  const columns: Record<string, PageColumn> = {};
  for (const { name, type, nullable } of shape.columns)
    columns[nameOf(name)] = {
      type,
      ...(nameOf(name) === name ? {} : { sql: ident(name) }),
      nullable: nullable && !key.includes(name),
      collation: "column",
    };
  const spec = definePage({
    from: ident(...table),
    columns,
    key: key.map(nameOf),
    sorts: { by: (options.by ?? key).map((item) => renamed(item, nameOf)) },
    limit: { max: 10_000 },
    fieldsMax: 1_000,
    cursor: { keys: options.keys ?? UNSIGNED, lengthMax: 65_536 },
  });
  return {
    spec,
    sort: options.direction === "backward" ? "-by" : "by",
    fields: options.columns?.map(nameOf),
    rename: names.size === 0 ? undefined : renaming(names),
  };
}

/** Names that a page cannot have (dots, other letters) get one that it can. */
function pageNames({ columns }: TableShape): ReadonlyMap<string, string> {
  const taken = new Set(columns.map((column) => column.name));
  const names = new Map<string, string>();
  for (const { name } of columns) {
    if (PLAIN.test(name)) continue;
    let free = `column_${names.size}`;
    while (taken.has(free)) free = `${free}_`;
    names.set(name, free);
  }
  return names;
}

const renamed = (item: SortItem, nameOf: (name: string) => string): SortItem => {
  if (typeof item !== "string") return { ...item, column: nameOf(item.column) };
  return item.startsWith("-") ? `-${nameOf(item.slice(1))}` : nameOf(item);
};

function renaming(
  names: ReadonlyMap<string, string>,
): (row: Record<string, unknown>) => Record<string, unknown> {
  const back = new Map([...names].map(([name, page]) => [page, name]));
  return (row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [back.get(name) ?? name, value]));
}

/** A position is kept by who reads, not shown to others: a checksum tells a damaged one. */
const UNSIGNED: KeyRing = {
  current: "sum",
  sign: shortHash,
  verify: (keyId, text, sum) => keyId === "sum" && sum === shortHash(text),
};

const noKey = (): PostgresError =>
  new PostgresError("HST_PG_OPTION", {
    message: "The table has no primary key, so its rows have no order without ties.",
    fix: "Pass key: the columns of a unique index that cannot be NULL; or use stream().",
  });

const unknownColumn = (): Error =>
  optionInvalid("columns and key", "names of the table's columns, without duplicates", undefined);
