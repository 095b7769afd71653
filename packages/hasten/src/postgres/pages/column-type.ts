/**
 * How a sort key of each type travels: out of the database as text, inside a cursor as tagged text,
 * back as a text parameter.
 *
 * Invariants:
 * - The text is exact: microseconds, 64-bit integers, every digit of a numeric, every bit of a float8.
 * - Neither direction depends on a session setting (DateStyle, TimeZone, extra_float_digits).
 * - A parameter whose type drivers convert on the way (dates, booleans) is declared `text` and cast by
 *   the server.
 */

/** Types a page can be sorted by. `int` stands for smallint and integer, `float8` also for real. */
export type SortableType =
  | "int"
  | "bigint"
  | "numeric"
  | "float8"
  | "text"
  | "uuid"
  | "bool"
  | "date"
  | "timestamp"
  | "timestamptz";

/** `json` (json and jsonb) and `other` can be selected but not sorted by. */
export type ColumnType = SortableType | "json" | "other";

interface KeyCodec {
  /** One character before the text in a cursor. */
  readonly tag: string;
  /** SQL of the key as text. */
  readonly toText: (expression: string) => string;
  /** SQL of a text parameter as a value of the column's type. */
  readonly fromText: (parameter: string) => string;
  /** Whether equal values always have the same text: not so 1.0 and 1.00, 0 and -0, some collations. */
  readonly canonical: boolean;
  /** What `toText` can give, after `decode`. */
  readonly form: RegExp;
  /** The text as the parameter takes it, where that differs. */
  readonly toParameter?: (text: string) => string;
  /** The text of a key as it arrives from the driver, when the server sends another form. */
  readonly decode?: (received: string) => string;
}

const INTEGER = /^-?\d{1,19}$/;
const NUMERIC = /^(?:-?\d{1,131072}(?:\.\d{1,16383})?|NaN|-?Infinity)$/;
const FLOAT = /^(?:-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|NaN|-?Infinity)$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DATE = /^(?:-?infinity|\d{4,7}-\d\d-\d\d(?: BC)?)$/;
const TIMESTAMP = /^(?:-?infinity|\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?: BC)?)$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: PostgreSQL text holds every character but this one.
const TEXT = /^[^\u0000]*$/;

const direct = (type: string) => (parameter: string) => `${parameter}::${type}`;
const viaText = (type: string) => (parameter: string) => `${parameter}::text::${type}`;
const asText = (expression: string): string => `(${expression})::text`;
/** JSON output of dates and times is ISO 8601 whatever DateStyle is. */
const asIso = (expression: string): string => `to_jsonb(${expression}) #>> '{}'`;

const CODECS: Readonly<Record<SortableType, KeyCodec>> = {
  int: { tag: "i", canonical: true, toText: asText, fromText: direct("int8"), form: INTEGER },
  bigint: { tag: "i", canonical: true, toText: asText, fromText: direct("int8"), form: INTEGER },
  numeric: {
    tag: "n",
    canonical: false,
    toText: asText,
    fromText: direct("numeric"),
    form: NUMERIC,
  },
  float8: {
    tag: "f",
    canonical: false,
    toText: (expression) => `encode(float8send(${expression}), 'hex')`,
    fromText: direct("float8"),
    form: FLOAT,
    decode: floatFromHex,
  },
  text: { tag: "s", canonical: false, toText: asText, fromText: direct("text"), form: TEXT },
  uuid: { tag: "u", canonical: true, toText: asText, fromText: direct("uuid"), form: UUID },
  bool: {
    tag: "b",
    canonical: true,
    toText: asText,
    fromText: viaText("bool"),
    form: /^(?:true|false)$/,
  },
  date: { tag: "d", canonical: true, toText: asIso, fromText: viaText("date"), form: DATE },
  timestamp: {
    tag: "t",
    canonical: true,
    toText: asIso,
    fromText: viaText("timestamp"),
    form: TIMESTAMP,
  },
  timestamptz: {
    tag: "z",
    canonical: true,
    toText: (expression) => asIso(`(${expression}) at time zone 'UTC'`),
    fromText: viaText("timestamptz"),
    toParameter: (text) => text.replace(/^\d\S*/, "$&Z"),
    form: TIMESTAMP,
  },
};

const SORTABLE: ReadonlySet<string> = new Set(Object.keys(CODECS));
const TYPES: ReadonlySet<string> = new Set([...SORTABLE, "json", "other"]);

export const isSortable = (type: ColumnType): type is SortableType => SORTABLE.has(type);

export const isColumnType = (type: unknown): type is ColumnType =>
  typeof type === "string" && TYPES.has(type);

export const columnTypes = (): readonly string[] => [...TYPES];

export const keyCodec = (type: SortableType): KeyCodec => CODECS[type];

/** The shortest text that reads back as the same float8, from its eight bytes in hexadecimal. */
function floatFromHex(hex: string): string {
  if (!/^[0-9a-f]{16}$/.test(hex)) return hex;
  const value = Buffer.from(hex, "hex").readDoubleBE();
  return Object.is(value, -0) ? "-0" : String(value);
}
