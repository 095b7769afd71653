import { lex } from "../lexer.ts";
import type { TextTraits } from "./facts.ts";

/**
 * First words of statements that a policy may end. Everything else is left alone, known or not: DDL,
 * VACUUM, REINDEX, COPY, replication commands, two-phase commits, and DO and CALL, which may hold any
 * of them.
 */
const PLAIN: ReadonlySet<string> = new Set([
  ...["select", "with", "insert", "update", "delete", "merge", "values", "table"],
  ...["fetch", "move", "declare", "close", "execute", "show", "set", "reset", "explain", "lock"],
  ...["begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release"],
]);
/** Of plain first words, those whose second word makes them something else. */
const PREPARED = /^(?:commit|rollback)\s+prepared\b/i;
const LEAVE = /\bhasten:\s*leave\b/i;

/** Looks at a text as pg_stat_activity shows it. `cut`: the server kept only its beginning. */
export function traitsOf(text: string, cut: boolean): TextTraits {
  let plain = true;
  let leave = false;
  let statements = 0;
  let atStart = true;
  for (const token of lex(text)) {
    if (token.kind === "space") continue;
    const piece = text.slice(token.start, token.end);
    if (token.kind === "comment") leave ||= LEAVE.test(piece);
    else if (token.kind === "semicolon") atStart = true;
    else if (atStart && piece !== "(") {
      atStart = false;
      statements += 1;
      plain &&= PLAIN.has(piece.toLowerCase()) && !PREPARED.test(text.slice(token.start));
    }
  }
  return { plain: plain && statements > 0, leave, severalCut: cut && text.includes(";") };
}
