/**
 * Tells whether two statements of one shape ask for the same. Parameters are compared here and are
 * never shown; of large ones only the beginning and the length are looked at.
 */
import type { QueryRecord, QueryShape } from "../core/trace/index.ts";

const CHARS_MAX = 256;
const ITEMS_MAX = 32;

const texts = new WeakMap<QueryShape, number>();
let textsSeen = 0;

/** A number for each text: literals in the text itself are data too. */
function textOf(shape: QueryShape): number {
  let known = texts.get(shape);
  if (known === undefined) {
    textsSeen += 1;
    known = textsSeen;
    texts.set(shape, known);
  }
  return known;
}

/** The same for the same text with the same parameters. Never to be shown. */
export function dataOf({ shape, values }: Pick<QueryRecord, "shape" | "values">): string {
  const text = textOf(shape);
  if (values === undefined || values.length === 0) return `${text}`;
  if (values.length === 1) return `${text}|${valueKey(values[0])}`;
  return `${text}|${values.slice(0, ITEMS_MAX).map(valueKey).join("|")}|${values.length}`;
}

/** One parameter. Never to be shown. A number and its text are one: drivers send both alike. */
export function valueKey(value: unknown): string {
  if (value === null || value === undefined) return "null";
  switch (typeof value) {
    case "string":
      return short(value);
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
    case "object":
      return objectKey(value);
    default:
      return typeof value;
  }
}

function objectKey(value: object): string {
  if (value instanceof Date) return String(value.getTime());
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return `bytes ${bytes.length} ${bytes.subarray(0, CHARS_MAX).join(" ")}`;
  }
  if (Array.isArray(value))
    return `[${value.slice(0, ITEMS_MAX).map(valueKey).join(",")}]${value.length}`;
  try {
    return short(JSON.stringify(value) ?? "object");
  } catch {
    return "object";
  }
}

const short = (text: string): string =>
  text.length <= CHARS_MAX ? text : `${text.length} ${text.slice(0, CHARS_MAX)} ${text.slice(-32)}`;
