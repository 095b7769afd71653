import { lex, type Token } from "../lexer.ts";

/** One statement of a file. */
export interface SplitStatement {
  readonly text: string;
  /** Line of its first token, counted from 1. */
  readonly line: number;
  /** Its words and identifiers in order, words in lower case: what rules look at. */
  readonly words: readonly string[];
}

export type Split =
  | { readonly kind: "split"; readonly statements: readonly SplitStatement[] }
  /** A quote, dollar quote or comment was still open at the end of the file. */
  | { readonly kind: "unclosed"; readonly line: number };

/**
 * Splits a file into statements at semicolons outside of quotes, dollar quotes, comments,
 * parentheses (rules) and SQL-standard function bodies (BEGIN ATOMIC … END), as psql does.
 */
export function splitStatements(source: string): Split {
  const tokens = lex(source);
  const open = tokens.find((token) => !token.closed);
  if (open !== undefined) return { kind: "unclosed", line: lineOf(source, open.start) };
  const statements: SplitStatement[] = [];
  let current: Token[] = [];
  const flush = (): void => {
    const first = current.findIndex((token) => token.kind !== "space" && token.kind !== "comment");
    if (first !== -1) statements.push(statementOf(source, current.slice(first)));
    current = [];
  };
  const depth = depthTracker(source);
  for (const token of tokens) {
    if (token.kind === "semicolon" && !depth.inside()) {
      flush();
      depth.reset();
      continue;
    }
    current.push(token);
    depth.see(token);
  }
  flush();
  return { kind: "split", statements };
}

function statementOf(source: string, tokens: readonly Token[]): SplitStatement {
  const start = tokens[0]!.start;
  const text = source.slice(start, tokens.at(-1)!.end).trimEnd();
  const words = tokens
    .filter((token) => token.kind === "word" || token.kind === "identifier")
    .map((token) => {
      const word = source.slice(token.start, token.end);
      return token.kind === "word" ? word.toLowerCase() : word;
    });
  return { text, line: lineOf(source, start), words };
}

/** Knows whether a semicolon belongs to the statement: in parentheses, or in a BEGIN ATOMIC body. */
function depthTracker(source: string) {
  let parentheses = 0;
  let body = 0;
  let words: string[] = [];
  const isRoutine = (): boolean =>
    words[0] === "create" && words.slice(1, 4).some((w) => w === "function" || w === "procedure");
  return {
    inside: () => parentheses > 0 || body > 0,
    reset() {
      parentheses = 0;
      body = 0;
      words = [];
    },
    see(token: Token) {
      const piece = source.slice(token.start, token.end);
      if (piece === "(") parentheses++;
      else if (piece === ")") parentheses = Math.max(0, parentheses - 1);
      if (token.kind !== "word") return;
      const word = piece.toLowerCase();
      if (word === "atomic" && words.at(-1) === "begin" && isRoutine()) body++;
      else if (body > 0 && word === "case") body++;
      else if (body > 0 && word === "end") body--;
      words.push(word);
    },
  };
}

function lineOf(source: string, at: number): number {
  let line = 1;
  for (let index = source.indexOf("\n"); index !== -1 && index < at; line++)
    index = source.indexOf("\n", index + 1);
  return line;
}
