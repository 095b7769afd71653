import type { Advice, AdviceResult } from "../choose/types.ts";
import type { DoctorFinding, Severity } from "../finding.ts";
import { scoreOf } from "../health/score.ts";
import { formatShare } from "../report/format.ts";
import type { Score } from "../report/types.ts";
import { adviceTitle } from "../report/words.ts";
import type { Workload } from "../workload/types.ts";

/** One statement with more than this of the time deserves a look. */
const DOMINANT_SHARE = 0.5;

const RANK: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 };

export const worstFirst = (findings: readonly DoctorFinding[]): readonly DoctorFinding[] =>
  findings.toSorted((a, b) => RANK[a.severity] - RANK[b.severity]);

/** Several plans say the same of one table; it is told once. */
export function distinct(findings: readonly DoctorFinding[]): readonly DoctorFinding[] {
  const told = new Set<string>();
  return findings.filter(({ id, subject, title }) => {
    const key = JSON.stringify([id, subject, title]);
    const isNew = !told.has(key);
    told.add(key);
    return isNew;
  });
}

/** Findings, missing indexes and a statement that takes most of the time, all in one number. */
export function scoreFor(
  findings: readonly DoctorFinding[],
  indexes: AdviceResult | undefined,
  workload: Workload,
): Score {
  const missing = (indexes?.advice ?? []).flatMap(missingIndex);
  return scoreOf({ findings: [...findings, ...missing, ...dominant(workload)] });
}

function missingIndex(advice: Advice): readonly DoctorFinding[] {
  if (advice.kind === "drop" || advice.badge === "unverified" || advice.impact === "low") return [];
  const saves = `would save ${formatShare(advice.savedShare)} of the time`;
  const title = `an index on ${adviceTitle(advice)} ${saves}`;
  return [deduction(`indexes/${advice.id}`, advice.impact === "high" ? "warning" : "info", title)];
}

function dominant({ source, statements }: Workload): readonly DoctorFinding[] {
  const [first] = statements;
  if (source !== "pg_stat_statements" || first === undefined) return [];
  if (statements.length < 2 || first.share <= DOMINANT_SHARE) return [];
  const title = `one statement takes ${formatShare(first.share)} of the time`;
  return [deduction("statements/dominant", "info", title)];
}

const deduction = (id: string, severity: Severity, title: string): DoctorFinding => ({
  id,
  severity,
  title,
  subject: "",
  evidence: [],
  why: "",
  fix: { kind: "advice", text: "" },
});
