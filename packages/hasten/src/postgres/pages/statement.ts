/**
 * The text of a page's statement.
 *
 * Invariants:
 * - The filter's own text and numbering come first and unchanged; parameters of the page follow, each
 *   bound once however often it is used.
 * - The limit is written as a literal: as a parameter, a generic plan would have to guess it.
 * - Output names that start with `~` are ours; they never reach a row the caller sees.
 * - A look whether rows exist keeps its ORDER BY: inside EXISTS the planner would drop it and may then
 *   scan the table from its start.
 */
import type { Sql } from "../sql.ts";
import { keyCodec } from "./column-type.ts";
import type { ResolvedColumn } from "./columns.ts";
import { type Order, orderItems } from "./order.ts";
import type { Branch } from "./seek.ts";

/** The output name that says whether a row is the one its page's cursor was taken from. */
export const AT_CURSOR = "~at";
export const keyName = (index: number): string => `~k${index}`;
const sortAlias = (index: number): string => `"~s${index}"`;
const pickAlias = (index: number): string => `"~p${index}"`;

/** A list narrowed by a filter: what every statement about it starts from. */
export interface Source {
  readonly from: string;
  readonly filter: Sql | undefined;
}

/** One read of a list in one direction. */
export interface Scan {
  readonly source: Source;
  readonly columns: readonly ResolvedColumn[];
  /** In the direction of travel. */
  readonly order: Order;
  readonly rowsMax: number;
  /** One for each stretch of the list; none means from its start. */
  readonly branches: readonly Branch[];
  /** SQL of a boolean: whether a row is the cursor's, given expressions for the order's columns. */
  readonly atCursor?: ((expressions: readonly string[]) => string) | undefined;
  /** Rows to skip. */
  readonly offset?: number;
  /** The columns that tell a table's rows apart; there when rows may be looked up again by them. */
  readonly key?: readonly ResolvedColumn[] | undefined;
}

/** From so many skipped rows on, what a page shows is worked out for its own rows only. */
export const LATE_OFFSET_MIN = 1000;

/** Collects parameters behind those of a filter. */
export function parameters(filter: Sql | undefined): {
  readonly values: unknown[];
  bind(index: number, value: unknown): string;
} {
  const values: unknown[] = [...(filter?.values ?? [])];
  const bound = new Map<number, string>();
  return {
    values,
    bind(index, value) {
      const known = bound.get(index);
      if (known !== undefined) return known;
      const parameter = `$${values.push(value)}`;
      bound.set(index, parameter);
      return parameter;
    },
  };
}

/** `from … where …` with the filter and the conditions of one branch. */
export function fromWhere({ from, filter }: Source, branch: Branch = []): string {
  const conditions =
    filter === undefined || isBlank(filter) ? branch : [`(${filter.text})`, ...branch];
  return conditions.length === 0
    ? `from ${from}`
    : `from ${from} where ${conditions.join(" and ")}`;
}

const isBlank = (filter: Sql): boolean => filter.text.trim() === "";

/** One stretch is read directly; several are limited each and merged by their common order. */
export function scanText(scan: Scan): string {
  if (scan.branches.length > 1) return mergedText(scan);
  const late = scan.key !== undefined && (scan.offset ?? 0) >= LATE_OFFSET_MIN;
  return late ? lateText(scan, scan.key) : directText(scan);
}

function directText(scan: Scan): string {
  const expressions = scan.order.map((column) => column.sql);
  const outputs = [...scan.columns.map(output), ...keyOutputs(scan, expressions)];
  return [
    `select ${outputs.join(", ")}`,
    fromWhere(scan.source, scan.branches[0]),
    `order by ${orderItems(scan.order, expressions)}`,
    limitText(scan),
  ].join("\n");
}

/**
 * PostgreSQL works out a select list for skipped rows too, and sorts rows with all of it. So a deep
 * page's keys are picked first, where an index can give them alone, and its rows looked up by them.
 */
function lateText(scan: Scan, key: readonly ResolvedColumn[]): string {
  const expressions = scan.order.map((column) => column.sql);
  const items = orderItems(scan.order, expressions);
  const picked = key.map((column, index) => `${column.sql} as ${pickAlias(index)}`);
  const same = key.map((column, index) => `${column.sql} = "~picked".${pickAlias(index)}`);
  return [
    `select ${[...scan.columns.map(output), ...keyOutputs(scan, expressions)].join(", ")}`,
    `from (select ${picked.join(", ")} ${fromWhere(scan.source, scan.branches[0])} order by ${items} ${limitText(scan)}) as "~picked"`,
    `join ${scan.source.from} on ${same.join(" and ")}`,
    `order by ${items}`,
  ].join("\n");
}

function mergedText(scan: Scan): string {
  const expressions = scan.order.map((column) => column.sql);
  const merged = scan.order.map((_, index) => `p.${sortAlias(index)}`);
  const inner = [
    ...scan.columns.map(output),
    ...expressions.map((expression, index) => `${expression} as ${sortAlias(index)}`),
  ].join(", ");
  const order = orderItems(scan.order, expressions);
  const stretches = scan.branches.map(
    (branch) =>
      `(select ${inner} ${fromWhere(scan.source, branch)} order by ${order} limit ${scan.rowsMax})`,
  );
  const outer = [...scan.columns.map((column) => `p.${column.alias}`), ...keyOutputs(scan, merged)];
  return [
    `select ${outer.join(", ")}`,
    `from (${stretches.join("\nunion all ")}) as p`,
    `order by ${orderItems(scan.order, merged)}`,
    limitText(scan),
  ].join("\n");
}

const output = ({ sql, alias }: ResolvedColumn): string =>
  sql === alias ? sql : `${sql} as ${alias}`;

/** The sort keys as exact text, and whether the row is the cursor's. */
function keyOutputs(scan: Scan, expressions: readonly string[]): readonly string[] {
  const keys = scan.order.map(
    (column, index) =>
      `${keyCodec(column.type).toText(expressions[index]!)} as "${keyName(index)}"`,
  );
  return scan.atCursor === undefined
    ? keys
    : [...keys, `(${scan.atCursor(expressions)}) as "${AT_CURSOR}"`];
}

function limitText({ rowsMax, offset = 0 }: Scan): string {
  return offset === 0 ? `limit ${rowsMax}` : `limit ${rowsMax} offset ${offset}`;
}

/** SQL of a boolean: whether any of the stretches has a row. Nearest first, stops at the first. */
export function anyRow(source: Source, order: Order, branches: readonly Branch[]): string {
  const items = orderItems(
    order,
    order.map((column) => column.sql),
  );
  const looks = branches.map(
    (branch) => `(select true ${fromWhere(source, branch)} order by ${items} limit 1)`,
  );
  return `coalesce(${[...looks, "false"].join(", ")})`;
}
