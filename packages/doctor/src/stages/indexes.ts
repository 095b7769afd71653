import type { Catalog } from "../catalog/types.ts";
import type { AdviceResult } from "../choose/types.ts";
import { type Model, openModel } from "../model/open.ts";
import type { Resolved } from "../options.ts";
import { loadParser } from "../parse/parse.ts";
import type { Coverage } from "../report/types.ts";
import type { Target } from "../target/types.ts";
import type { Workload } from "../workload/types.ts";
import { advised } from "./advised.ts";
import { lockedNotes } from "./locked.ts";
import { tried } from "./part.ts";
import { planningWith, verifiedBy } from "./planner.ts";
import { tablesOf } from "./tables.ts";

export interface Indexes {
  readonly result: AdviceResult;
  readonly coverage: Coverage;
}

/** Advice, proven in the model; where there is no model it is unverified and says so. */
export async function adviseIndexes(
  target: Target,
  read: { readonly catalog: Catalog; readonly workload: Workload },
  options: Resolved,
): Promise<Indexes> {
  const { onProgress, signal } = options;
  const opened = await tried("model", options, () => modelFor(target, read, options));
  await using model = opened.ok ? opened.value : undefined;
  const { planner, missing, byHypoPg, notes: onPlanning } = await planningWith(model, target, read);
  // What HypoPG was told is gone with the session at the latest.
  await using _second = planner === model ? undefined : planner;
  const result = await advised(
    { ...read, ...{ target, planner, missing, onProgress, signal }, parser: await loadParser() },
    options,
  );
  const notes = [
    ...lockedNotes(read.catalog),
    ...(opened.ok ? [] : [`The what-if model could not be made: ${opened.because}`]),
    ...onPlanning,
    ...result.notes,
  ];
  const advice = result.advice.map(verifiedBy(byHypoPg, read.catalog));
  return { result: { ...result, advice, notes }, coverage: coverageOf(result, read.workload) };
}

/** The model plans on a machine that may be slower than the server, and starts with none cached. */
const MODEL_SHARE = 6;
const MODEL_LEAST_MS = 5_000;

async function modelFor(
  target: Target,
  { catalog, workload }: { readonly catalog: Catalog; readonly workload: Workload },
  { cacheDir, statementTimeoutMs, onProgress, signal }: Resolved,
): Promise<Model | undefined> {
  const tables = tablesOf(workload.statements, catalog, await loadParser());
  if (tables.length === 0) return undefined;
  return openModel(target, catalog, {
    tables,
    timeLimitMs: Math.max(MODEL_LEAST_MS, MODEL_SHARE * statementTimeoutMs),
    ...(cacheDir !== undefined && { cacheDir }),
    ...(onProgress !== undefined && { onProgress }),
    ...(signal !== undefined && { signal }),
  });
}

/** By the time of the statements whose plans could be compared. */
function coverageOf({ uncovered }: AdviceResult, { statements, source }: Workload): Coverage {
  const part = "indexes";
  if (statements.length === 0)
    return {
      part,
      share: 0,
      missing: [source === "none" ? "no statements were read" : "no statement"],
    };
  const shares = new Map(statements.map(({ id, share }) => [id, share]));
  const whole = statements.reduce((sum, { share }) => sum + share, 0);
  const blind = new Map(uncovered.map(({ id, because }) => [id, because]));
  const lost = [...blind.keys()].reduce((sum, id) => sum + (shares.get(id) ?? 0), 0);
  const reasons = Map.groupBy(blind.values(), (because) => because);
  return {
    part,
    share: whole <= 0 ? 0 : Math.min(1, Math.max(0, 1 - lost / whole)),
    missing: [...reasons].map(([because, all]) => `${all.length} of the statements: ${because}`),
  };
}
