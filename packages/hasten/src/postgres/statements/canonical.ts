/**
 * The text form of values in row tags.
 *
 * Invariant: two values that PostgreSQL holds equal in a column of this kind have one form, and it is
 * the text that the server writes for the column. What is not surely so has no form (undefined), and
 * its reader depends on the whole table.
 */
import type { ColumnKind } from "./interest.ts";

const INTEGER = /^\s*([+-]?)0*(\d{1,19})\s*$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TRUE = new Set(["t", "true", "yes", "on", "1"]);
const FALSE = new Set(["f", "false", "no", "off", "0"]);

/** Of a driver's parameter, or of a constant's text. `null` for SQL's NULL, which equals nothing. */
export function canonicalValue(kind: ColumnKind, value: unknown): string | null | undefined {
  if (value === null || value === undefined) return null;
  const sent = textSent(value);
  // A lone surrogate is sent as another character.
  if (sent === undefined || !sent.isWellFormed()) return undefined;
  return canonicalText(kind, sent);
}

/** Of the text form that the server wrote for a column of this kind. */
export function canonicalText(kind: ColumnKind, text: string): string | undefined {
  switch (kind) {
    case "integer":
      return integer(text);
    case "uuid": {
      const lower = text.toLowerCase();
      return UUID.test(lower) ? lower : undefined;
    }
    case "boolean": {
      const lower = text.toLowerCase();
      if (TRUE.has(lower)) return "t";
      return FALSE.has(lower) ? "f" : undefined;
    }
    case "text":
      return text;
    default:
      return kind satisfies never;
  }
}

function integer(text: string): string | undefined {
  const match = INTEGER.exec(text);
  if (match === null) return undefined;
  const digits = match[2]!.replace(/^0+(?=\d)/, "");
  return match[1] === "-" && digits !== "0" ? `-${digits}` : digits;
}

/** What the driver sends for a plain value; undefined for what it serialises in its own way. */
function textSent(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
    default:
      return undefined;
  }
}
