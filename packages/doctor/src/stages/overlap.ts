import type { AdviceResult } from "../choose/types.ts";
import type { DoctorFinding } from "../finding.ts";
import { adviceTitle } from "../report/words.ts";

const ID = "health/foreign-key-index";

/**
 * A foreign key that an advised index serves as well needs no index of its own: two findings must
 * not end in two indexes.
 */
export function withoutOverlap(
  findings: readonly DoctorFinding[],
  indexes: AdviceResult | undefined,
): readonly DoctorFinding[] {
  const advised = (indexes?.advice ?? []).flatMap((advice) =>
    advice.kind === "drop" || advice.badge === "unverified" || advice.candidate.predicate
      ? []
      : [adviceTitle(advice)],
  );
  return findings.map((finding) => {
    if (finding.id !== ID) return finding;
    const serves = advised.find((title) => leads(title, finding.subject));
    if (serves === undefined) return finding;
    const text = `The index advised on ${serves} serves it too.`;
    return { ...finding, fix: { kind: "advice", text } };
  });
}

/** "t (a, b)" leads with "t (a)". */
const leads = (title: string, subject: string): boolean =>
  title === subject || title.startsWith(`${subject.slice(0, -1)}, `);
