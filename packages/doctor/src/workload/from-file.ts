import { createHash } from "node:crypto";
import { normalise } from "hasten/postgres";
import { DoctorError } from "../errors.ts";
import type { Parser } from "../parse/parse.ts";
import { kindOf } from "./kind.ts";
import { type ScriptStatement, splitScript } from "./split.ts";
import { STATEMENTS_MAX, type Workload, type WorkStatement } from "./types.ts";

/** Characters of a file of statements at most. */
export const QUERIES_CHARS_MAX = 10_000_000;
const ID_CHARS = 16;
/** Of a comment `-- calls: 1200 mean_ms: 3.2`; what is above counts as this. */
const WEIGHT_MAX = 1e12;

/**
 * The statements of a file: several, each ended by `;`, with comments and lines for psql, which are
 * passed over. A comment before a statement may say how much it weighs: `-- calls: 1200 mean_ms: 3.2`;
 * without it each occurrence is one call. Statements that differ only in constants are one, and the
 * first one's constants are planned with.
 * @throws DoctorError HST_DOCTOR_FILE for a file above {@link QUERIES_CHARS_MAX}, or without a statement
 */
export function workloadFromFile(text: string, parser: Parser): Workload {
  if (text.length > QUERIES_CHARS_MAX)
    throw fileError("is larger than 10 million characters", "Give the statements that matter.");
  const { statements, skippedLines } = splitScript(text.replace(/^\uFEFF/, ""));
  const known = new Map<string, Counted>();
  let unreadable = 0;
  let left = 0;
  for (const statement of statements) {
    const read = readStatement(statement, parser);
    if (read === undefined) unreadable += 1;
    else if (read === "left out") left += 1;
    else known.set(read.id, added(known.get(read.id), read));
  }
  if (known.size === 0)
    throw fileError(
      "holds no statement that can be planned",
      "Give SELECT, INSERT, UPDATE, DELETE or MERGE statements, each ended by a semicolon.",
    );
  const all = [...known.values()].sort((a, b) => b.weight - a.weight);
  const wholeWeight = all.reduce((sum, it) => sum + it.weight, 0);
  const kept = all.slice(0, STATEMENTS_MAX);
  return {
    source: "file",
    window: { kind: "file" },
    statements: kept.map((it) => workOf(it, wholeWeight)),
    shareSeen: Math.min(1, kept.reduce((sum, it) => sum + it.weight, 0) / wholeWeight),
    unreadable,
    notes: [
      ...(skippedLines > 0 ? [`Left out of the file: ${skippedLines} lines for psql.`] : []),
      ...(unreadable > 0
        ? [`Left out of the file, as PostgreSQL's grammar refuses them: ${unreadable}.`]
        : []),
      ...(left > 0
        ? [`Left out of the file, as they are not planned or read only catalogs: ${left}.`]
        : []),
      ...(all.length > kept.length
        ? [`Only ${STATEMENTS_MAX} of ${all.length} different statements are looked at.`]
        : []),
    ],
  };
}

interface Counted {
  readonly id: string;
  readonly text: string;
  readonly planText: string;
  readonly calls: number;
  readonly totalMs: number;
  readonly weight: number;
}

function readStatement(
  { text, comments }: ScriptStatement,
  parser: Parser,
): Counted | "left out" | undefined {
  const [statement, second] = parser.parse(text) ?? [];
  if (statement === undefined || second !== undefined) return undefined;
  if (kindOf(statement.tree) !== "work") return "left out";
  const shown = normalise(statement.text);
  const calls = weightIn(comments, /\bcalls\s*[:=]\s*(\d+(?:\.\d+)?)/i);
  const meanMs = weightIn(comments, /\bmean_ms\s*[:=]\s*(\d+(?:\.\d+)?)/i);
  return {
    id: idOf(parser.withoutConstants(statement.text) ?? shown),
    text: shown,
    planText: statement.text,
    calls: calls ?? 1,
    totalMs: (calls ?? 1) * (meanMs ?? 0),
    weight: (calls ?? 1) * (meanMs ?? 1),
  };
}

function weightIn(comments: readonly string[], pattern: RegExp): number | undefined {
  const found = comments.map((it) => pattern.exec(it)?.[1]).find((it) => it !== undefined);
  const value = Number(found);
  return found === undefined || !(value > 0) ? undefined : Math.min(value, WEIGHT_MAX);
}

/** Stable over constants, white space and, where no name is quoted, letter case. */
function idOf(text: string): string {
  const plain = text.replace(/\s+/g, " ").trim();
  const same = plain.includes('"') ? plain : plain.toLowerCase();
  return createHash("sha256").update(same).digest("hex").slice(0, ID_CHARS);
}

const added = (old: Counted | undefined, more: Counted): Counted =>
  old === undefined
    ? more
    : {
        ...old,
        calls: old.calls + more.calls,
        totalMs: old.totalMs + more.totalMs,
        weight: old.weight + more.weight,
      };

const workOf = (
  { id, text, planText, calls, totalMs, weight }: Counted,
  whole: number,
): WorkStatement => ({
  id,
  text,
  planText,
  calls,
  totalMs,
  meanMs: totalMs / calls,
  maxMs: undefined,
  rows: 0,
  blocksHit: 0,
  blocksRead: 0,
  tempBlocksWritten: 0,
  walBytes: 0,
  share: weight / whole,
});

const fileError = (what: string, fix: string): DoctorError =>
  new DoctorError("HST_DOCTOR_FILE", { message: `The file of statements ${what}.`, fix });
