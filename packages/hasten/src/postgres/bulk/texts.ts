/**
 * The SQL of bulk writes. Constant for a table, its columns and the kind of write: any number of
 * rows shares one text.
 */
import type { Column } from "./catalog.ts";
import { type Layout, quoted } from "./layout.ts";

/** Where rows come from in a statement. */
export interface RowsFrom {
  /** What follows FROM; its columns are c0, c1, … and its name is v. */
  readonly sql: string;
  /** Later rows have higher ones. */
  readonly order: string;
  /** True when every key is there once and in order. */
  readonly sorted: boolean;
  /** As the table's own columns are: nothing to cast. */
  readonly typed: boolean;
}

/** Rows as parameters: one array for each column. */
export function unnested({ columns }: Layout): RowsFrom {
  const arrays = columns.map((column, at) => `$${at + 1}::${arrayType(column)}[]`);
  const names = columns.map((_, at) => `c${at}`);
  return {
    sql: `unnest(${arrays.join(", ")}) with ordinality as v(${[...names, "ord"].join(", ")})`,
    order: "v.ord",
    sorted: false,
    typed: false,
  };
}

/** Arrays of arrays cannot differ in length, and unnest takes row types apart: both travel as text. */
const travelsAsText = ({ element, composite }: Column): boolean =>
  element !== undefined || composite;

/**
 * Domains are arrays of themselves: a cast to one is explicit, and would cut what is too long for the
 * type behind it instead of refusing it.
 */
const arrayType = (column: Column): string =>
  column.domain && !column.composite
    ? column.castType
    : travelsAsText(column)
      ? "text"
      : column.baseType;

/** A statement that counts what it did, or gives rows back with `hasten:inserted`. */
export function writeText(layout: Layout, from: RowsFrom): string {
  switch (layout.kind) {
    case "insert":
      return counted(layout, insertText(layout, from));
    case "upsert":
      return counted(layout, upsertText(layout, from));
    case "update":
      return counted(layout, updateText(layout, from));
    case "delete":
      return counted(layout, deleteText(layout, from));
  }
}

export const INSERTED = "hasten:inserted";

interface Dml {
  readonly before: string;
  readonly body: string;
}

/** Sums up on the server where no rows are wanted; the command tag cannot tell insert from update. */
function counted(layout: Layout, { before, body }: Dml): string {
  const tells = layout.kind === "upsert" ? `${isInserted(layout)} as ${quoted(INSERTED)}` : "";
  const old = tells.includes(OLD) ? `with (old as ${OLD}) ` : "";
  const wanted = layout.returning.map(({ name }) => `t.${quoted(name)}`);
  if (wanted.length > 0) {
    const list = [...(tells === "" ? [] : [tells]), ...wanted].join(", ");
    return `${before === "" ? "" : `with ${before} `}${body} returning ${old}${list}`;
  }
  if (tells === "") return `${before === "" ? "" : `with ${before} `}${body}`;
  const head = before === "" ? "" : `${before}, `;
  return `with ${head}w as (${body} returning ${old}${tells}) select count(*)::int as written, (count(*) filter (where w.${quoted(INSERTED)}))::int as inserted from w`;
}

const OLD = "hasten_old";

function isInserted({ table }: Layout): string {
  if (table.tellsInserted === "no") return "true";
  if (table.tellsInserted === "xmax") return "(t.xmax = 0)";
  return `(${OLD}.tableoid is null)`;
}

const value = (column: Column, at: number, { typed }: RowsFrom): string => {
  if (typed) return `v.c${at}`;
  const cell = castOf(column, `v.c${at}`);
  return column.collation === undefined ? cell : `${cell} collate ${column.collation}`;
};

function castOf(column: Column, cell: string): string {
  if (column.domain && !column.composite) return cell;
  if (travelsAsText(column)) return `${cell}::${column.castType}`;
  return column.roundedType === undefined ? cell : `${cell}::${column.roundedType}`;
}

const valuesOf = (layout: Layout, from: RowsFrom): readonly string[] =>
  layout.columns.map((column, at) => value(column, at, from));

