import type { Severity } from "../finding.ts";
import type { Report } from "../report/types.ts";
import type { Threshold } from "./arguments.ts";
import { EXIT } from "./contract.ts";

const REACHED: Readonly<Record<Threshold, ReadonlySet<Severity>>> = {
  warning: new Set(["warning", "critical"]),
  critical: new Set(["critical"]),
};

/** Findings count, and what was taken off the score: a missing index is a deduction. */
export function exitCodeOf(report: Report, failOn: Threshold | undefined): number {
  if (failOn === undefined) return EXIT.fine;
  const judged = [...report.findings, ...report.score.deductions];
  return judged.some(({ severity }) => REACHED[failOn].has(severity)) ? EXIT.found : EXIT.fine;
}
