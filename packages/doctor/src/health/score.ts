import type { DoctorFinding, Severity } from "../finding.ts";
import type { Deduction, Score } from "./types.ts";

/** Points of a kind of finding: its first, each further one, and what it takes at most. */
const POINTS: Readonly<Record<Severity, { first: number; further: number; max: number }>> = {
  critical: { first: 30, further: 5, max: 45 },
  warning: { first: 8, further: 2, max: 16 },
  info: { first: 1, further: 1, max: 2 },
};
/** What indexes would save of all the time takes as large a part of these points. */
const SAVED_MAX = 50;
/** Remarks alone never make a database look ill. */
const INFO_MAX = 10;
export const CRITICAL_CAP = 40;
export const WARNING_CAP = 85;

/** A missing index. */
export interface Saving {
  readonly title: string;
  /** Of the workload's time, 0 to 1. */
  readonly share: number;
  /** A warning caps the score as a finding that is one. */
  readonly severity: "info" | "warning";
}

export interface ScoreInput {
  readonly findings: readonly DoctorFinding[];
  /** Together they take 50 points for all of the time. @default none */
  readonly savings?: readonly Saving[];
}

/**
 * 0 to 100: every deduction is listed and they add up to what is missing. One critical finding caps
 * the score at 40, one warning at 85, so that no number of healthy checks hides it. What could not
 * be seen is not counted at all, neither for nor against: the coverage tells of it.
 */
export function scoreOf({ findings, savings = [] }: ScoreInput): Score {
  const groups = new Map<string, DoctorFinding[]>();
  for (const finding of findings) {
    const key = `${finding.severity} ${finding.id}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  const deductions: Deduction[] = [];
  let left = 100;
  const deduct = (points: number, because: string, severity: Severity): void => {
    const taken = Math.min(points, left);
    if (taken <= 0) return;
    left -= taken;
    deductions.push({ points: taken, because, severity });
  };
  const wanted = [...pointsOfSavings(savings), ...pointsOfGroups([...groups.values()])];
  for (const { points, title, severity } of wanted.toSorted((a, b) => b.points - a.points))
    deduct(points, title, severity);
  const has = (severity: Severity): boolean =>
    [...findings, ...savings].some((each) => each.severity === severity);
  if (has("critical"))
    deduct(left - CRITICAL_CAP, `a critical finding caps the score at ${CRITICAL_CAP}`, "critical");
  else if (has("warning"))
    deduct(left - WARNING_CAP, `a warning caps the score at ${WARNING_CAP}`, "warning");
  return { value: left, word: wordOf(left, has), deductions };
}

/** Rounded so that they add up to the rounded sum; what comes to nothing is not listed. */
function pointsOfSavings(savings: readonly Saving[]): readonly (Saving & { points: number })[] {
  let share = 0;
  let taken = 0;
  const listed: (Saving & { points: number })[] = [];
  for (const saving of savings.toSorted((a, b) => b.share - a.share)) {
    share += Math.max(0, saving.share);
    const points = Math.min(SAVED_MAX, Math.round(SAVED_MAX * share)) - taken;
    taken += points;
    if (points > 0) listed.push({ ...saving, points });
  }
  return listed;
}

function pointsOfGroups(
  groups: readonly (readonly DoctorFinding[])[],
): readonly (Pick<Saving, "title"> & { points: number; severity: Severity })[] {
  let infoLeft = INFO_MAX;
  return groups.map((group) => {
    const { severity } = group[0]!;
    const points = severity === "info" ? Math.min(pointsOf(group), infoLeft) : pointsOf(group);
    if (severity === "info") infoLeft -= points;
    return { points, title: reason(group), severity };
  });
}

/** Many small losses make a database slow, though none of them is a warning. */
const HEALTHY_MIN = 80;

function wordOf(value: number, has: (severity: Severity) => boolean): Score["word"] {
  if (has("critical")) return "critical";
  return has("warning") || value < HEALTHY_MIN ? "degraded" : "healthy";
}

function pointsOf(group: readonly DoctorFinding[]): number {
  const { first, further, max } = POINTS[group[0]!.severity];
  return Math.min(first + further * (group.length - 1), max);
}

function reason(group: readonly DoctorFinding[]): string {
  const first = group[0]!;
  const name = first.id.replace(/^[a-z]+\//, "").replaceAll("-", " ");
  return group.length === 1
    ? first.title
    : `${first.title}; and ${group.length - 1} more of ${name}`;
}
