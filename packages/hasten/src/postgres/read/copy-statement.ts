import { optionInvalid } from "../errors.ts";
import { quoteIdentifier, quoteQualified } from "../ident.ts";
import type { Statement } from "../sql.ts";
import { toPgStatement } from "../statement.ts";
import type { CopyFormat, CopyOutOptions } from "./copy-options.ts";
import { inlined, textLiteral } from "./literal.ts";

/** A table or view by name, or a statement that returns rows. */
export type CopySource = string | readonly string[] | Statement;

const FORMATS: ReadonlySet<unknown> = new Set(["text", "csv", "binary"]);

/** @throws HST_PG_SQL, HST_PG_VALUE, HST_PG_OPTION, HST_PG_IDENTIFIER */
export function copyText(source: CopySource, options: CopyOutOptions): string {
  const { format = "text", columns } = options;
  if (!FORMATS.has(format)) throw optionInvalid("format", '"text", "csv" or "binary"', format);
  return `copy ${sourceText(source, columns)} to stdout (${formatText(format, options)})`;
}

function sourceText(source: CopySource, columns: readonly string[] | undefined): string {
  if (typeof source === "object" && "text" in source) {
    if (columns !== undefined) throw optionInvalid("columns", "left out for a statement", columns);
    // The line break ends a comment at the end of the text.
    return `(${toPgStatement({ text: inlined(source) }).text}\n)`;
  }
  const table = quoteQualified(typeof source === "string" ? [source] : source);
  return columns === undefined ? table : `${table} (${columns.map(quoteIdentifier).join(", ")})`;
}

function formatText(format: string, options: CopyFormat): string {
  const { header, delimiter, null: nothing, quote, escape: before, forceQuote } = options;
  const parts = [`format ${format}`];
  if (header !== undefined) parts.push(`header ${header === true}`);
  if (delimiter !== undefined) parts.push(`delimiter ${textLiteral(delimiter)}`);
  if (nothing !== undefined) parts.push(`null ${textLiteral(nothing)}`);
  if (quote !== undefined) parts.push(`quote ${textLiteral(quote)}`);
  if (before !== undefined) parts.push(`escape ${textLiteral(before)}`);
  if (forceQuote === "all") parts.push("force_quote *");
  else if (forceQuote !== undefined)
    parts.push(`force_quote (${forceQuote.map(quoteIdentifier).join(", ")})`);
  return parts.join(", ");
}
