import type { CallSite, QueryLog } from "../core/trace/index.ts";
import { isAllowed } from "./exempt.ts";
import { type FindContext, factsOf } from "./facts.ts";
import type { TraceFinding } from "./finding.ts";
import { type Draft, RULES } from "./rules/rules.ts";
import { fileOf, keyOf } from "./site.ts";
import { type Thresholds, thresholdsOf } from "./thresholds.ts";

/**
 * The findings of one trace's log, by rule and then in the order of their first statement. Pure: the
 * same log gives the same findings; nothing is read, printed or kept.
 */
export function findIn(
  log: QueryLog,
  thresholds: Thresholds,
  context: FindContext,
): readonly TraceFinding[] {
  const { kind = "request", allow = [], root = process.cwd() } = context;
  const facts = factsOf(log, thresholdsOf(thresholds, kind), context);
  if (facts === undefined) return [];
  const findings: TraceFinding[] = [];
  const claimed = new Set<string>();
  for (const rule of RULES)
    for (const draft of rule(facts, claimed)) findings.push(finished(draft, context, root));
  return allow.length === 0
    ? findings
    : findings.filter((finding) => !isAllowed(finding, allow, root));
}

function finished(draft: Draft, context: FindContext, root: string): TraceFinding {
  const { kind, statement } = draft;
  const site = named(draft.site, context);
  const file = site === undefined ? "" : fileOf(site, root);
  const functionName = site?.functionName ?? "";
  return {
    ...draft,
    site,
    trace: context.name,
    key: keyOf({ kind, file, functionName, statement }),
  };
}

function named(site: CallSite | undefined, { functionAt }: FindContext): CallSite | undefined {
  if (site === undefined || site.functionName !== "" || functionAt === undefined) return site;
  return { ...site, functionName: functionAt(site) };
}
