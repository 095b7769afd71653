/**
 * Statements that wait for each other for no reason that can be seen.
 *
 * Answers are not kept, so that one does not need another's answer is taken to be so only where
 * - every parameter of it was a parameter before the first of the chain was answered, or it has none, or
 *   it is no number and all answers before it were counts and sums;
 * - no statement before it in the chain may have decided whether it is asked at all: one that looked up
 *   a row by parameters, or found nothing (a check of rights, a 404);
 * - none of them writes, locks or runs in a transaction, which has one connection;
 * - they are of different shapes, and next to no time passes in between.
 */
import type { QueryRecord } from "../../core/trace/index.ts";
import { valueKey } from "../data-of.ts";
import { acts, isRead } from "../exempt.ts";
import { durationMs, largestOf, shownMs, sumOf } from "../spent.ts";
import { shortStatement } from "./text.ts";
import type { Draft, Rule } from "./types.ts";

/** What the program may compute between two statements that could have been asked together. */
const IDLE_MS_MAX = 5;

const SHOWN_MAX = 6;

/** Parameters that say nothing about where they come from. */
const PLAIN: ReadonlySet<string> = new Set(["null", "true", "false"]);

export const serial: Rule = ({ records, thresholds }) => {
  const drafts: Draft[] = [];
  const told = new Set<string>();
  for (const chain of chainsOf(records)) {
    if (chain.length < thresholds.serialMin) continue;
    const savedMs = sumOf(chain, durationMs) - largestOf(chain, durationMs);
    const [{ statement }] = [chain[0]!.shape];
    if (savedMs < thresholds.serialSavedMsMin || told.has(statement)) continue;
    told.add(statement);
    drafts.push(draftOf(chain, savedMs));
  }
  return drafts;
};

function chainsOf(records: readonly QueryRecord[]): readonly (readonly QueryRecord[])[] {
  const chains: QueryRecord[][] = [];
  let chain: QueryRecord[] = [];
  let open = false;
  const known = new Set<string>(PLAIN);
  let unheard: QueryRecord[] = [];
  for (const record of records) {
    unheard.push(record);
    if (!mayStandAlone(record)) {
      open = false;
      continue;
    }
    if (!open || !follows(record, chain, known)) {
      for (const earlier of unheard) learn(earlier, known);
      unheard = [];
      chain = [];
      chains.push(chain);
    }
    chain.push(record);
    open = !mayDecide(record);
  }
  return chains;
}

function learn({ values }: QueryRecord, known: Set<string>): void {
  for (const value of values ?? []) known.add(valueKey(value));
}

const mayStandAlone = (record: QueryRecord): boolean =>
  isRead(record) &&
  record.outcome === "answered" &&
  record.transaction === 0 &&
  !record.shape.traits.locks &&
  !record.streamed &&
  !acts(record.shape.statement);

function follows(
  record: QueryRecord,
  chain: readonly QueryRecord[],
  known: ReadonlySet<string>,
): boolean {
  const idleMs = record.calledMs - chain.at(-1)!.endedMs;
  if (idleMs < 0 || idleMs > IDLE_MS_MAX) return false;
  if (chain.some(({ shape }) => shape.statement === record.shape.statement)) return false;
  const { values, shape } = record;
  if (values === undefined || values.length === 0) return !holdsData(shape.statement);
  const counted = chain.every(isCount);
  return values.every((value) => known.has(valueKey(value)) || (counted && isNoNumber(value)));
}

const COUNT = /^\W*select\s+(?:count|sum|avg)\s*\(/i;

/** Its answer is one number. */
const isCount = ({ rows, shape }: QueryRecord): boolean =>
  rows === 1 && COUNT.test(shape.statement);

/** Cannot have come from a number: a word, a time. */
const isNoNumber = (value: unknown): boolean =>
  value instanceof Date || (typeof value === "string" && Number.isNaN(Number(value)));

/** Data written into the text, or parameters that were not seen. */
const holdsData = (statement: string): boolean =>
  /\$n/.test(statement) || /(?:\bid|_id|Id|ID)"?\s*(?:=|in\b)\s*\(?\s*\?/.test(statement);

const AGGREGATE = /^\W*select\s+(?:count|sum|avg|min|max|coalesce|array_agg|json_agg)\s*\(/i;

/** Whether what comes after may hang on its answer. */
function mayDecide({ rows, shape }: QueryRecord): boolean {
  if (rows === 0) return true;
  const looksUp = rows === 1 && /\bwhere\b/i.test(shape.statement);
  return looksUp && !AGGREGATE.test(shape.statement);
}

function draftOf(chain: readonly QueryRecord[], savedMs: number): Draft {
  const [first] = chain;
  const shown = chain.slice(0, SHOWN_MAX).map((record) => {
    const line = record.site === undefined ? "" : ` (line ${record.site.line})`;
    return `${shownMs(durationMs(record))}: ${shortStatement(record.shape.statement)}${line}`;
  });
  return {
    kind: "serial",
    statement: first!.shape.statement,
    site: chain.find(({ site }) => site !== undefined)?.site,
    count: chain.length,
    wastedMs: savedMs,
    evidence: [
      `${chain.length} statements waited for each other, though as far as their parameters tell none needs another's answer: ${shownMs(sumOf(chain, durationMs))} in a row, ${shownMs(largestOf(chain, durationMs))} side by side.`,
      ...shown,
    ],
    fix: "Ask for them together: `await Promise.all([…])`; or, where only the parameters differ, `db.batchQuery(…)`.",
  };
}
