import { DoctorError } from "../errors.ts";
import { explainQuery } from "../guard/explain.ts";
import type { Resolved } from "../options.ts";
import { contextOf, readFacts } from "../plans/facts.ts";
import { findInPlan } from "../plans/find.ts";
import { planText, readPlan } from "../plans/read.ts";
import type { Plan, PlanContext, PlanReport } from "../plans/types.ts";
import { withoutValues } from "../report/plan-values.ts";
import type { Coverage } from "../report/types.ts";
import type { Target } from "../target/types.ts";
import type { Workload } from "../workload/types.ts";

/** Statements whose plans are looked at: those with the most time. */
const PLANNED_MAX = 10;

export interface Plans {
  readonly plans: readonly PlanReport[];
  readonly coverage: Coverage;
}

/** Plans of the heaviest statements; nothing is run. */
export async function planStatements(
  target: Target,
  workload: Workload,
  options: Resolved,
): Promise<Plans> {
  const heaviest = workload.statements.slice(0, PLANNED_MAX);
  const plans: PlanReport[] = [];
  const refused: string[] = [];
  for (const [at, statement] of heaviest.entries()) {
    options.signal?.throwIfAborted();
    options.onProgress?.({ step: "Reading plans", done: at + 1, total: heaviest.length });
    const planned = await explainQuery(target, statement.planText);
    if (planned.kind === "refused") refused.push(planned.because);
    else plans.push(...(await reported(statement.id, planned.plan, target)));
  }
  const seen = heaviest.length === 0 ? 0 : plans.length / heaviest.length;
  const counts = Map.groupBy(refused, (because) => because);
  const missing = [...counts].map(([because, all]) => `${all.length} not planned: ${because}`);
  const none = heaviest.length === 0 ? ["there was no statement to plan"] : [];
  return { plans, coverage: { part: "plans", share: seen, missing: [...missing, ...none] } };
}

/** The one plan that was asked for. @throws DoctorError HST_DOCTOR_FILE, HST_DOCTOR_GUARD */
export async function planAsked(target: Target | undefined, options: Resolved): Promise<Plans> {
  const { explain } = options;
  if (explain === undefined) return { plans: [], coverage: all };
  const json = explain.kind === "plan" ? explain.plan : await explained(target, explain);
  const plans = await reported("explain", json, target);
  if (plans.length === 0)
    throw new DoctorError("HST_DOCTOR_FILE", {
      message: "That is no plan.",
      fix: "Pass what EXPLAIN (FORMAT JSON) prints.",
    });
  return { plans, coverage: all };
}

const all: Coverage = { part: "plans", share: 1, missing: [] };

async function explained(
  target: Target | undefined,
  query: { readonly text: string; readonly analyze?: boolean },
): Promise<unknown> {
  if (target === undefined) return undefined;
  const answer = await explainQuery(target, query.text, { analyze: query.analyze ?? false });
  if (answer.kind === "planned") return answer.plan;
  throw new DoctorError("HST_DOCTOR_GUARD", {
    message: `The query was not explained: ${answer.because}.`,
    fix: query.analyze
      ? "Without --analyze it is planned only; or run EXPLAIN yourself and pass the plan as a file."
      : "Correct it, or run EXPLAIN (FORMAT JSON) yourself and pass the plan as a file.",
  });
}

/** Judged as it is, told without the values of its conditions. */
async function reported(
  id: string,
  json: unknown,
  target: Target | undefined,
): Promise<readonly PlanReport[]> {
  const plan = readPlan(json);
  const shown = readPlan(withoutValues(typeof json === "string" ? parsed(json) : json));
  if (plan === undefined || shown === undefined) return [];
  const findings = findInPlan(plan, await contextFor(plan, target));
  return [{ id, plan: shown, findings }];
}

/** As `readPlan` reads a text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(planText(text));
  } catch {
    return undefined;
  }
}

async function contextFor(plan: Plan, target: Target | undefined): Promise<PlanContext> {
  if (target === undefined) return contextOf(undefined, []);
  const named = new Map(
    plan.nodes.flatMap(({ schema, relation: name }) =>
      name === undefined ? [] : [[`${schema ?? ""}.${name}`, { schema, name }] as const],
    ),
  );
  const facts = await readFacts((text, values) => target.rows(text, values), [...named.values()]);
  return contextOf(target.major, facts);
}
