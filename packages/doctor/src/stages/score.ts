import type { Advice, AdviceResult } from "../choose/types.ts";
import { type DoctorFinding, SEVERITY_RANK } from "../finding.ts";
import { type Saving, scoreOf } from "../health/score.ts";
import type { Score } from "../health/types.ts";
import { adviceTitle } from "../report/words.ts";
import { formatShare } from "../text.ts";
import type { Workload } from "../workload/types.ts";

/** One statement with more than this of the time deserves a look. */
const DOMINANT_SHARE = 0.5;

export const worstFirst = (findings: readonly DoctorFinding[]): readonly DoctorFinding[] =>
  findings.toSorted((a, b) => SEVERITY_RANK[a.severity] - SEVERITY_RANK[b.severity]);

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
  const savings = (indexes?.advice ?? []).flatMap(missingIndex);
  return scoreOf({ findings: [...findings, ...dominant(workload)], savings });
}

/** What nobody verified is not held against the database. */
function missingIndex(advice: Advice): readonly Saving[] {
  if (advice.kind === "drop" || advice.badge === "unverified") return [];
  const { savedShare: share, impact } = advice;
  const title = `an index on ${adviceTitle(advice)} would save ${formatShare(share)} of the time`;
  return [{ title, share, severity: impact === "high" ? "warning" : "info" }];
}

function dominant({ source, statements }: Workload): readonly DoctorFinding[] {
  const [first] = statements;
  if (source !== "pg_stat_statements" || first === undefined) return [];
  if (statements.length < 2 || first.share <= DOMINANT_SHARE) return [];
  const title = `one statement takes ${formatShare(first.share)} of the time`;
  return [
    {
      id: "statements/dominant",
      severity: "info",
      title,
      subject: "",
      evidence: [],
      why: "",
      fix: { kind: "advice", text: "" },
    },
  ];
}
