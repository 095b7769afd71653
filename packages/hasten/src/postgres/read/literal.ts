/**
 * SQL literals, for COPY, which takes no parameters.
 *
 * Invariant: whatever the value, the text made of it is NULL, true, false, or `E'…'` in which there are
 * only ASCII letters, digits, the signs of PLAIN and `\uXXXX`, `\UXXXXXXXX` in hexadecimal. So it holds
 * neither a quote nor any other backslash and cannot end early, whatever standard_conforming_strings,
 * backslash_quote and the client's encoding are (PostgreSQL, "String Constants With C-Style Escapes").
 * An untyped literal takes its type from where it stands, as a parameter does.
 */
import { PostgresError } from "../errors.ts";
import { checked, Sql } from "../sql.ts";

/** Characters that stand for themselves. */
const ENCODED = /[^A-Za-z0-9 _.:,+@/=-]/gu;

/** The literal of a text. */
export const textLiteral = (text: string): string => `E'${text.replace(ENCODED, encoded)}'`;

function encoded(character: string): string {
  const point = character.codePointAt(0)!;
  if (point === 0) throw unfit("holds a NUL character");
  return point > 0xffff
    ? `\\U${point.toString(16).padStart(8, "0")}`
    : `\\u${point.toString(16).padStart(4, "0")}`;
}

/** The literal of a value, encoded as the driver encodes a parameter. @throws HST_PG_VALUE */
export function literal(value: unknown, position: number): string {
  checked(value, position);
  if (value === null) return "NULL";
  if (typeof value === "boolean") return value ? "true" : "false";
  return textLiteral(textOf(value));
}

function textOf(value: unknown): string {
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw unfit("is not well-formed Unicode");
    return value;
  }
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean")
    return String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  if (Array.isArray(value)) return `{${value.map(element).join(",")}}`;
  return JSON.stringify(value);
}

function element(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  if (Array.isArray(value)) return textOf(value);
  return `"${textOf(value).replace(/["\\]/g, "\\$&")}"`;
}

/** The text of a statement with its values in it. @throws HST_PG_SQL when it is not of the sql tag */
export function inlined(statement: {
  readonly text: string;
  readonly values?: readonly unknown[];
}): string {
  if (statement.values === undefined || statement.values.length === 0) return statement.text;
  if (!Sql.is(statement)) throw notTagged();
  const { pieces, values } = statement;
  return pieces.reduce((text, piece, index) => text + literal(values[index - 1], index) + piece);
}

const unfit = (because: string): PostgresError =>
  new PostgresError("HST_PG_VALUE", {
    message: `A text value ${because}, which PostgreSQL cannot store.`,
    fix: "Remove or replace the character before it gets here.",
  });

const notTagged = (): PostgresError =>
  new PostgresError("HST_PG_SQL", {
    message: "COPY takes no parameters, and { text, values } does not say where its values stand.",
    fix: "Write the statement with the sql tag: its values are put in as literals, safely.",
  });
