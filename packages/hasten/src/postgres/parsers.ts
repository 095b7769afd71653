/**
 * How column types become values. Per database: the driver's global table is never changed.
 * A value that JavaScript cannot hold exactly stays text.
 */
import { hash } from "node:crypto";
import type { PgDriver } from "./driver.ts";

const asText = (text: string): string => text;

/** Elements of a one-dimensional array's text form, NULL as null. */
type ArrayParser = (text: string) => unknown;

const OID = {
  date: 1082,
  timestamp: 1114,
  interval: 1186,
  dateArray: 1182,
  timestampArray: 1115,
  intervalArray: 1187,
  textArray: 1009,
} as const;

/**
 * The defaults, where they differ from the driver's: `date`, `timestamp` (no zone) and `interval`
 * stay text, alone and in arrays, because the driver would read the first two in the machine's
 * time zone. As in the driver, `int8` and `numeric` stay text, `timestamptz` becomes a Date
 * (microseconds are lost), json is parsed, `bytea` is a Buffer.
 */
export function typeParsers(
  driver: PgDriver,
  own: Readonly<Record<number, (text: string) => unknown>>,
): { getTypeParser(oid: number, format?: string): unknown } {
  const textArray = driver.types.getTypeParser(OID.textArray, "text") as ArrayParser;
  const table = new Map<number, (text: string) => unknown>([
    [OID.date, asText],
    [OID.timestamp, asText],
    [OID.interval, asText],
    [OID.dateArray, textArray],
    [OID.timestampArray, textArray],
    [OID.intervalArray, textArray],
  ]);
  for (const [oid, parser] of Object.entries(own)) table.set(Number(oid), parser);
  return {
    getTypeParser(oid, format) {
      const parser = format === "binary" ? undefined : table.get(oid);
      return parser ?? driver.types.getTypeParser(oid, format);
    },
  };
}

const ids = new WeakMap<object, string>();
const sources = new Map<string, number>();

/**
 * Tells parsers apart in cache keys: by their source, the same in every process, and by a number
 * where several functions share one, because they can still differ in what they captured.
 */
export function parserId(parser: (text: string) => unknown): string {
  const known = ids.get(parser);
  if (known !== undefined) return known;
  const source = hash("sha256", String(parser), "base64url");
  const number = (sources.get(source) ?? 0) + 1;
  sources.set(source, number);
  const id = `${source}${number}`;
  ids.set(parser, id);
  return id;
}
