/**
 * Rows as COPY lines or as cells of text. Compiled once for a write.
 *
 * Invariants:
 * - every row has a value for every column: what is absent or undefined is refused by row and
 *   column, never sent as NULL; null is NULL;
 * - a value under a name that is no column of this write is refused, never dropped;
 * - errors name the row and the column and never hold a value.
 */
import { PostgresError } from "../errors.ts";
import { binaryOf, binaryPays } from "./binary-cells.ts";
import { int16, int32 } from "./binary-numbers.ts";
import type { Column } from "./catalog.ts";
import { copyText, NULL_TEXT } from "./copy-text.ts";
import type { Layout } from "./layout.ts";
import type { Sink } from "./sink.ts";
import { type BulkOutcome, type BulkRow, withOutcome } from "./types.ts";
import { isInteger, OID, toTextOf, ValueRefused } from "./value-text.ts";

export interface RowEncoder {
  /** A COPY line without its newline. `index` is the row's position in the input. */
  line(row: BulkRow, index: number): string;
  /** Appends one text, or null, for each column; returns how many characters. */
  cells(row: BulkRow, index: number, into: (string | null)[]): number;
  /**
   * Writes a row in the binary form of COPY and says true; or says false and writes nothing: the row
   * goes as text, which refuses it or knows it. Undefined where it would not pay, or a column's type goes as text.
   */
  readonly binary: ((row: BulkRow, index: number, sink: Sink) => boolean) | undefined;
  /** True while the single integer key came in strictly ascending order. */
  readonly ascending: boolean;
}

type Cell = (value: unknown) => string;

export function rowEncoder(layout: Layout, named: boolean): RowEncoder {
  const { columns } = layout;
  const names = columns.map(({ name }) => name);
  const texts = columns.map((column) => toTextOf(column));
  const copies = columns.map((column, at) => copyCell(column, texts[at]!));
  const order = orderOf(layout, named);
  const width = columns.length;
  const strict = layout.kind !== "delete";

  const valuesOf = (row: BulkRow, index: number): Record<string, unknown> => {
    if (typeof row !== "object" || row === null)
      throw refused(index, undefined, "is neither an object nor an array");
    if (named) {
      if (strict && !hasCount(row, width)) refuseOthers(row, names, index);
      return row as Record<string, unknown>;
    }
    if (!Array.isArray(row) || (row.length !== width && strict))
      throw refused(index, undefined, `has not exactly ${width} values`);
    return row as unknown as Record<string, unknown>;
  };
  const keys: readonly (string | number)[] = named ? names : layout.places;
  const fail = (error: unknown, at: number, index: number): never => {
    if (!(error instanceof ValueRefused)) throw error;
    throw refused(index, names[at], `has ${error.message}`);
  };
  const absent = (at: number, index: number): never => {
    throw refused(index, names[at], "has no value (null is NULL)");
  };

  return {
    binary: binaryRow(layout, { keys, valuesOf, order }),
    line(row, index) {
      const values = valuesOf(row, index);
      order.see(values);
      let line = "";
      for (let at = 0; at < width; at++) {
        const value = values[keys[at]!];
        if (at > 0) line += "\t";
        if (value === null) line += NULL_TEXT;
        else if (value === undefined) absent(at, index);
        else
          try {
            line += copies[at]!(value);
          } catch (error) {
            fail(error, at, index);
          }
      }
      return line;
    },
    cells(row, index, into) {
      const values = valuesOf(row, index);
      order.see(values);
      let characters = width;
      for (let at = 0; at < width; at++) {
        const value = values[keys[at]!];
        if (value === undefined) absent(at, index);
        if (value === null) into.push(null);
        else
          try {
            const text = texts[at]!(value);
            characters += text.length;
            into.push(text);
          } catch (error) {
            fail(error, at, index);
          }
      }
      return characters;
    },
    get ascending() {
      return order.ascending;
    },
  };
}

interface RowParts {
  readonly keys: readonly (string | number)[];
  valuesOf(row: BulkRow, index: number): Record<string, unknown>;
  readonly order: { see(values: Record<string, unknown>): void };
}

/** Int16 columns; then for each its length and its bytes, or -1. */
function binaryRow({ columns }: Layout, { keys, valuesOf, order }: RowParts): RowEncoder["binary"] {
  const writers = columns.map(binaryOf);
  if (!binaryPays(columns) || !writers.every((writer) => writer !== undefined)) return undefined;
  const width = columns.length;
  return (row, index, sink) => {
    const values = valuesOf(row, index);
    const from = sink.at;
    sink.room(2 + width * 4);
    int16(sink, width);
    for (let at = 0; at < width; at++) {
      const value = values[keys[at]!];
      if (value === null) {
        sink.room(4);
        int32(sink, -1);
      } else if (value === undefined || !writers[at]!(value, sink)) {
        sink.at = from;
        return false;
      }
    }
    order.see(values);
    return true;
  };
}

/** Numbers and dates need no escaping; the test for it costs more than writing them. */
function copyCell(column: Column, text: Cell): Cell {
  if (column.element !== undefined) return (value) => copyText(text(value));
  if (isInteger(column.oid) || column.oid === OID.float8 || column.oid === OID.float4)
    return (value) => (typeof value === "number" ? text(value) : copyText(text(value)));
  if (column.oid === OID.bool)
    return (value) => (value === true ? "t" : value === false ? "f" : copyText(text(value)));
  if (column.oid === OID.timestamptz || column.oid === OID.timestamp || column.oid === OID.date)
    return (value) => (value instanceof Date ? text(value) : copyText(text(value)));
  if (column.oid === OID.bytea)
    return (value) => (ArrayBuffer.isView(value) ? `\\${text(value)}` : copyText(text(value)));
  return (value) => copyText(text(value));
}

function hasCount(row: object, wanted: number): boolean {
  let count = 0;
  for (const _ in row) count++;
  return count === wanted;
}

function refuseOthers(row: object, names: readonly string[], index: number): void {
  for (const [name, value] of Object.entries(row))
    if (value !== undefined && !names.includes(name))
      throw refused(index, name.slice(0, 63), "is no column of this write (see columns)");
}

/** Whether rows come in the order of their only, integer, key: then they need no sorting. */
function orderOf({ keys, columns, places }: Layout, named: boolean) {
  const column = keys.length === 1 ? columns[keys[0]!] : undefined;
  const watched = column !== undefined && isInteger(column.oid);
  const key = named ? (column?.name ?? "") : (places[keys[0] ?? 0] ?? 0);
  let last: number | bigint = Number.NEGATIVE_INFINITY;
  const order = {
    ascending: watched,
    see(values: Record<string, unknown>): void {
      if (!order.ascending) return;
      const value = values[key];
      if ((typeof value === "number" || typeof value === "bigint") && value > last) last = value;
      else order.ascending = false;
    },
  };
  return order;
}

export const NOT_TEXT =
  "holds a NUL character or half of a surrogate pair, which PostgreSQL cannot";

/** The error for a row that cannot be sent. */
export function refused(row: number, column: string | undefined, why: string): PostgresError {
  const where = column === undefined ? `Row ${row}` : `Row ${row}, column ${column}`;
  const error = new PostgresError(
    "HST_PG_BULK",
    {
      message: `${where} ${why}.`,
      fix: "Mend the row: each has a value for every column that is written, and none for others.",
    },
    { column },
  );
  const outcome: BulkOutcome = {
    row,
    column,
    rows: { from: row, to: row + 1 },
    committedRows: 0,
    unknownRows: 0,
  };
  return withOutcome(error, outcome);
}
