import { lex } from "./lexer.ts";

/** Longest normalised text kept; the rest is cut and marked. */
export const NORMALISED_CHARS_MAX = 2_000;
const SOURCE_CHARS_MAX = 20_000;

/**
 * A statement without its data: literals become `?`, lists of values one `?, …`, comments go and
 * white space shrinks. Safe to show and bounded; statements that differ only in literals or in the
 * number of values share it.
 */
export function normalise(text: string): string {
  const source = text.length > SOURCE_CHARS_MAX ? text.slice(0, SOURCE_CHARS_MAX) : text;
  let out = "";
  for (const token of lex(source)) {
    const piece = shown(token.kind, source.slice(token.start, token.end));
    if (piece === " " && (out === "" || out.endsWith(" "))) continue;
    out += piece;
  }
  const short = out.replace(/([?]|\$n)(?:\s*,\s*\1)+/g, "$1, …").trim();
  const rows = short.replace(/(\([^()]*\))(?:\s*,\s*\1)+/g, "$1, …");
  return rows.length > NORMALISED_CHARS_MAX ? `${rows.slice(0, NORMALISED_CHARS_MAX)}…` : rows;
}

function shown(kind: string, piece: string): string {
  if (kind === "space" || kind === "comment") return " ";
  if (kind === "string" || kind === "number") return "?";
  if (kind === "parameter") return "$n";
  return piece;
}
