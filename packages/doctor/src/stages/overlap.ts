import type { AdviceResult, CreateAdvice } from "../choose/types.ts";
import type { DoctorFinding, Fix } from "../finding.ts";
import type { ForeignKeyOf, HealthFinding } from "../health/types.ts";
import { adviceTitle } from "../report/words.ts";

const UNNEEDED: ReadonlySet<string> = new Set([
  "health/unused-index",
  "health/duplicate-index",
  "health/prefix-index",
]);

/**
 * What index advice says already is not said again with other SQL: whoever runs both would have two
 * indexes, or drop one twice.
 */
export function withoutOverlap(
  findings: readonly HealthFinding[],
  indexes: AdviceResult | undefined,
): readonly DoctorFinding[] {
  const created = createdBy(indexes);
  const dropped = (indexes?.advice ?? []).flatMap((advice) =>
    advice.kind === "drop" ? [advice.index] : advice.replaces,
  );
  return findings.flatMap(({ foreignKey, ...finding }) => {
    if (dropped.some((name) => isOf(finding, name))) return [];
    const serving = created.find(
      (advice) => foreignKey !== undefined && serves(advice, foreignKey),
    );
    if (serving === undefined) return [finding];
    return [{ ...finding, fix: advised(serving, "serves it too.") }];
  });
}

/** A plan's own proposal of an index gives way to the one that was proven for the whole workload. */
export function withProvenIndexes(
  findings: readonly DoctorFinding[],
  indexes: AdviceResult | undefined,
): readonly DoctorFinding[] {
  const created = createdBy(indexes);
  return findings.map((finding) => {
    const { fix, subject } = finding;
    if (fix.kind !== "sql" || !fix.statements.some((text) => /^create index/i.test(text)))
      return finding;
    const proven = created.find(({ table }) => table === subject || table.endsWith(`.${subject}`));
    if (proven === undefined) return finding;
    return {
      ...finding,
      fix: advised(proven, "is proven for all statements: make that one first, and look again."),
    };
  });
}

function createdBy(indexes: AdviceResult | undefined): readonly CreateAdvice[] {
  return (indexes?.advice ?? []).filter(
    (advice): advice is CreateAdvice => advice.kind !== "drop" && advice.badge !== "unverified",
  );
}

const advised = (advice: CreateAdvice, what: string): Fix => ({
  kind: "advice",
  text: `The index advised on ${adviceTitle(advice)} ${what}`,
});

function isOf({ id, subject }: DoctorFinding, index: string): boolean {
  return UNNEEDED.has(id) && (subject === index || subject.endsWith(`.${index}`));
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
