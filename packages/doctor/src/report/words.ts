/** The sentences that every rendering shares. */
import type { Advice, Badge, CreateAdvice } from "../choose/types.ts";
import type { DoctorFinding, Severity } from "../finding.ts";
import type { Rights } from "../target/types.ts";
import { formatMs, formatShare, oneLine, plural } from "./format.ts";
import type { Coverage, Report } from "./types.ts";

export const BADGES: Readonly<Record<Badge, string>> = {
  model: "verified by PostgreSQL's planner on your statistics",
  hypopg: "verified by HypoPG on the server",
  unverified: "not verified",
};

/** Above this share it goes without saying that a part was seen. */
const ALL_BUT_NOTHING = 0.99;

export const SEVERITIES: readonly Severity[] = ["critical", "warning", "info"];

export const PARTS: Readonly<Record<Coverage["part"], string>> = {
  statements: "of the workload's time",
  indexes: "of it could be costed",
  health: "of the health checks",
  plans: "of the plans asked for",
};

/** "public.orders (customer_id, created_at)" */
export function adviceTitle(advice: Advice): string {
  const columns = advice.columns.length === 0 ? "" : ` (${advice.columns.join(", ")})`;
  return advice.kind === "drop"
    ? oneLine(`drop ${advice.index}`)
    : oneLine(`${advice.table}${columns}`);
}

export function adviceBadge(advice: Advice): string {
  if (advice.kind === "drop") return `by evidence: ${advice.because}`;
  const because = advice.unverifiedBecause;
  return because === undefined ? BADGES[advice.badge] : `not verified: ${oneLine(because)}`;
}

/** A cost that stands for something on both sides. */
export const hasCosts = (gain: { costBefore: number; costAfter: number }): boolean =>
  gain.costBefore > 0 && gain.costAfter > 0;

export function rightsText({ role, superuser, statistics, data }: Rights): string {
  const may = [
    superuser ? "superuser" : undefined,
    statistics && !superuser ? "pg_monitor" : undefined,
    data && !superuser ? "pg_read_all_data" : undefined,
  ].filter((right) => right !== undefined);
  return oneLine(may.length === 0 ? role : `${role} (${may.join(", ")})`);
}

export function windowText({ source, window, statements }: Report["workload"]): string {
  if (source === "none") return "without statements";
  const [first] = statements;
  switch (window.kind) {
    case "delta":
      return `statements of ${formatMs(window.sinceMs)}`;
    case "totals":
      return window.sinceMs === undefined
        ? "totals since the counters were last reset, it is not known when"
        : `totals since the counters were last reset, ${formatMs(window.sinceMs)} ago`;
    case "file":
      return statements.every(({ share }) => share === first?.share)
        ? "statements of a file, each counted alike"
        : "statements of a file, by the weights in its comments";
    default:
      return window satisfies never;
  }
}

/** What the run took, here and there. */
export const costText = ({ durationMs, target }: Report): string =>
  target === undefined
    ? `took ${formatMs(durationMs)}`
    : `took ${formatMs(durationMs)} and cost the server ${plural(target.spent.statements, "statement")} and at most ${formatMs(target.spent.waitedMs)}`;

/** "shop", "PostgreSQL 18.4, seen as doctor (pg_monitor)" */
export const subjectOf = ({ target }: Report): { readonly name: string; readonly facts: string } =>
  target === undefined
    ? { name: "A plan", facts: "looked at without its database" }
    : {
        name: oneLine(target.database),
        facts: `PostgreSQL ${oneLine(target.version)}, seen as ${rightsText(target.rights)}`,
      };

export const writeCostText = ({ writeShare, losesHot }: CreateAdvice): string =>
  `${writeShare > 0 ? `+${formatShare(writeShare)}` : "nothing"}${losesHot ? ", some updates cease to be HOT" : ""}`;

/** Two to four sentences: what a reader in a hurry must know. */
export function summaryOf(report: Report): readonly string[] {
  const sentences = [urgent(report.findings), savings(report), unseen(report), unrun(report)];
  const said = sentences.filter((sentence) => sentence !== undefined);
  return said.length > 0 ? said : ["Nothing needs to be done."];
}

function urgent(findings: readonly DoctorFinding[]): string | undefined {
  const critical = findings.filter(({ severity }) => severity === "critical").length;
  const warnings = findings.filter(({ severity }) => severity === "warning").length;
  if (critical + warnings === 0) return undefined;
  const first = findings[0];
  const worst = first === undefined ? "" : ` First: ${oneLine(first.title)}.`;
  if (critical === 0) return `${plural(warnings, "warning")}, nothing critical.${worst}`;
  const rest = warnings === 0 ? "" : ` and ${plural(warnings, "warning")}`;
  return `${plural(critical, "critical finding")}${rest}.${worst}`;
}

/** Whether a score of 100 means anything: not when nothing was seen, or only a plan's estimates. */
export const isJudged = (report: Report): boolean =>
  report.score.deductions.length > 0 ||
  (report.coverage.some(({ part, share }) => part !== "statements" && share > 0) &&
    unrun(report) === undefined);

export const UNJUDGED = "not judged: too little could be seen for a score";

/** Not seen is not healthy. */
export const noAdviceText = ({ coverage }: Report): string =>
  coverage.some(({ part, share }) => part === "indexes" && share === 0)
    ? "Whether an index is missing could not be seen."
    : "No index is missing, as far as could be seen.";

function savings(report: Report): string | undefined {
  const { indexes } = report;
  if (indexes === undefined) return undefined;
  const made = indexes.advice.filter((advice): advice is CreateAdvice => advice.kind !== "drop");
  const proven = made.filter(({ badge, savedShare }) => badge !== "unverified" && savedShare > 0);
  if (proven.length === 0) {
    return made.length === 0 ? noAdviceText(report) : undefined;
  }
  const saved = Math.min(
    1,
    proven.reduce((sum, { savedShare }) => sum + savedShare, 0),
  );
  return `${plural(proven.length, "index", "indexes")} would take away about ${formatShare(saved)} of the workload's time, by the planner's costs.`;
}

/** Most rules need what really happened. */
function unrun({ plans }: Report): string | undefined {
  const [asked] = plans;
  if (asked?.id !== "explain" || asked.plan.analyzed) return undefined;
  return "The plan holds estimates only: with --analyze, or a plan of EXPLAIN (ANALYZE), much more can be told.";
}

function unseen({ coverage, grants }: Report): string | undefined {
  const partly = coverage.filter(({ share }) => share < ALL_BUT_NOTHING);
  if (partly.length === 0) return undefined;
  const how = grants.length === 0 ? "" : " The grants below open the rest.";
  return `Not everything could be seen.${how}`;
}
