/**
 * The same statement again and again from one line, each time with other parameters: one statement could
 * have brought all of it. Side by side (`Promise.all`) it is the same, and cursors are statements too.
 */
import type { QueryRecord } from "../../core/trace/index.ts";
import { acts, isRowWrite } from "../exempt.ts";
import { type Cluster, distinctOf, type Facts } from "../facts.ts";
import { databaseMs, durationMs, largestOf, shownMs, sumOf, underWayMs } from "../spent.ts";
import {
  isChain,
  isCheckedBeforeInsert,
  isLockedToBeWritten,
  isOneByOne,
  isPaging,
  isTransactionEach,
  isTryingVariants,
} from "./loops.ts";
import { claimOf, shortStatement } from "./text.ts";
import type { Draft, Rule } from "./types.ts";

/** Twice the threshold is a finding however quick the database is: it will not stay so near. */
const ALWAYS_FACTOR = 2;

/** Statements looked back over for the one that brought the N. */
const PARENT_LOOK_BACK = 8;

export const nPlusOne: Rule = (facts, claimed) => {
  const drafts: Draft[] = [];
  for (const group of facts.groups)
    for (const cluster of group.clusters) {
      if (!isNPlusOne(cluster, facts)) continue;
      claimed.add(claimOf(cluster.statement, cluster.site));
      drafts.push(draftOf(cluster, facts));
    }
  return drafts;
};

function isNPlusOne({ records, statement, site, sampled }: Cluster, facts: Facts): boolean {
  const { repeatsMin, distinctMin, totalMsMin } = facts.thresholds;
  if (records.length < repeatsMin) return false;
  // A line that was seen once is no loop: the statement is asked for from several lines.
  if (site !== undefined && sampled < 2) return false;
  if (records[0]!.shape.traits.batched || acts(statement)) return false;
  if (distinctOf(records) < distinctMin) return false;
  const quick = sumOf(records, databaseMs) < totalMsMin;
  if (quick && records.length < repeatsMin * ALWAYS_FACTOR) return false;
  return !(
    isPaging(records) ||
    isCheckedBeforeInsert(records, facts) ||
    isTransactionEach(records, facts) ||
    isLockedToBeWritten(records, facts) ||
    isTryingVariants(records) ||
    isChain(records)
  );
}

function draftOf({ records, statement, site }: Cluster, facts: Facts): Draft {
  const distinct = distinctOf(records);
  const wastedMs = Math.max(0, underWayMs(records) - largestOf(records, durationMs));
  const evidence = [
    `It was asked ${records.length} times with ${distinct} different parameters, ${manner(records)}; together ${shownMs(sumOf(records, databaseMs))} in the database.`,
  ];
  const parent = parentOf(records, facts);
  if (parent !== undefined)
    evidence.push(
      `Just before, one statement brought ${parent.rows} rows, one for each: ${shortStatement(parent.shape.statement)}`,
    );
  if (facts.log.beyond > 0)
    evidence.push(`${facts.log.beyond} more statements of the trace were not kept.`);
  const fix = isRowWrite(records[0]!) ? writeFix(records[0]!) : fixOf(records);
  return { kind: "n-plus-one", statement, site, count: records.length, wastedMs, evidence, fix };
}

const manner = (records: readonly QueryRecord[]): string =>
  isOneByOne(records) ? "one after the other" : "side by side";

/** The statement that was run once just before and brought about as many rows: they were looped over. */
function parentOf(records: readonly QueryRecord[], facts: Facts): QueryRecord | undefined {
  const first = records[0]!;
  const place = facts.placeOf.get(first)!;
  const earlier = facts.records.slice(Math.max(0, place - PARENT_LOOK_BACK), place).reverse();
  return earlier.find(
    (record) =>
      record.shape.role === "read" &&
      record.shape.statement !== first.shape.statement &&
      Math.abs(record.rows - records.length) <= 1 &&
      record.endedMs !== 0 &&
      record.endedMs <= first.calledMs &&
      isAskedOnce(record, facts),
  );
}

const isAskedOnce = ({ shape }: QueryRecord, { records }: Facts): boolean =>
  records.filter((one) => one.shape.statement === shape.statement).length === 1;

/** `where t."user_id" = $n` and nothing more: the column that the loop goes by. */
const KEYED = /\bwhere\s+\(?\s*(?:"?\w+"?\.)*"?(\w+)"?\s*=\s*(?:\$n|\?)(?!.*\b(?:and|or)\b)/is;

function fixOf(records: readonly QueryRecord[]): string {
  const { statement, model } = records[0]!.shape;
  const column = KEYED.exec(statement)?.[1];
  const many = records.some(({ rows }) => rows > 1);
  if (column === undefined)
    return "Ask once for all of them: put the parameters into one statement (`= any($1)`, or a join with `unnest($1::…)`), or load them through `loadMany(…)`.";
  const table = model === "" ? "table" : model;
  if (many)
    return `Ask once for all of them: \`where ${column} = any($1)\`, or a lateral join with json_agg in the statement before; in place, \`loadMany(…, { groupBy: (row) => row.${column} })\` batches the calls.`;
  return `Ask once for all of them: \`db.byIds("${table}", "${column}", ids)\` or \`where ${column} = any($1)\`, or a join in the statement before; in place, \`loadMany((ids) => db.byIds("${table}", "${column}", ids))\` batches the calls.`;
}

const writeFix = ({ shape }: QueryRecord): string =>
  `Write all of them at once: \`db.bulk("${shape.model}").${shape.kind === "merge" ? "upsert" : shape.kind}(rows)\`.`;
