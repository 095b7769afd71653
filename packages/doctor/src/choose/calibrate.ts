import { DoctorError } from "../errors.ts";
import { mayPlan } from "../guard/explain.ts";
import { plannedFrom } from "../model/planned.ts";
import type { Explainable, Planned, Planner, RawPlan } from "../model/types.ts";
import type { Parser } from "../parse/parse.ts";
import type { OnProgress, Target } from "../target/types.ts";
import { explainOnServer } from "./explain.ts";

export interface Calibration {
  /** Statements of which both planners told a cost. */
  readonly compared: number;
  readonly within10Percent: number;
  /** Statement id to why the planner's numbers are not to be trusted for it. */
  readonly untrusted: ReadonlyMap<string, string>;
}

export interface CalibrateInput {
  readonly target: Target;
  readonly planner: Planner;
  readonly parser: Parser;
  readonly statements: readonly Explainable[];
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A cost further off than this is not the same planner on the same statistics. */
const COST_SHARE_MAX = 0.1;
/** Two plans of different shape are one choice among equals when their costs are this near. */
const SHAPE_SHARE_MAX = 0.01;
/** Costs below this differ by rounding of pages. */
const COST_UNITS_MAX = 1;

/**
 * Compares the planner's costs of today with the target's own, by plain EXPLAIN: nothing is run.
 * Both plan without parallel workers, which the model does not have.
 */
export async function calibrate(input: CalibrateInput): Promise<Calibration> {
  const untrusted = new Map<string, string>();
  let compared = 0;
  let within10Percent = 0;
  for (const [at, statement] of input.statements.entries()) {
    input.signal?.throwIfAborted();
    input.onProgress?.({ step: "calibrating", done: at + 1, total: input.statements.length });
    const real = await explainOnTarget(input.target, input.parser, statement, { parallel: false });
    if (real.kind === "refused") {
      untrusted.set(statement.id, `The target could not plan it: ${real.because}.`);
      continue;
    }
    const model = await input.planner.explain(statement);
    if (model.kind === "refused") continue;
    compared += 1;
    const off = distance(real.totalCost, model.totalCost);
    if (off <= COST_SHARE_MAX) within10Percent += 1;
    const why = whyUntrusted(off, real.plan, model.plan);
    if (why !== undefined) untrusted.set(statement.id, why);
  }
  return { compared, within10Percent, untrusted };
}

function distance(real: number, model: number): number {
  if (Math.abs(real - model) <= COST_UNITS_MAX) return 0;
  return Math.abs(real - model) / Math.max(real, COST_UNITS_MAX);
}

function whyUntrusted(off: number, real: RawPlan, model: RawPlan): string | undefined {
  if (off > COST_SHARE_MAX)
    return `The planner's cost of today is ${Math.round(off * 100)} % off the target's own.`;
  if (off > SHAPE_SHARE_MAX && shapeOf(real) !== shapeOf(model))
    return "The planner chooses another plan today than the target does.";
  return undefined;
}

function shapeOf(plan: RawPlan): string {
  return `${plan["Node Type"]}(${(plan.Plans ?? []).map(shapeOf).join(",")})`;
}

/** Plain EXPLAIN of one statement on the target, in a read-only transaction. */
export async function explainOnTarget(
  target: Target,
  parser: Parser,
  statement: Explainable,
  options: { readonly parallel: boolean; readonly ids?: ReadonlyMap<string, string> },
): Promise<Planned> {
  try {
    const verdict = await mayPlan(target, statement.planText, parser);
    if (verdict.kind === "refused") return verdict;
    const { text: planText, parameters: count } = verdict;
    const rows = await target.transaction(async (tx) => {
      const ask = (text: string): Promise<readonly object[]> => tx.simple(text);
      // The parser reads literals by the standard, and so must the server.
      await ask("set local standard_conforming_strings = on");
      if (!options.parallel) await ask("set local max_parallel_workers_per_gather = 0");
      const server = { ask, major: target.major, parameters: () => count };
      return explainOnServer(server, { id: statement.id, planText });
    }, "commit");
    return plannedFrom(rows, options.ids);
  } catch (error) {
    if (error instanceof DoctorError && error.code === "HST_DOCTOR_STATEMENT")
      return { kind: "refused", because: `SQLSTATE ${error.sqlstate ?? "unknown"}` };
    throw error;
  }
}
