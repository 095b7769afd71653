/**
 * A JavaScript value as the text that PostgreSQL's input function of a type reads.
 *
 * Invariants:
 * - exact: nothing is rounded, and what has no exact text is refused, never guessed;
 * - the text depends on the value and the type only, not on the way it is sent (COPY, array).
 */

/** Why a value cannot be written; never quotes it. */
export class ValueRefused extends Error {
  override readonly name = "ValueRefused";
}

/** What the catalog says of a column's type, domains resolved. */
export interface ValueType {
  /** OID of the base type. */
  readonly oid: number;
  /** Of an array's elements, domains resolved. */
  readonly element?: { readonly oid: number; readonly delimiter: string } | undefined;
}

/** Text for a value that is neither null nor undefined. @throws ValueRefused */
export type ToText = (value: unknown) => string;

export const OID = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  timetz: 1266,
  numeric: 1700,
  jsonb: 3802,
} as const;

const INTEGERS: ReadonlySet<number> = new Set([OID.int2, OID.int4, OID.int8, OID.oid]);
const FLOATS: ReadonlySet<number> = new Set([OID.float4, OID.float8]);

/** True for types whose JavaScript numbers compare as PostgreSQL compares them. */
export const isInteger = (oid: number): boolean => INTEGERS.has(oid);

/** The encoder of a type. */
export function toTextOf(type: ValueType): ToText {
  if (type.element === undefined) return scalarOf(type.oid);
  const { oid, delimiter } = type.element;
  const element = scalarOf(oid);
  const nests = oid !== OID.json && oid !== OID.jsonb;
  return (value) => {
    if (typeof value === "string") return value;
    if (Array.isArray(value)) return arrayText(value, element, { delimiter, nests });
    if (ArrayBuffer.isView(value) && !(value instanceof DataView) && !(value instanceof Uint8Array))
      return arrayText(Array.from(value as unknown as ArrayLike<unknown>), element, {
        delimiter,
        nests,
      });
    throw new ValueRefused(`${kindOf(value)} where an array is wanted`);
  };
}

function scalarOf(oid: number): ToText {
  if (INTEGERS.has(oid)) return integerText;
  if (FLOATS.has(oid)) return floatText;
  switch (oid) {
    case OID.numeric:
      return numericText;
    case OID.bool:
      return booleanText;
    case OID.bytea:
      return bytesText;
    case OID.json:
    case OID.jsonb:
      return jsonText;
    case OID.timestamptz:
      return instantText;
    case OID.timestamp:
    case OID.date:
      return localText;
    default:
      return plainText;
  }
}

function integerText(value: unknown): string {
  if (typeof value === "number") {
    if (Number.isSafeInteger(value)) return `${value}`;
    throw new ValueRefused("a number that is no exact integer (pass a bigint or text)");
  }
  if (typeof value === "bigint") return `${value}`;
  return textOr(value, "an integer");
}

function floatText(value: unknown): string {
  if (typeof value === "number") return value === 0 && Object.is(value, -0) ? "-0" : `${value}`;
  if (typeof value === "bigint") return `${value}`;
  return textOr(value, "a number");
}

function numericText(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint") return `${value}`;
  return textOr(value, "a number");
}

function booleanText(value: unknown): string {
  if (value === true) return "t";
  if (value === false) return "f";
  return textOr(value, "a boolean");
}

/** Their text has two characters for each, and the engine holds no text of more than 2^29 - 24. */
const BYTES_MAX = 2 ** 28 - 16;

function bytesText(value: unknown): string {
  if (ArrayBuffer.isView(value) && value.byteLength > BYTES_MAX)
    throw new ValueRefused("more than 256 MiB");
  if (Buffer.isBuffer(value)) return `\\x${value.toString("hex")}`;
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return `\\x${Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString("hex")}`;
  }
  return textOr(value, "bytes");
}

/** Every value is JSON data: a string becomes a JSON string. */
function jsonText(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // The engine's message can quote a property's name.
  }
  if (text === undefined) throw new ValueRefused("something that JSON cannot hold");
  return text;
}

/** An instant: in UTC, whatever zone this process or the session has. */
function instantText(value: unknown): string {
  if (!(value instanceof Date)) return textOr(value, "a Date or text");
  const year = checkedYear(value, value.getUTCFullYear());
  if (year >= 1 && year <= 9_999) return value.toISOString();
  const rest = value.toISOString().replace(/^[+-]?\d+/, "");
  return year >= 1 ? `${year}${rest}` : `${String(1 - year).padStart(4, "0")}${rest} BC`;
}

/** For `date` and `timestamp` a Date means the wall clock of this process, as in the driver. */
function localText(value: unknown): string {
  if (!(value instanceof Date)) return textOr(value, "a Date or text");
  const year = checkedYear(value, value.getFullYear());
  const two = (n: number): string => String(n).padStart(2, "0");
  const shown = String(year >= 1 ? year : 1 - year).padStart(4, "0");
  const day = `${shown}-${two(value.getMonth() + 1)}-${two(value.getDate())}`;
  const ms = String(value.getMilliseconds()).padStart(3, "0");
  const time = `${two(value.getHours())}:${two(value.getMinutes())}:${two(value.getSeconds())}.${ms}`;
  return `${day}T${time}${year >= 1 ? "" : " BC"}`;
}

function checkedYear(value: Date, year: number): number {
  if (Number.isNaN(year)) throw new ValueRefused("an invalid Date");
  void value;
  return year;
}

function plainText(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean")
    return `${value}`;
  return textOr(value, "text");
}

/** Text as it is, and objects that say themselves what they are in PostgreSQL. */
function textOr(value: unknown, wanted: string): string {
  if (typeof value === "string") return value;
  const own = (value as { toPostgres?: unknown } | null)?.toPostgres;
  if (typeof own === "function") {
    const text: unknown = own.call(value);
    if (typeof text === "string") return text;
  }
  throw new ValueRefused(`${kindOf(value)} where ${wanted} is wanted`);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (value instanceof Date) return "a Date";
  if (ArrayBuffer.isView(value)) return "bytes";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

interface ArrayForm {
  readonly delimiter: string;
  /** False where an inner array is an element (JSON), not a dimension. */
  readonly nests: boolean;
}

const DEPTH_MAX = 6;

function arrayText(
  values: readonly unknown[],
  element: ToText,
  form: ArrayForm,
  depth = 1,
): string {
  if (depth > DEPTH_MAX) throw new ValueRefused(`an array of more than ${DEPTH_MAX} dimensions`);
  let text = "";
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (value === null || value === undefined) text += at === 0 ? "NULL" : `${form.delimiter}NULL`;
    else {
      const inner =
        form.nests && Array.isArray(value)
          ? arrayText(value, element, form, depth + 1)
          : quotedElement(element(value));
      text += at === 0 ? inner : form.delimiter + inner;
    }
  }
  // Older servers read an array of empty arrays as malformed; to all of them it is empty.
  return /^[{},;]*$/.test(text) ? "{}" : `{${text}}`;
}

const QUOTABLE = /["\\]/;

/** One element of an array's text form. */
export const quotedElement = (text: string): string =>
  QUOTABLE.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : `"${text}"`;
