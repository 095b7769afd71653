/**
 * The same statement with the same parameters, though nothing was written meanwhile that it reads. Within
 * one transaction, or outside all: asking again in another transaction asks for another state.
 */
import type { QueryRecord } from "../../core/trace/index.ts";
import { dataOf, valueKey } from "../data-of.ts";
import { acts, isRead } from "../exempt.ts";
import type { Facts, Group } from "../facts.ts";
import { lineOf } from "../site.ts";
import { shownMs, underWayMs } from "../spent.ts";
import { isOneByOne, pauses } from "./loops.ts";
import { claimOf } from "./text.ts";
import type { Draft, Rule } from "./types.ts";

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
  const { duplicatesMin } = facts.thresholds;
  const same = new Map<string, QueryRecord[]>();
  for (const record of group.records) {
    const key = `${record.transaction} ${dataOf(record)}`;
    const equal = same.get(key);
    if (equal === undefined) same.set(key, [record]);
    else equal.push(record);
  }
  let largest: readonly QueryRecord[] = [];
  for (const equal of same.values()) {
    if (equal.length < duplicatesMin || equal.length <= largest.length) continue;
    for (const run of unchanged(equal, facts))
      if (run.length > largest.length && !isPolling(run, facts)) largest = run;
  }
  return largest;
}

/** Parts equal ones where something was written that may have changed their answer. */
function unchanged(
  equal: readonly QueryRecord[],
  { records, placeOf }: Facts,
): readonly (readonly QueryRecord[])[] {
  const [first] = equal;
  const words = wordsOf(first!.shape.statement);
  const asked = new Set((first!.values ?? []).map(valueKey).filter((value) => !PLAIN.has(value)));
  const places: number[] = [];
  records.forEach((record, place) => {
    if (record.shape.role === "write" && mayChange(record, words, asked)) places.push(place);
  });
  const runs = new Map<number, QueryRecord[]>();
  for (const record of equal) {
    const place = placeOf.get(record)!;
    const epoch = places.filter((written) => written < place).length;
    runs.set(epoch, [...(runs.get(epoch) ?? []), record]);
  }
  return [...runs.values()];
}

const wordsOf = (text: string): ReadonlySet<string> =>
  new Set(text.toLowerCase().match(/\w+/g) ?? []);

/** Says nothing about what is written and read. */
const PLAIN: ReadonlySet<string> = new Set(["null", "true", "false"]);

/**
 * Whether a write may have changed the answer: it names a table of the statement or none, or has a
 * parameter in common with it (an item of this order: a trigger may have changed the order).
 */
function mayChange(
  { shape, values }: QueryRecord,
  words: ReadonlySet<string>,
  asked: ReadonlySet<string>,
): boolean {
  const table = shape.model.toLowerCase().match(/\w+/g)?.at(-1);
  if (table === undefined || words.has(table)) return true;
  return asked.size > 0 && (values ?? []).some((value) => asked.has(valueKey(value)));
}

/**
 * Waits for something: one line asks, nothing else is asked for meanwhile, and it pauses between two looks, or finds
 * nothing until the last, or finds something else each time.
 */
function isPolling(run: readonly QueryRecord[], { placeOf }: Facts): boolean {
  if (run.length < 2 || !isOneByOne(run)) return false;
  const places = run.map((record) => placeOf.get(record)!);
  if (places.some((place, at) => at > 0 && place !== places[at - 1]! + 1)) return false;
  const lines = new Set(run.flatMap(({ site }) => (site === undefined ? [] : [lineOf(site)])));
  if (lines.size > 1) return false;
  if (pauses(run)) return true;
  const looks = run.slice(0, -1);
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
