import type { Severity } from "../finding.ts";
import { labelOf, subtreeOf, tableOf } from "./fields.ts";
import { PLAN_RULES } from "./rules.ts";
import type { Plan, PlanContext, PlanFinding, PlanNode, PlanRule, RuleHit } from "./types.ts";

/** Below both of these, what a finding is about is worth knowing but not worth an alarm. */
export const GATE_SHARE = 0.05;
export const GATE_MS = 5;

/** Findings of one rule in one plan at most, the largest shares first; of all rules together. */
export const HITS_PER_RULE_MAX = 10;
export const FINDINGS_MAX = 100;

/**
 * Findings that leave out a more general one of the same node: an index on the bare column is no
 * help where a cast is in the way, and a guess is why an estimate is off.
 */
const EXPLAINED_BY: Readonly<Record<string, readonly string[]>> = {
  "plan/seq-scan-selective-filter": [
    "plan/cast-blocks-index",
    "plan/function-on-column",
    "plan/leading-wildcard",
  ],
  "plan/row-misestimate": ["plan/default-selectivity"],
  "plan/default-selectivity": ["plan/cast-blocks-index", "plan/function-on-column"],
};

const WEIGHT: Readonly<Record<Severity, number>> = { critical: 2, warning: 1, info: 0 };

/** What every rule finds in a plan, the largest share of its time first. Pure. */
export function findInPlan(plan: Plan, context: PlanContext): readonly PlanFinding[] {
  const findings: Ranked[] = [];
  for (const rule of PLAN_RULES) {
    if (rule.needs === "analyzed" && !plan.analyzed) continue;
    const found = rule.find(plan, context).flatMap((hit) => findingOf(rule, hit, plan));
    findings.push(...found.sort(byShare).slice(0, HITS_PER_RULE_MAX));
  }
  const said = new Set(findings.map(({ finding }) => `${finding.id} ${finding.node}`));
  return findings
    .filter(({ finding }) => !isExplained(finding, said))
    .sort(byShare)
    .slice(0, FINDINGS_MAX)
    .map(({ finding }) => finding);
}

function isExplained({ id, node }: PlanFinding, said: ReadonlySet<string>): boolean {
  return (EXPLAINED_BY[id] ?? []).some((better) => said.has(`${better} ${node}`));
}

interface Ranked {
  readonly finding: PlanFinding;
  readonly number: number;
}

function byShare(a: Ranked, b: Ranked): number {
  return (
    b.finding.share - a.finding.share ||
    WEIGHT[b.finding.severity] - WEIGHT[a.finding.severity] ||
    a.number - b.number ||
    a.finding.node - b.finding.node
  );
}

function findingOf(rule: PlanRule, hit: RuleHit, plan: Plan): readonly Ranked[] {
  const node = plan.nodes[hit.node];
  if (node === undefined) return [];
  const { share, ms } = timeOf(node, hit, plan);
  const matters = share >= GATE_SHARE || ms >= GATE_MS;
  const finding: PlanFinding = {
    id: rule.id,
    severity: matters ? hit.severity : "info",
    title: hit.title,
    subject: node.relation === undefined ? labelOf(node) : tableOf(node),
    evidence: hit.evidence,
    why: hit.why,
    fix: hit.fix,
    node: hit.node,
    share,
  };
  return [{ finding, number: rule.number }];
}

/** How much of the plan a hit is about: of its time, or of its cost when that is all there is. */
function timeOf(node: PlanNode, hit: RuleHit, plan: Plan): { share: number; ms: number } {
  const scope = hit.scope ?? "own";
  const wholeMs = Math.max(plan.executionMs ?? 0, plan.root.actual?.totalMs ?? 0);
  if (typeof scope === "object") {
    return { share: wholeMs > 0 ? Math.min(scope.ms / wholeMs, 1) : 0, ms: scope.ms };
  }
  const members = scope === "own" ? [node] : subtreeOf(node);
  let share = 0;
  let ms = 0;
  for (const member of members) {
    share += shareOf(member, plan);
    ms += member.actual?.ownMs ?? 0;
  }
  return { share: Math.min(share, 1), ms };
}

function shareOf(node: PlanNode, plan: Plan): number {
  if (plan.analyzed) return node.actual?.share ?? 0;
  return plan.root.cost.total > 0 ? node.cost.own / plan.root.cost.total : 0;
}
