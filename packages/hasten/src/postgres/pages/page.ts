import { keyCodec } from "./column-type.ts";
import type { ResolvedColumn } from "./columns.ts";
import type { KeyTexts } from "./cursor.ts";
import { pageError } from "./errors.ts";
import type { Order } from "./order.ts";
import { keyName } from "./statement.ts";

/** A row as a driver gives it: an object by output name. */
export type DriverRow = Readonly<Record<string, unknown>>;

/** A page of a list. */
export interface Page<Row = Record<string, unknown>> {
  readonly rows: readonly Row[];
  /** Whether a row followed this page when it was read. */
  readonly hasNext: boolean;
  /** Whether a row preceded this page when it was read. */
  readonly hasPrev: boolean;
  /** The cursor of the page after this one; there if and only if `hasNext`. */
  readonly next?: string;
  /** The cursor of the page before this one; there if and only if `hasPrev`. */
  readonly prev?: string;
  /** Rows asked for, after clamping. */
  readonly limit: number;
}

/** Makes rows from a driver's: only the selected fields, dotted names as nested objects. */
export function rowShape(columns: readonly ResolvedColumn[]): (row: DriverRow) => object {
  if (columns.every((column) => column.path.length === 1))
    return (row) => {
      const shaped: Record<string, unknown> = {};
      for (const { name } of columns) shaped[name] = row[name];
      return shaped;
    };
  return (row) => {
    const shaped: Record<string, unknown> = {};
    for (const { name, path } of columns) place(shaped, path, row[name]);
    return shaped;
  };
}

function place(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let inner = target;
  for (const part of path.slice(0, -1)) {
    inner[part] ??= {};
    inner = inner[part] as Record<string, unknown>;
  }
  inner[path.at(-1)!] = value;
}

/** The exact keys of a row. @throws HST_PAGE_ROW when the rows are not those of the statement. */
export function keysOf(row: DriverRow, order: Order): KeyTexts {
  return order.map((column, index) => {
    const received = row[keyName(index)];
    if (received === null && column.nullable) return null;
    const codec = keyCodec(column.type);
    const text = typeof received === "string" ? (codec.decode?.(received) ?? received) : undefined;
    if (text !== undefined && codec.form.test(text)) return text;
    throw pageError(
      "HST_PAGE_ROW",
      received === null
        ? `Sort column ${column.name} is NULL in a row, and declared as not nullable.`
        : `Sort column ${column.name} has no key of type ${column.type} in a row.`,
      "Declare its type and nullability as they are; pass finish() the driver's rows as objects.",
    );
  });
}
