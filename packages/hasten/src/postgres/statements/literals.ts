/**
 * Texts that differ in their literals only share one analysis: ORMs that write values into the text
 * send a new one each time.
 *
 * Invariants:
 * - Two texts have one key only if they have the same tokens but for plain strings and whole numbers.
 * - What depends on a literal is a slot, filled from the text at hand; where a constant of the tree is
 *   not exactly one literal of the text, there is no shared analysis.
 * - A text with what may be a relative date has no key: such literals decide what it is.
 */
import { lex, type Token } from "../lexer.ts";
import type { BoundTable } from "./bound-table.ts";
import type { Candidate, ValueSource } from "./equality.ts";
import { isRelativeDate } from "./scan-leaves.ts";

export interface Literals {
  readonly key: string;
  /** In the order of the text. */
  readonly values: readonly string[];
  /** Where each begins. */
  readonly starts: readonly number[];
}

const TEXT_LENGTH_MAX = 8 * 1024;
const WHOLE_NUMBER = /^\d{1,18}$/;

export function literalsOf(text: string): Literals | undefined {
  if (text.length > TEXT_LENGTH_MAX) return undefined;
  const values: string[] = [];
  const starts: number[] = [];
  const parts: string[] = [];
  let before: Token["kind"] | undefined;
  for (const token of lex(text)) {
    const source = text.slice(token.start, token.end);
    if (token.kind === "space" || token.kind === "comment") {
      parts.push(source);
      continue;
    }
    // Strings that follow each other may be one.
    if (!token.closed || (token.kind === "string" && before === "string")) return undefined;
    before = token.kind;
    const value = valueOfLiteral(token, source);
    if (value === undefined) {
      parts.push(source);
      continue;
    }
    if (isRelativeDate(value)) return undefined;
    values.push(value);
    starts.push(token.start);
    // Neither can be a token itself: no other text has this key.
    parts.push(token.kind === "string" ? "'\0" : "0\0");
  }
  if (values.length === 0 || text.includes("\0")) return undefined;
  return { key: parts.join(""), values, starts };
}

function valueOfLiteral(token: Token, source: string): string | undefined {
  if (token.kind === "number") return WHOLE_NUMBER.test(source) ? source : undefined;
  if (token.kind !== "string" || !source.startsWith("'")) return undefined;
  return source.slice(1, -1).replaceAll("''", "'");
}

/** The tables with slots where literals were; undefined if a constant is not surely one of them. */
export function withSlots(
  tables: readonly BoundTable[],
  text: string,
  { starts, values }: Literals,
): readonly BoundTable[] | undefined {
  const slotAt = new Map(starts.map((start, slot) => [byteOffset(text, start), slot]));
  let sure = true;
  const slotted = mapped(tables, (source) => {
    if (source.from !== "constant" || source.at === -1) return source;
    const slot = slotAt.get(source.at);
    if (slot === undefined || values[slot] !== source.text) {
      sure = false;
      return source;
    }
    return { from: "slot", slot };
  });
  return sure ? slotted : undefined;
}

/** The tables with these literals in their slots. */
export function filled(
  tables: readonly BoundTable[],
  values: readonly string[],
): readonly BoundTable[] {
  return mapped(tables, (source) =>
    source.from === "slot" ? { from: "constant", text: values[source.slot]!, at: -1 } : source,
  );
}

function mapped(
  tables: readonly BoundTable[],
  change: (source: ValueSource) => ValueSource,
): readonly BoundTable[] {
  const candidate = (terms: Candidate): Candidate =>
    terms.map((term) => ({ ...term, values: term.values.map(change) }));
  return tables.map((table) => ({ ...table, candidates: table.candidates.map(candidate) }));
}

/** The parser counts bytes. */
function byteOffset(text: string, at: number): number {
  return Buffer.byteLength(text.slice(0, at));
}