function insertInto(layout: Layout): string {
  const names = layout.columns.map(({ name }) => quoted(name)).join(", ");
  const overriding = layout.overriding ? " overriding system value" : "";
  return `insert into ${layout.table.sql} as t (${names})${overriding}`;
}

function insertText(layout: Layout, from: RowsFrom): Dml {
  const values = valuesOf(layout, from).join(", ");
  return {
    before: "",
    body: `${insertInto(layout)} select ${values} from ${from.sql} order by ${from.order}`,
  };
}

/** The last row of each key, in the order of the keys: so that concurrent writes wait, never deadlock. */
function lastOfEach(layout: Layout, from: RowsFrom, list: string): string {
  if (from.sorted) return `select ${list} from ${from.sql}`;
  const keys = layout.keys.map((at) => value(layout.columns[at]!, at, from));
  const different = differentAnyway(layout, from);
  const apart = different === "" ? [] : [`case when ${different} then ${from.order} end`];
  const each = [...keys, ...apart].join(", ");
  return `select distinct on (${each}) ${list} from ${from.sql} order by ${each}, ${from.order} desc`;
}

/** The condition for rows that are different whatever their keys. */
function differentAnyway({ columns, keys, index }: Layout, from: RowsFrom): string {
  const nullable = keys.filter((at) => !columns[at]!.notNull && index?.nullsEqual !== true);
  const some = nullable.map((at) => `v.c${at} is null`);
  if (index?.predicate === undefined) return some.join(" or ");
  // Outside of a partial index nothing is a duplicate. Where a row does not say by itself whether it
  // is (defaults), none is taken for one: PostgreSQL refuses those that are.
  const names = columns.map(({ name }) => name);
  if (!index.uses.every((name) => names.includes(name))) return "true";
  const row = columns.map((column, at) => `${value(column, at, from)} as ${quoted(column.name)}`);
  return [
    ...some,
    `(select (${index.predicate}) is not true from (select ${row.join(", ")}) as t)`,
  ].join(" or ");
}

function upsertText(layout: Layout, from: RowsFrom): Dml {
  const { columns, sets, target } = layout;
  const values = valuesOf(layout, from).join(", ");
  const names = sets.map((at) => quoted(columns[at]!.name));
  const set = names.map((name) => `${name} = excluded.${name}`).join(", ");
  const differs = isDifferent(layout, "excluded");
  const action = names.length === 0 ? "do nothing" : `do update set ${set} where ${differs}`;
  return {
    before: "",
    body: `${insertInto(layout)} ${lastOfEach(layout, from, values)} on conflict ${target} ${action}`,
  };
}

/**
 * Compares what is stored, byte for byte: works for json and point, and sees 1.0 become 1.00. Types of
 * which only equal bytes are equal are compared by themselves: the first that differs ends it.
 */
function isDifferent({ columns, sets }: Layout, other: "excluded" | "l"): string {
  const theirs = (at: number): string =>
    other === "l" ? `l.c${at}` : `excluded.${quoted(columns[at]!.name)}`;
  const own = (at: number): string => `t.${quoted(columns[at]!.name)}`;
  const plain = sets.filter((at) => isPlain(columns[at]!));
  const others = sets.filter((at) => !plain.includes(at));
  const each = plain.map((at) => `${own(at)} is distinct from ${theirs(at)}`);
  const row = (names: readonly string[]): string => `row(${names.join(", ")})::pg_catalog.record`;
  const rest =
    others.length === 0
      ? []
      : [`${row(others.map(own))} operator(pg_catalog.*<>) ${row(others.map(theirs))}`];
  return `(${[...each, ...rest].join(" or ")})`;
}

/** Whole numbers, booleans, bytes, days and instants, and text in the type's own collation. */
const PLAIN: ReadonlySet<number> = new Set([
  16, 17, 20, 21, 23, 25, 26, 1043, 1082, 1114, 1184, 2950,
]);

const isPlain = ({ oid, element, collation }: Column): boolean =>
  element === undefined && collation === undefined && PLAIN.has(oid);

