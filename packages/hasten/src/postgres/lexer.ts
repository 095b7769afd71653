/**
 * A lexer for PostgreSQL's SQL, as much as is needed to split and to normalise statements.
 *
 * Invariants (chapter "Lexical Structure"):
 * - tokens cover the text without gap or overlap, and lexing never fails: an unterminated quote or
 *   comment runs to the end and is marked so;
 * - block comments nest; dollar quotes end at their own tag only; `''` and `""` are part of a quote;
 *   a backslash escapes in `E''` strings only (standard_conforming_strings is on, the default).
 */
export type TokenKind =
  | "space"
  | "comment"
  | "string"
  | "identifier"
  | "word"
  | "number"
  | "parameter"
  | "semicolon"
  | "operator";

export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
  /** False when the text ended inside it. */
  readonly closed: boolean;
}

const SPACE = /\s+/y;
const WORD = /[\p{L}_\u0080-\uffff][\p{L}\p{N}_$\u0080-\uffff]*/uy;
const NUMBER = /(?:0[xob][\da-f_]+|\d[\d_]*\.?[\d_]*(?:e[+-]?\d+)?|\.\d[\d_]*(?:e[+-]?\d+)?)/iy;
const PARAMETER = /\$\d+/y;
const DOLLAR_TAG = /\$(?:[\p{L}_\u0080-\uffff][\p{L}\p{N}_\u0080-\uffff]*)?\$/uy;

/** Splits text into tokens; see the invariants above. */
export function lex(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const token = next(text, at);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function next(text: string, start: number): Token {
  const char = text[start]!;
  const two = text.slice(start, start + 2);
  const done = (kind: TokenKind, end: number, closed = true): Token => ({
    kind,
    start,
    end,
    closed,
  });
  if (char === ";") return done("semicolon", start + 1);
  if (two === "--") return done("comment", lineEnd(text, start));
  if (two === "/*") return block(text, start);
  if (char === "'") return quoted(text, start, start, "string");
  if (char === '"') return quoted(text, start, start, "identifier");
  if (char === "$") return dollar(text, start);
  if (/^e'/i.test(two)) return escaped(text, start);
  if (/^[bxn]'/i.test(two)) return quoted(text, start, start + 1, "string");
  if (/^u&'/i.test(text.slice(start, start + 3))) return quoted(text, start, start + 2, "string");
  if (/^u&"/i.test(text.slice(start, start + 3)))
    return quoted(text, start, start + 2, "identifier");
  for (const [pattern, kind] of PATTERNS) {
    const end = match(pattern, text, start);
    if (end !== undefined) return done(kind, end);
  }
  return done("operator", start + (text.codePointAt(start)! > 0xffff ? 2 : 1));
}

const PATTERNS: readonly (readonly [RegExp, TokenKind])[] = [
  [SPACE, "space"],
  [WORD, "word"],
  [NUMBER, "number"],
];

function match(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** A line comment ends before its line feed or carriage return. */
function lineEnd(text: string, start: number): number {
  for (let at = start; at < text.length; at++)
    if (text[at] === "\n" || text[at] === "\r") return at;
  return text.length;
}

function block(text: string, start: number): Token {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const two = text.slice(at, at + 2);
    if (two === "/*") depth++;
    else if (two === "*/") depth--;
    else continue;
    at++;
    if (depth === 0) return { kind: "comment", start, end: at + 1, closed: true };
  }
  return { kind: "comment", start, end: text.length, closed: false };
}

/** A quote doubled inside stands for itself. */
function quoted(text: string, start: number, open: number, kind: TokenKind): Token {
  const quote = text[open]!;
  let at = open + 1;
  for (;;) {
    const found = text.indexOf(quote, at);
    if (found === -1) return { kind, start, end: text.length, closed: false };
    if (text[found + 1] !== quote) return { kind, start, end: found + 1, closed: true };
    at = found + 2;
  }
}

function escaped(text: string, start: number): Token {
  for (let at = start + 2; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "'" && text[at + 1] === "'") at++;
    else if (text[at] === "'") return { kind: "string", start, end: at + 1, closed: true };
  }
  return { kind: "string", start, end: text.length, closed: false };
}

function dollar(text: string, start: number): Token {
  const parameter = match(PARAMETER, text, start);
  if (parameter !== undefined) return { kind: "parameter", start, end: parameter, closed: true };
  const open = match(DOLLAR_TAG, text, start);
  if (open === undefined) return { kind: "operator", start, end: start + 1, closed: true };
  const found = text.indexOf(text.slice(start, open), open);
  if (found === -1) return { kind: "string", start, end: text.length, closed: false };
  return { kind: "string", start, end: found + (open - start), closed: true };
}
