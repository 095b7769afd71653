import { IDENTIFIER_BYTES_MAX, quoteIdentifier } from "../ident.ts";
import { Sql } from "../sql.ts";
import { type ColumnType, columnTypes, isColumnType } from "./column-type.ts";
import { pageError } from "./errors.ts";
import type { PageColumn, PageOptions } from "./options.ts";

/** A column of a list, its expression ready to stand in any place of a statement. */
export interface ResolvedColumn {
  readonly name: string;
  /** The quoted output name. */
  readonly alias: string;
  /** The name split at its dots: where the value goes in a row. */
  readonly path: readonly string[];
  readonly sql: string;
  /** `sql` with the collation it is sorted by. */
  readonly sortSql: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly unique: boolean;
  readonly select: boolean;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*){0,7}$/;
const BARE_NAME = /^(?:[A-Za-z_][A-Za-z0-9_$]*|"(?:[^"]|"")+")$/;
const FORBIDDEN: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

export function resolveColumns(options: PageOptions): ReadonlyMap<string, ResolvedColumn> {
  const columns = new Map<string, ResolvedColumn>();
  for (const [name, column] of Object.entries(options.columns))
    columns.set(name, resolveColumn(name, column, options.key));
  if (options.key.length === 0 || new Set(options.key).size !== options.key.length)
    throw keyInvalid("key must name each column of the primary key once.");
  for (const name of options.key) {
    const column = columns.get(name);
    if (column === undefined) throw keyInvalid(`key names an unknown column: ${name}.`);
    if (!column.select) throw keyInvalid(`Column ${name} is part of the key and not selected.`);
  }
  for (const column of columns.values()) refuseAmbiguity(column, columns);
  return columns;
}

function resolveColumn(name: string, column: PageColumn, key: readonly string[]): ResolvedColumn {
  const path = name.split(".");
  if (
    !NAME.test(name) ||
    name.length > IDENTIFIER_BYTES_MAX ||
    path.some((part) => FORBIDDEN.has(part))
  )
    throw columnInvalid(name, "needs a name of letters, digits and _, with dots between parts");
  if (!isColumnType(column.type))
    throw columnInvalid(name, `needs a type, one of ${columnTypes().join(", ")}`);
  const inKey = key.includes(name);
  if ((inKey || column.unique === true) && column.nullable === true)
    throw columnInvalid(name, "is part of the key or unique and cannot be nullable");
  const alias = quoteIdentifier(name);
  const sql = expressionOf(name, column);
  const collated = column.type === "text" && column.collation !== "column";
  return {
    name,
    alias,
    path,
    sql,
    sortSql: collated ? `${sql} collate "C"` : sql,
    type: column.type,
    nullable: column.nullable ?? !(inKey || column.unique === true),
    unique: column.unique ?? false,
    select: column.select ?? true,
  };
}

function expressionOf(name: string, { sql }: PageColumn): string {
  if (sql === undefined) return quoteIdentifier(name);
  if (!Sql.is(sql)) throw columnInvalid(name, "needs its sql from the sql tag");
  if (sql.values.length > 0) throw columnInvalid(name, "cannot have parameters in its sql");
  const text = sql.text.trim();
  return BARE_NAME.test(text) ? text : `(${text})`;
}

/** In ORDER BY PostgreSQL takes a bare name for an output column first. */
function refuseAmbiguity(
  column: ResolvedColumn,
  columns: ReadonlyMap<string, ResolvedColumn>,
): void {
  if (!BARE_NAME.test(column.sql)) return;
  const meant = column.sql.startsWith('"')
    ? column.sql.slice(1, -1).replaceAll('""', '"')
    : column.sql.toLowerCase();
  const shown = columns.get(meant);
  if (shown !== undefined && shown.sql !== column.sql && shown.sql !== quoteIdentifier(meant))
    throw columnInvalid(column.name, `means the table's ${meant}, while ${meant} is an expression`);
}

const columnInvalid = (name: string, because: string): Error =>
  pageError(
    "HST_PAGE_COLUMN",
    `Column ${JSON.stringify(name)} ${because}.`,
    "Write { type: \"text\", sql: sql`document ->> 'name'` }; qualify a name two things share.",
  );

const keyInvalid = (message: string): Error =>
  pageError("HST_PAGE_KEY", message, 'Pass the primary key, for example key: ["id"].');
