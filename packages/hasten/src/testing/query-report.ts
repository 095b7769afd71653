/** What a failed count says: the statements with how often each ran, and what is wrong with them. */
import { AssertionError } from "node:assert";
import type { QueryLog, QueryRecord } from "../core/trace/index.ts";
import {
  type FindContext,
  findIn,
  findingText,
  type Thresholds,
  type TraceFinding,
  thresholdsFor,
} from "../traces/index.ts";
import { siteText } from "../traces/site.ts";
import { functionWrittenAt } from "../traces/written-in.ts";

const STATEMENTS_SHOWN_MAX = 20;
const FINDINGS_SHOWN_MAX = 5;

/** Statements that reached the database, without those that begin and end transactions. */
export const countOf = (logs: readonly QueryLog[]): number =>
  logs.reduce((sum, log) => sum + log.totals().count, 0);

export function findingsOf(
  logs: readonly QueryLog[],
  own: Partial<Thresholds> | undefined,
  context: Omit<FindContext, "name">,
): readonly TraceFinding[] {
  const thresholds = thresholdsFor("test", own);
  return logs.flatMap((log) =>
    findIn(log, thresholds, { name: "the test", functionAt: functionWrittenAt, ...context }),
  );
}

/** An error that vitest, jest and node:test show as a failed assertion. */
export function failed(
  sentence: string,
  {
    logs,
    findings,
    actual,
    expected,
  }: {
    readonly logs: readonly QueryLog[];
    readonly findings: readonly TraceFinding[];
    readonly actual: unknown;
    readonly expected: unknown;
  },
): AssertionError {
  const told = findings.slice(0, FINDINGS_SHOWN_MAX).map((finding) => findingText(finding));
  const message = [sentence, ...statementLines(logs), ...told.map((text) => `\n${text}`)].join(
    "\n",
  );
  return new AssertionError({ message, actual, expected, operator: "queries" });
}

/** Most often first. Without data. */
function statementLines(logs: readonly QueryLog[]): readonly string[] {
  const groups = new Map<string, { count: number; site: QueryRecord["site"] }>();
  let beyond = 0;
  for (const log of logs) {
    beyond += log.beyond;
    for (const record of log.records) {
      if (!isCounted(record)) continue;
      const group = groups.get(record.shape.statement);
      if (group === undefined) groups.set(record.shape.statement, { count: 1, site: record.site });
      else {
        group.count += 1;
        group.site ??= record.site;
      }
    }
  }
  const sorted = [...groups].sort(([, a], [, b]) => b.count - a.count);
  const lines = sorted.slice(0, STATEMENTS_SHOWN_MAX).map(([statement, { count, site }]) => {
    const place = site === undefined ? "" : `\n        at ${siteText(site, process.cwd())}`;
    return `  ${String(count).padStart(3)}× ${statement}${place}`;
  });
  const more = sorted.length - STATEMENTS_SHOWN_MAX;
  if (more > 0) lines.push(`       and ${more} other statements`);
  if (beyond > 0) lines.push(`  ${beyond} further ones were counted and not kept`);
  return lines;
}

const isCounted = ({ cache, shape }: QueryRecord): boolean =>
  cache !== "hit" && (shape.role === "read" || shape.role === "write");
