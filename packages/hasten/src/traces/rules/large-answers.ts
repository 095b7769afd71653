/**
 * Answers that grow with the table: no limit and many rows. And `SELECT *`, but only where its answers
 * were so wide that naming the columns would be felt.
 */
import type { QueryRecord } from "../../core/trace/index.ts";
import { isRead } from "../exempt.ts";
import type { Facts } from "../facts.ts";
import { durationMs } from "../spent.ts";
import type { Draft, Rule } from "./types.ts";

export const largeAnswers: Rule = (facts) => {
  const largest = new Map<string, QueryRecord>();
  for (const record of facts.records) {
    if (!isRead(record) || record.streamed || record.outcome !== "answered") continue;
    const known = largest.get(record.shape.statement);
    if (known === undefined || record.rows > known.rows)
      largest.set(record.shape.statement, withSite(record, known));
  }
  const drafts: Draft[] = [];
  for (const record of largest.values()) {
    if (isUnbounded(record, facts)) drafts.push(unbounded(record, facts));
    if (isWide(record, facts)) drafts.push(wide(record));
  }
  return drafts;
};

/** Of one shape only some hold a site. */
const withSite = (record: QueryRecord, other: QueryRecord | undefined): QueryRecord =>
  record.site === undefined && other?.site !== undefined ? { ...record, site: other.site } : record;

function isUnbounded({ shape, rows }: QueryRecord, { thresholds }: Facts): boolean {
  const { limited, batched } = shape.traits;
  return !limited && !batched && rows >= thresholds.unboundedRowsMin;
}

function unbounded(record: QueryRecord, { thresholds }: Facts): Draft {
  const { rows, shape, site } = record;
  const beyond = rows - thresholds.unboundedRowsMin;
  return {
    kind: "unbounded",
    statement: shape.statement,
    site,
    count: rows,
    wastedMs: rows === 0 ? 0 : (durationMs(record) * beyond) / rows,
    evidence: [
      `It has no LIMIT and brought ${rows} rows${record.bytes > 0 ? `, ${kib(record.bytes)}` : ""}; it will bring more as the table grows.`,
    ],
    fix: "Give it a LIMIT, or pages by `db.page(…)`; to work through all of it use `db.stream(…)`, which holds a part at a time.",
  };
}

function isWide({ shape, rows, bytes }: QueryRecord, { thresholds }: Facts): boolean {
  if (!shape.traits.selectsEverything || rows === 0) return false;
  return bytes >= thresholds.wideBytesMin && bytes / rows >= thresholds.wideRowBytesMin;
}

function wide({ shape, site, rows, bytes }: QueryRecord): Draft {
  return {
    kind: "select-everything",
    statement: shape.statement,
    site,
    count: rows,
    wastedMs: 0,
    evidence: [
      `It asks for all columns: ${kib(bytes)} for ${rows} rows, ${kib(bytes / rows)} a row.`,
    ],
    fix: "Name the columns that are used (`columns` of byIds and page); wide ones then stay where they are.",
  };
}

const kib = (bytes: number): string => `${Math.round(bytes / 102.4) / 10} KiB`;
