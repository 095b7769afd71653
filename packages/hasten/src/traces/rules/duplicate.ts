/**
 * The same statement with the same parameters, though nothing was written meanwhile that it reads. Within
 * one transaction, or outside all: asking again in another transaction asks for another state.
 */
import type { QueryRecord } from "../../core/trace/index.ts";
import { dataOf } from "../data-of.ts";
import { acts, isRead } from "../exempt.ts";
import type { Facts, Group } from "../facts.ts";
import { shownMs, underWayMs } from "../spent.ts";
import { isOneByOne } from "./loops.ts";
import { claimOf } from "./text.ts";
import type { Draft, Rule } from "./types.ts";

/** Between two looks at something that is waited for. */
const POLL_GAP_MS = 10;

export const duplicate: Rule = (facts, claimed) => {
  const drafts: Draft[] = [];
  for (const group of facts.groups) {
    if (!mayRepeat(group) || isClaimed(group, claimed)) continue;
    const same = largestRun(group, facts);
    if (same.length >= facts.thresholds.duplicatesMin) drafts.push(draftOf(same, group));
  }
  return drafts;
};

function mayRepeat({ records, statement }: Group): boolean {
  const { shape } = records[0]!;
  return isRead(records[0]!) && shape.model !== "" && !shape.traits.locks && !acts(statement);
}

const isClaimed = ({ clusters, statement }: Group, claimed: ReadonlySet<string>): boolean =>
  clusters.some(({ site }) => claimed.has(claimOf(statement, site)));

/** The longest row of equal ones with nothing between that could have changed the answer. */
function largestRun(group: Group, facts: Facts): readonly QueryRecord[] {
  const writes = writesAgainst(group.statement, facts);
  const runs = new Map<string, QueryRecord[]>();
  for (const record of group.records) {
    const place = facts.placeOf.get(record)!;
    const epoch = writes.filter((write) => write < place).length;
    const key = `${epoch} ${record.transaction} ${dataOf(record)}`;
    const run = runs.get(key);
    if (run === undefined) runs.set(key, [record]);
    else run.push(record);
  }
  let largest: readonly QueryRecord[] = [];
  for (const run of runs.values())
    if (run.length > largest.length && !isPolling(run, facts)) largest = run;
  return largest;
}

/** Places of what may have changed what the statement reads. */
function writesAgainst(statement: string, { records }: Facts): readonly number[] {
  const places: number[] = [];
  const words = new Set(statement.toLowerCase().match(/\w+/g) ?? []);
  records.forEach(({ shape }, place) => {
    if (shape.role !== "write") return;
    const table = shape.model.toLowerCase().match(/\w+/g)?.at(-1);
    if (table === undefined || words.has(table)) places.push(place);
  });
  return places;
}

/**
 * Waits for something: nothing else is asked for meanwhile, and it pauses between two looks, or finds
 * nothing until the last, or finds something else each time.
 */
function isPolling(run: readonly QueryRecord[], { placeOf }: Facts): boolean {
  if (run.length < 2 || !isOneByOne(run)) return false;
  const places = run.map((record) => placeOf.get(record)!);
  if (places.some((place, at) => at > 0 && place !== places[at - 1]! + 1)) return false;
  const looks = run.slice(0, -1);
  if (looks.every((record, at) => run[at + 1]!.calledMs - record.endedMs >= POLL_GAP_MS))
    return true;
  if (looks.every(({ rows }) => rows === 0))
    return run.at(-1)!.rows > 0 || run[0]!.shape.traits.limited;
  return false;
}

function draftOf(same: readonly QueryRecord[], { statement, clusters }: Group): Draft {
  const site = clusters.find(({ records }) => records.includes(same.at(-1)!))?.site;
  const wastedMs = underWayMs(same.slice(1));
  const evidence = [
    `It was asked ${same.length} times with the same parameters, and nothing that it reads was written by this trace in between; all but the first took ${shownMs(wastedMs)}.`,
  ];
  if (clusters.length > 1) evidence.push(`It is asked for from ${clusters.length} lines.`);
  return {
    kind: "duplicate",
    statement,
    site,
    count: same.length,
    wastedMs,
    evidence,
    fix: "Ask once and hand the answer on; or load it through `loadMany(…)`, which keeps it for the request; or give the query a `cache`.",
  };
}
