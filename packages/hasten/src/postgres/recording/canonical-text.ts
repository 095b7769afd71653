/**
 * One spelling for statements that differ in data, spacing, comments and the case of their keywords.
 *
 * Invariants:
 * - Literals become `?`, parameters `$n`; a list of several becomes one and `…`, so that three keys and
 *   thirty are the same statement, and one key is another.
 * - Words lose their case as PostgreSQL makes them lose it; a quoted name keeps its own, and its quotes
 *   where it needs them.
 * - Bounded: SOURCE_CHARS_MAX of the text are read, and STATEMENT_CHARS_MAX are kept.
 */
import { lex, type Token } from "../lexer.ts";

export const STATEMENT_CHARS_MAX = 2_000;
const SOURCE_CHARS_MAX = 20_000;

export interface CanonicalText {
  readonly statement: string;
  /** Whether data stands in the text itself. */
  readonly hasLiterals: boolean;
}

const PLAIN_NAME = /^"[a-z_][a-z0-9_$]*"$/;
const OPERATORS = /^[-+*/<>=~!@#%^&|`?]$/;
/** After these words a parenthesis opens a list or a query, not the arguments of a function. */
const BEFORE_LIST: ReadonlySet<string> = new Set(
  "in values and or not from join on where as select exists using over by with when then else case limit offset returning into set union all except intersect having between like ilike is end materialized".split(
    " ",
  ),
);

type Kind = "word" | "data" | "operator" | "open" | "close" | "comma" | "tight" | "end";

interface Piece {
  readonly kind: Kind;
  readonly text: string;
}

export function canonicalText(text: string): CanonicalText {
  const source = text.length > SOURCE_CHARS_MAX ? text.slice(0, SOURCE_CHARS_MAX) : text;
  let hasLiterals = false;
  let out = "";
  let before: Piece | undefined;
  let joined = false;
  for (const token of lex(source)) {
    if (token.kind === "space" || token.kind === "comment") {
      joined = false;
      continue;
    }
    if (token.kind === "string" || token.kind === "number") hasLiterals = true;
    const piece = pieceOf(token, source);
    const glue = before?.kind === "operator" && piece.kind === "operator" && joined;
    out += (before === undefined || glue || isTight(before, piece) ? "" : " ") + piece.text;
    before = piece;
    joined = true;
  }
  return { statement: cut(shortened(out.replace(/(?:\s*;)+$/, ""))), hasLiterals };
}

function pieceOf({ kind, start, end }: Token, source: string): Piece {
  const text = source.slice(start, end);
  if (kind === "string" || kind === "number") return { kind: "data", text: "?" };
  if (kind === "parameter") return { kind: "data", text: "$n" };
  if (kind === "word") return { kind: "word", text: text.toLowerCase() };
  if (kind === "identifier")
    return { kind: "word", text: PLAIN_NAME.test(text) ? text.slice(1, -1) : text };
  if (text === "(") return { kind: "open", text };
  if (text === ")" || text === "]") return { kind: "close", text };
  if (text === ",") return { kind: "comma", text };
  if (text === "." || text === ":" || text === "[") return { kind: "tight", text };
  if (text === ";") return { kind: "end", text };
  return { kind: OPERATORS.test(text) ? "operator" : "tight", text };
}

/** Whether nothing stands between two pieces. */
function isTight(before: Piece, piece: Piece): boolean {
  if (piece.kind === "comma" || piece.kind === "close" || piece.kind === "end") return true;
  if (before.kind === "open" || before.kind === "tight" || piece.kind === "tight") return true;
  if (piece.kind === "open") return before.kind === "word" && !BEFORE_LIST.has(before.text);
  return false;
}

function shortened(statement: string): string {
  return statement
    .replace(/(\?|\$n)(?:, \1)+/g, "$1, …")
    .replace(/(\([^()]*\))(?:, \1)+/g, "$1, …")
    .replace(/\b(into [\w$."]+)\(/g, "$1 (");
}

const cut = (statement: string): string =>
  statement.length > STATEMENT_CHARS_MAX
    ? `${statement.slice(0, STATEMENT_CHARS_MAX)}…`
    : statement;
