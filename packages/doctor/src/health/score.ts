import type { DoctorFinding, Severity } from "../finding.ts";
import type { Deduction, Score } from "./types.ts";

/** Points of a kind of finding: its first, each further one, and what it takes at most. */
const POINTS: Readonly<Record<Severity, { first: number; further: number; max: number }>> = {
  critical: { first: 30, further: 5, max: 45 },
  warning: { first: 8, further: 2, max: 16 },
  info: { first: 1, further: 0.5, max: 2 },
};
/** Remarks alone never make a database look ill. */
const INFO_MAX = 10;
export const CRITICAL_CAP = 40;
export const WARNING_CAP = 85;

/**
 * 0 to 100: every deduction is listed and they add up to what is missing. One critical finding caps
 * the score at 40, one warning at 85, so that no number of healthy checks hides it. What could not
 * be seen is not counted at all, neither for nor against: the coverage tells of it.
 */
export function scoreOf(input: { readonly findings: readonly DoctorFinding[] }): Score {
  const groups = new Map<string, DoctorFinding[]>();
  for (const finding of input.findings) {
    const key = `${finding.severity} ${finding.id}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  const ordered = [...groups.values()].sort((a, b) => pointsOf(b) - pointsOf(a));
  const deductions: Deduction[] = [];
  let left = 100;
  let infoLeft = INFO_MAX;
  const deduct = (points: number, because: string, severity: Severity): void => {
    const taken = Math.min(points, left);
    if (taken <= 0) return;
    left -= taken;
    deductions.push({ points: taken, because, severity });
  };
  for (const group of ordered) {
    const first = group[0]!;
    const info = first.severity === "info";
    const points = info ? Math.min(pointsOf(group), infoLeft) : pointsOf(group);
    if (info) infoLeft -= points;
    deduct(points, reason(group), first.severity);
  }
  const has = (severity: Severity): boolean =>
    input.findings.some((finding) => finding.severity === severity);
  if (has("critical"))
    deduct(left - CRITICAL_CAP, `a critical finding caps the score at ${CRITICAL_CAP}`, "critical");
  else if (has("warning"))
    deduct(left - WARNING_CAP, `a warning caps the score at ${WARNING_CAP}`, "warning");
  return { value: left, word: wordOf(has), deductions };
}

function wordOf(has: (severity: Severity) => boolean): Score["word"] {
  if (has("critical")) return "critical";
  return has("warning") ? "degraded" : "healthy";
}

function pointsOf(group: readonly DoctorFinding[]): number {
  const { first, further, max } = POINTS[group[0]!.severity];
  return Math.min(first + further * (group.length - 1), max);
}

function reason(group: readonly DoctorFinding[]): string {
  const first = group[0]!;
  const name = first.id.replace(/^[a-z]+\//, "").replaceAll("-", " ");
  return group.length === 1 ? first.title : `${name}: ${group.length} findings`;
}
