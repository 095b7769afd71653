import { loadModule, type Node, normalizeSync, parseSync } from "libpg-query";

/** PostgreSQL's own parser. Nothing is thrown but what {@link parse} says. */
export interface Parser {
  /**
   * The statements of a text, each with its own slice of it (no `;`, no neighbour).
   * A text that PostgreSQL's grammar refuses, or one above {@link SQL_CHARS_MAX}, is `undefined`.
   */
  parse(text: string): readonly ParsedStatement[] | undefined;
  /** Constants become `$n`; undefined when the text does not parse. */
  withoutConstants(text: string): string | undefined;
}

export interface ParsedStatement {
  readonly text: string;
  readonly tree: Node;
}

/** Longer texts are not parsed. */
export const SQL_CHARS_MAX = 100_000;

let loading: Promise<Parser> | undefined;

/** Loads the parser (WASM, 1.8 MB) once for the process. */
export function loadParser(): Promise<Parser> {
  loading ??= loadModule().then(() => ({ parse: parsed, withoutConstants }));
  return loading;
}

function parsed(text: string): readonly ParsedStatement[] | undefined {
  if (text.length > SQL_CHARS_MAX) return undefined;
  if (text.trim() === "") return [];
  try {
    const { stmts = [] } = parseSync(text);
    // The parser counts bytes.
    const bytes = Buffer.from(text, "utf8");
    return stmts.flatMap(({ stmt, stmt_location: start = 0, stmt_len: length }) => {
      if (stmt === undefined) return [];
      const end = length === undefined || length === 0 ? bytes.length : start + length;
      return [{ tree: stmt, text: bytes.toString("utf8", start, end).trim() }];
    });
  } catch {
    return undefined;
  }
}

function withoutConstants(text: string): string | undefined {
  if (text.length > SQL_CHARS_MAX || text.trim() === "") return undefined;
  try {
    return normalizeSync(text);
  } catch {
    return undefined;
  }
}
