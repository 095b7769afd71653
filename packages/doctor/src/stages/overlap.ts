import type { AdviceResult, CreateAdvice } from "../choose/types.ts";
import type { DoctorFinding } from "../finding.ts";
import type { ForeignKeyOf, HealthFinding } from "../health/types.ts";
import { adviceTitle } from "../report/words.ts";

/**
 * A foreign key that an advised index serves as well needs no index of its own: two findings must
 * not end in two indexes.
 */
export function withoutOverlap(
  findings: readonly HealthFinding[],
  indexes: AdviceResult | undefined,
): readonly DoctorFinding[] {
  const advised = (indexes?.advice ?? []).filter(
    (advice) => advice.kind !== "drop" && advice.badge !== "unverified",
  );
  return findings.map(({ foreignKey, ...finding }) => {
    const serving = advised.find(
      (advice): advice is CreateAdvice =>
        advice.kind !== "drop" && foreignKey !== undefined && serves(advice, foreignKey),
    );
    if (serving === undefined) return finding;
    const text = `The index advised on ${adviceTitle(serving)} serves it too.`;
    return { ...finding, fix: { kind: "advice", text } };
  });
}

/** Its first columns are those of the key, in whatever order, and it holds every row. */
function serves({ candidate }: CreateAdvice, { relation, columns }: ForeignKeyOf): boolean {
  const first = candidate.keys.slice(0, columns.length).map(({ column }) => column);
  return (
    candidate.relation === relation &&
    candidate.method === "btree" &&
    candidate.predicate === undefined &&
    columns.every((column) => first.includes(column))
  );
}
