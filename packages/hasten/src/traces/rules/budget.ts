/** More statements than one request may have, whatever they are. */
import type { Facts } from "../facts.ts";
import { durationMs, shownMs, sumOf } from "../spent.ts";
import { shortStatement } from "./text.ts";
import type { Rule } from "./types.ts";

const SHOWN_MAX = 3;

export const budget: Rule = ({ records, log, thresholds }) => {
  const count = records.length + log.beyond;
  if (count <= thresholds.statementsMax) return [];
  const counts = countsOf(records);
  const [statement] = counts[0] ?? [""];
  const site = records.find((record) => record.shape.statement === statement && record.site)?.site;
  const most = counts
    .slice(0, SHOWN_MAX)
    .map(([text, times]) => `${times} times: ${shortStatement(text)}`);
  return [
    {
      kind: "budget",
      statement,
      site,
      count,
      wastedMs: 0,
      evidence: [
        `${count} statements, ${thresholds.statementsMax} are the budget; together ${shownMs(sumOf(records, durationMs))}.`,
        ...most,
      ],
      fix: "Begin with the statement asked most often: ask once for all, or keep the answer in the cache.",
    },
  ];
};

/** The statements with how often each was asked, most often first. */
export function countsOf(
  records: Facts["records"],
): readonly (readonly [statement: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const { shape } of records)
    counts.set(shape.statement, (counts.get(shape.statement) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}
