import type { Candidate, CandidateReason } from "../candidates/types.ts";
import type { Index } from "../catalog/types.ts";
import { readable } from "./readable.ts";
import type { StatementGain } from "./types.ts";

/** For example "btree, partial, covering". */
export function typeOf(candidate: Candidate): string {
  return [
    candidate.method,
    ...(candidate.keys.some(({ column }) => column === undefined) ? ["expression"] : []),
    ...(candidate.predicate === undefined ? [] : ["partial"]),
    ...(candidate.include.length === 0 ? [] : ["covering"]),
  ].join(", ");
}

/** Key columns; an expression stands as its SQL, a direction that is not the default is named. */
export function columnsOf(candidate: Candidate): readonly string[] {
  return candidate.keys.map(
    (key) =>
      (key.column ?? withoutParentheses(readable(key.sql))) + (key.descending ? " desc" : ""),
  );
}

/** A call stands for itself: lower(name). */
function withoutParentheses(sql: string): string {
  return sql.replace(/^\(([\w.]+\([^()]*\))\)$/, "$1");
}

export function impactOf(savedShare: number): "high" | "medium" | "low" {
  if (savedShare >= 0.2) return "high";
  return savedShare >= 0.05 ? "medium" : "low";
}

/** What each reason says of the statements, most telling first. */
const SENTENCES: readonly (readonly [CandidateReason, string])[] = [
  ["trigram", "search for text anywhere within a column, which no b-tree can answer"],
  ["pattern", "compare a column with a pattern"],
  ["jsonb", "look into jsonb documents"],
  ["array", "look for elements of arrays"],
  ["full-text", "search by full text"],
  ["join", "join on these columns"],
  ["foreign-key", "follow a foreign key that has no index"],
  ["equality", "look rows up by these columns"],
  ["range", "read a range of these columns"],
  ["expression", "compare the value of an expression"],
  ["order", "ask for this order"],
  ["group", "group by these columns"],
  ["brin", "read a range of a large table whose rows lie in this order"],
];
const EXTRAS: readonly (readonly [CandidateReason, string])[] = [
  ["partial", "It holds only the rows that the condition asks for, so it stays small."],
  ["covering", "It carries the columns that are read, so that the table itself is rarely touched."],
];
const PHRASES_MAX = 3;
const LOOKUP = ["looks rows up by these columns", "look rows up by these columns"] as const;

/** One or two sentences for people: who asks, what for, what it saves. */
export function reasonOf(candidate: Candidate, gains: readonly StatementGain[]): string {
  const reasons = new Set(candidate.reasons);
  const phrases = SENTENCES.flatMap(([reason, text]) => (reasons.has(reason) ? [text] : []));
  const share = gains.reduce((sum, gain) => sum + gain.share, 0);
  const who =
    gains.length === 1
      ? "One statement"
      : `${gains.length === 0 ? "Some" : gains.length} statements`;
  const plural = gains.length === 1 ? phrases.map(singular) : phrases;
  const what =
    plural.length === 0 ? LOOKUP[gains.length === 1 ? 0 : 1] : joined(plural.slice(0, PHRASES_MAX));
  const extras = EXTRAS.flatMap(([reason, text]) => (reasons.has(reason) ? [text] : []));
  return [`${who} (${percent(share)} of the time) ${what}.`, ...extras].join(" ");
}

function singular(phrase: string): string {
  return phrase.replace(/^(\w+)/, (verb) => (verb === "search" ? "searches" : `${verb}s`));
}

function joined(parts: readonly string[]): string {
  const last = parts.at(-1) ?? "";
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(", ")} and ${last}`;
}

export function percent(share: number): string {
  const value = share * 100;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} %`;
}

/** Names for people. */
export function indexNames(indexes: readonly Index[]): readonly string[] {
  return indexes.map(({ name }) => name);
}
