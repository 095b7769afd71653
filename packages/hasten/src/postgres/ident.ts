import { identifierInvalid } from "./errors.ts";

/** Longest identifier PostgreSQL keeps, in bytes of UTF-8; it silently cuts longer ones. */
export const IDENTIFIER_BYTES_MAX = 63;

/**
 * Quotes one identifier for PostgreSQL: the only place in hasten that does so.
 * Always quoted, so the name is taken literally (case, dots, spaces and keywords included).
 * @throws HST_PG_IDENTIFIER when empty, longer than 63 bytes (the server would cut it and could
 * then mean another object), holding a zero byte, or not well-formed Unicode.
 */
export function quoteIdentifier(name: string): string {
  if (typeof name !== "string" || name === "") throw identifierInvalid(name, "must not be empty");
  if (name.includes("\0")) throw identifierInvalid(name, "must not hold a zero byte");
  if (!name.isWellFormed()) throw identifierInvalid(name, "must be well-formed Unicode");
  if (Buffer.byteLength(name) > IDENTIFIER_BYTES_MAX)
    throw identifierInvalid(name, `must have at most ${IDENTIFIER_BYTES_MAX} bytes`);
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes the parts of a qualified name and joins them by dots: `"public"."orders"`. */
export function quoteQualified(parts: readonly string[]): string {
  if (parts.length === 0) throw identifierInvalid("", "must not be empty");
  return parts.map(quoteIdentifier).join(".");
}