/** An upsert of staged rows by a join: see merge-staged.ts for when it means the same. */
export function mergeText(layout: Layout, from: RowsFrom): string {
  const { columns, keys, sets, table, overriding } = layout;
  const name = (at: number): string => quoted(columns[at]!.name);
  const found = keys.map((at) => `t.${name(at)} = l.c${at}`).join(" and ");
  const set = sets.map((at) => `${name(at)} = l.c${at}`).join(", ");
  const list = valuesOf(layout, from).map((text, at) => `${text} as c${at}`);
  const names = columns.map((_, at) => name(at)).join(", ");
  const values = columns.map((_, at) => `l.c${at}`).join(", ");
  const override = overriding ? " overriding system value" : "";
  return `merge into ${table.sql} as t using (${lastOfEach(layout, from, list.join(", "))}) as l on ${found} when matched and ${isDifferent(layout, "l")} then update set ${set} when not matched then insert (${names})${override} values (${values})`;
}

function updateText(layout: Layout, from: RowsFrom): Dml {
  const { columns, keys, sets, table } = layout;
  const name = (at: number): string => quoted(columns[at]!.name);
  const found = keys.map((at) => `t.${name(at)} = l.c${at}`).join(" and ");
  const differs = isDifferent(layout, "l");
  const set = sets.map((at) => `${name(at)} = l.c${at}`).join(", ");
  const list = valuesOf(layout, from).map((text, at) => `${text} as c${at}`);
  const rows = lastOfEach(layout, from, list.join(", "));
  const update = (source: string): string =>
    `update ${table.sql} as t set ${set} from ${source} where ${found} and ${differs}`;
  // Staged rows are joined in the order of their keys: see `joinSettings`.
  if (from.typed) return { before: "", body: update(`(${rows}) as l`) };
  const order = keys.map((at) => `l.c${at}`).join(", ");
  return {
    before: `r as materialized (${rows}), k as materialized (select l.* from r as l join ${table.sql} as t on ${found} where ${differs} order by ${order} for no key update of t)`,
    body: update("k as l"),
  };
}

function deleteText(layout: Layout, from: RowsFrom): Dml {
  const { columns, keys, table } = layout;
  const found = keys.map((at) => `t.${quoted(columns[at]!.name)} = l.c${at}`).join(" and ");
  const list = valuesOf(layout, from).map((text, at) => `${text} as c${at}`);
  const rows = lastOfEach(layout, from, list.join(", "));
  const remove = (source: string): string =>
    `delete from ${table.sql} as t using ${source} where ${found}`;
  // Who may delete but not update may not lock either.
  if (from.typed || !table.lockable) return { before: "", body: remove(`(${rows}) as l`) };
  const order = keys.map((at) => `l.c${at}`).join(", ");
  return {
    before: `r as materialized (${rows}), k as materialized (select l.* from r as l join ${table.sql} as t on ${found} order by ${order} for update of t)`,
    body: remove("k as l"),
  };
}

/** COPY into a table, or into what stages rows for it. */
export const copyTextFor = (
  table: string,
  columns: readonly string[],
  form: "text" | "binary" = "text",
): string =>
  `copy ${table} (${columns.join(", ")}) from stdin${form === "binary" ? " (format binary)" : ""}`;

/** Makes the staging table: the columns' own types, without their constraints. */
export function stageText({ columns, table }: Layout, stage: string): string {
  const list = columns.map(({ name }, at) => `t.${quoted(name)} as c${at}`).join(", ");
  return `create temporary table ${stage} on commit drop as select ${list} from ${table.sql} as t with no data`;
}

export const staged = (stage: string, sorted: boolean, window = ""): RowsFrom => ({
  sql: `pg_temp.${stage} as v${window}`,
  order: "v.ctid",
  sorted,
  typed: true,
});

/**
 * How staged rows are joined to their table: only joins that keep the order of the keys, so that
 * two writes lock the same rows in the same order. By index where few rows meet a large table.
 */
export function joinSettings(layout: Layout, rows: number): readonly string[] {
  const { keys, columns, table } = layout;
  const names = keys.map((at) => columns[at]!.name);
  const indexed = table.unique.some(
    (index) =>
      index.predicate === undefined &&
      index.columns.length === names.length &&
      index.columns.every((name) => names.includes(name)),
  );
  const few = indexed && rows * 20 < table.estimatedRows;
  return ["enable_hashjoin", few ? "enable_mergejoin" : "enable_nestloop"];
}
