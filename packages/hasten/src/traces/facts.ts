/**
 * What a log says, put so that rules can ask it.
 *
 * Invariants:
 * - Pure and deterministic: the same log, thresholds and context give the same facts.
 * - A trace without repeats, large answers or slow chains costs one pass over its records.
 */
import type { CallSite, QueryLog, QueryRecord, TraceKind } from "../core/trace/index.ts";
import { dataOf } from "./data-of.ts";
import { type Allowance, isJudged, isRead, isRowWrite } from "./exempt.ts";
import { lineOf } from "./site.ts";
import type { Thresholds } from "./thresholds.ts";

/** What is known of a trace beside its log. */
export interface FindContext {
  /** `GET /api/orders/:id`, the name of a job. */
  readonly name: string;
  /** Jobs and scripts are judged by higher thresholds. @default "request" */
  readonly kind?: TraceKind;
  /** Files are named relative to it. @default process.cwd() */
  readonly root?: string;
  /** Judges loops of INSERT, UPDATE and DELETE too. @default false */
  readonly writes?: boolean;
  readonly allow?: readonly Allowance[];
  /** The function that a line is written in, where the stack does not tell it. @default not known */
  readonly functionAt?: (site: CallSite) => string;
}

/** Statements of one shape that one line asked for. */
export interface Cluster {
  readonly statement: string;
  readonly records: readonly QueryRecord[];
  readonly site: CallSite | undefined;
  /** How many of them were seen to come from there: the others are taken to. */
  readonly sampled: number;
}

/** All statements of one shape, in the order in which they were asked for. */
export interface Group {
  readonly statement: string;
  readonly records: readonly QueryRecord[];
  readonly clusters: readonly Cluster[];
}

export interface Facts {
  readonly log: QueryLog;
  readonly thresholds: Thresholds;
  /** The application's own statements, in the order in which they were asked for. */
  readonly records: readonly QueryRecord[];
  /** Shapes asked for more than once, by the first of each. */
  readonly groups: readonly Group[];
  /** Where a record stands in `records`. */
  readonly placeOf: ReadonlyMap<QueryRecord, number>;
}

/** Undefined where no rule could find anything. */
export function factsOf(
  log: QueryLog,
  thresholds: Thresholds,
  context: Pick<FindContext, "writes">,
): Facts | undefined {
  const records = log.records.filter(isJudged);
  const groups = repeatsOf(records, thresholds, context.writes === true);
  if (groups.length === 0 && !mayFind(records, log, thresholds)) return undefined;
  const placeOf = new Map(records.map((record, place) => [record, place]));
  return { log, thresholds, records, groups, placeOf };
}

/** Whether a rule about single statements, or about the whole, could find something. */
function mayFind(records: readonly QueryRecord[], log: QueryLog, limits: Thresholds): boolean {
  if (records.length + log.beyond >= limits.statementsMax) return true;
  let [sumMs, longestMs] = [0, 0];
  for (const record of records) {
    if (record.rows >= limits.unboundedRowsMin || record.bytes >= limits.wideBytesMin) return true;
    const tookMs = record.endedMs === 0 ? 0 : record.endedMs - record.calledMs;
    sumMs += tookMs;
    if (tookMs > longestMs) longestMs = tookMs;
  }
  return records.length >= limits.serialMin && sumMs - longestMs >= limits.serialSavedMsMin;
}

function repeatsOf(
  records: readonly QueryRecord[],
  limits: Thresholds,
  writes: boolean,
): readonly Group[] {
  const least = Math.min(limits.repeatsMin, limits.duplicatesMin);
  if (records.length < least) return [];
  const byStatement = new Map<string, QueryRecord[]>();
  for (const record of records) {
    if (record.outcome === "failed") continue;
    if (!isRead(record) && !(writes && isRowWrite(record))) continue;
    const same = byStatement.get(record.shape.statement);
    if (same === undefined) byStatement.set(record.shape.statement, [record]);
    else same.push(record);
  }
  const groups: Group[] = [];
  for (const [statement, same] of byStatement)
    if (same.length >= least)
      groups.push({ statement, records: same, clusters: clustersOf(statement, same) });
  return groups;
}

/**
 * Parts a group by the line that asked. Only some records hold a site: what comes before the first of
 * them is taken to come from its line, what comes after the last from the lines of the last two, in turn.
 */
function clustersOf(statement: string, records: readonly QueryRecord[]): readonly Cluster[] {
  const sampled = records.filter(({ site }) => site !== undefined);
  if (sampled.length === 0) return [{ statement, records, site: undefined, sampled: 0 }];
  const parts = new Map<string, { site: CallSite; records: QueryRecord[]; sampled: number }>();
  let [before, last] = [sampled[0]!.site!, sampled[0]!.site!];
  let unsampled = 0;
  for (const record of records) {
    const seen = record.site !== undefined;
    if (seen) [before, last, unsampled] = [last, record.site!, 0];
    else unsampled += 1;
    const site = !seen && unsampled % 2 === 1 ? before : last;
    const line = lineOf(site);
    const part = parts.get(line) ?? { site, records: [], sampled: 0 };
    part.records.push(record);
    if (seen) part.sampled += 1;
    parts.set(line, part);
  }
  return [...parts.values()].map((part) => ({ statement, ...part }));
}

export const distinctOf = (records: readonly QueryRecord[]): number =>
  new Set(records.map(dataOf)).size;
